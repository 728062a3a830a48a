"""`tfport convert`: a checkpoint's PyTorch weights as TensorFlow weights, compared as the guide's `pt-to-tf` does."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import (
    FINDINGS,
    FINE,
    Command,
    bot_is_installed,
    complain,
    readable,
    revision,
    say,
    takes_base,
    takes_repo,
)
from bot.cli.test import live_line, takes_place
from checks.errors import UserError

if TYPE_CHECKING:
    from checks.execution.convert import Conversion

LIMIT = 5e-5


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="as on its page: ORGANISATION/NAME")
    takes_repo(parser)
    takes_base(parser)
    parser.add_argument(
        "--head", metavar="REV", type=revision, help="whose TensorFlow code converts (the working tree)"
    )
    parser.add_argument(
        "--max-error",
        metavar="X",
        type=_number,
        default=LIMIT,
        help=f"largest difference to take ({LIMIT:g})",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("tf_weights"), help="where to put them (tf_weights)"
    )
    parser.add_argument(
        "--upload",
        action="store_true",
        help="propose them on the Hub, as who is logged in there (hf auth login)",
    )
    takes_place(parser)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is no difference such as 1e-4")
    return value


def _convert(options: Namespace) -> int:
    with bot_is_installed("tfport convert"):
        from checks.execution.convert import Differs, judge
        from checks.execution.converting import convert_checkpoint
    from checks.execution.run import Unready
    from checks.repository import snapshots

    token = _token() if options.upload else ""
    with readable(options.repo), live_line() as step:
        base, head = snapshots(options.repo, options.base, options.head)
        try:
            found = convert_checkpoint(
                base,
                head,
                options.checkpoint,
                options.out,
                python=options.python,
                cores=options.cores,
                progress=step,
            )
        except Unready as error:
            raise UserError(str(error), hint="tfport doctor looks further") from error
    _print(found)
    try:
        judge(found, options.max_error)
    except Differs as error:
        complain(error.message, error.hint)
        return FINDINGS
    if options.upload:
        from bot.hub import propose
        from bot.render.conversion import TITLE, description

        text = description(found, limit=LIMIT)
        say(propose(options.checkpoint, found.files, token=token, title=TITLE, description=text).url)
    return FINE


def _token() -> str:
    from bot.hub import own_token

    token = own_token()
    if not token:
        raise UserError("nobody is logged in on the Hub here", hint="hf auth login")
    return token


def _print(found: Conversion) -> None:
    def worst(values: dict[str, float]) -> str:
        return f"{max(values.values()):.2g}" if values else "none given"

    say(f"{found.checkpoint} → {found.model_class}")
    say(f"  outputs        {worst(dict(found.outputs))}")
    say(f"  hidden states  {worst(dict(found.hidden))}")
    say(f"  loaded again   {worst(dict(found.reloaded))}")
    for path in found.files:
        say(f"  {path}  {path.stat().st_size / 1e6:.1f} MB")


COMMAND = Command(
    "convert",
    "make TensorFlow weights of a checkpoint, in a sandbox, and compare the two models",
    _takes,
    _convert,
    more="exit code: 0 they agree, 1 they differ by more than --max-error, 2 bad input or not convertible, 3 an error in tfport",
)
