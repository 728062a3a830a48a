"""One conversion, in a process of its own: `python -m bot.convert` (see `bot.child`). It is given no token: what it makes is put into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from bot.child import answer, step
from bot.conversion import Figures
from checks.errors import UserError
from checks.execution.checkpoints import Policy
from checks.execution.converting import convert_checkpoint
from checks.execution.run import Unready
from checks.execution.settings import Settings
from checks.snapshot import GitSnapshot


class Request(TypedDict):
    """What is converted. `folder`: for the weights; `variables`: the operator's, see `checks.execution.settings`."""

    repository: str
    base: str
    head: str
    checkpoint: str
    folder: str
    cores: int
    memory: int
    checkpoint_bytes: int
    variables: dict[str, str]


def main() -> None:
    """Converts one checkpoint."""
    answer(run)


def run(request: Request) -> dict[str, Any]:
    """A `bot.conversion.Figures`.

    Raises:
        UserError: it could not be converted.
    """
    try:
        found = convert_checkpoint(
            GitSnapshot(request["repository"], request["base"]),
            GitSnapshot(request["repository"], request["head"]),
            request["checkpoint"],
            Path(request["folder"]),
            settings=Settings.of(request["variables"]),
            policy=Policy(limit=request["checkpoint_bytes"]),
            cores=request["cores"],
            memory=request["memory"],
            progress=step,
        )
    except Unready as error:
        raise UserError(str(error), hint="the operator of the bot can look further: tfport doctor") from error
    return dict(
        Figures(
            model_class=found.model_class,
            outputs=dict(found.outputs),
            hidden=dict(found.hidden),
            reloaded=dict(found.reloaded),
            files=[str(path) for path in found.files],
            revision=found.revision,
        )
    )


if __name__ == "__main__":
    main()
