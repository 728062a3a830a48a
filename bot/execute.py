"""One execution, in a process of its own: `python -m bot.execute` (see `bot.child`)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any, TypedDict

from bot.child import answer, over, step
from checks.execution.checkpoints import Checkpoints, Policy
from checks.execution.place import hub_folder, place
from checks.execution.run import ITEMS, Choice, Progress, execute
from checks.execution.settings import Settings
from checks.execution.verdict import ITEM
from checks.execution.workplace import Workplace
from checks.report import Report
from checks.run import check
from checks.snapshot import GitSnapshot


class Request(TypedDict):
    """What is executed. `tests`: ids, None for all; `variables`: the operator's, see `checks.execution.settings`."""

    repository: str
    base: str
    head: str
    ready: bool
    expression: str
    tests: list[str] | None
    cores: int
    memory: int
    seconds: float
    checkpoint_bytes: int
    checkpoint_pickles: bool
    variables: dict[str, str]


def main() -> None:
    """Runs one request."""
    answer(run)


def run(request: Request) -> dict[str, Any]:
    """What the execution adds to the report.

    Raises:
        UserError: no test matches; the tree is too large.
    """
    base = GitSnapshot(request["repository"], request["base"])
    head = GitSnapshot(request["repository"], request["head"])
    settings = Settings.of(request["variables"])
    tests = request["tests"]
    chosen = Choice(
        expression=request["expression"],
        tests=None if tests is None else frozenset(tests),
        seconds=request["seconds"],
    )
    if chosen.narrowed:
        chosen = replace(chosen, items=(ITEM,))

    def workplace() -> AbstractContextManager[Workplace]:
        return place(
            base, head, settings=settings, cores=request["cores"], memory=request["memory"], progress=step
        )

    limits = Policy(limit=request["checkpoint_bytes"], pickles=request["checkpoint_pickles"])
    report = execute(
        check(base, head, only=[ITEM], ready=request["ready"]),
        base,
        head,
        workplace,
        choice=chosen,
        checkpoints=Checkpoints(hub_folder(settings), limits),
        progress=Progress(step, over),
    )
    return added(report, narrowed=chosen.narrowed, ids=chosen.items)


def added(report: Report, *, narrowed: bool, ids: tuple[str, ...] = ITEMS) -> dict[str, Any]:
    """A `bot.execution.Result`."""
    return {
        "narrowed": narrowed,
        "items": [asdict(item) for item in report.items if item.id in ids],
        "findings": [asdict(finding) for finding in report.findings if finding.item in ids],
        "tests": [dict(test) for test in report.tests],
        "comparison": [dict(entry) for entry in report.comparison],
        "environment": dict(report.environment),
        "notes": [],
        "seconds": report.timings.get("execution", 0.0),
    }


if __name__ == "__main__":
    main()
