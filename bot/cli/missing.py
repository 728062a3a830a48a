"""`tfport missing`: which models have no TensorFlow port yet, the most important first."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import (
    FINE,
    Command,
    console,
    progress,
    readable,
    revision,
    say,
    takes_format,
    takes_repo,
)
from checks.errors import UserError

if TYPE_CHECKING:
    from checks.missing import Missing


def _takes(parser: ArgumentParser) -> None:
    takes_repo(parser)
    parser.add_argument("--rev", metavar="REV", type=revision, help="look at this commit (the working tree)")
    parser.add_argument(
        "--top", metavar="N", type=int, default=20, help="how many models to show (20); 0 for all"
    )
    takes_format(parser, "text", "json")


def _missing(options: Namespace) -> int:
    from checks.missing import missing, with_similar
    from checks.repository import tree

    with progress("looking through the models …"), readable(options.repo):
        snapshot = tree(options.repo, options.rev)
        found, note = _popularity(missing(snapshot))
        shown = found[: options.top] if options.top > 0 else found
        shown = [with_similar(snapshot, model) for model in shown]
    if options.format == "json":
        import json

        document = {"note": note, "missing": len(found), "models": [model.to_json() for model in shown]}
        say(json.dumps(document, indent=2))
    else:
        from bot.render.missing import print_missing

        print_missing(console(), shown, len(found), note)
    return FINE


def _popularity(found: list[Missing]) -> tuple[list[Missing], str]:
    """With the Hub's figures if it answers; else as they are, and a sentence that says why."""
    from checks.missing import with_downloads

    try:
        from bot.hub import downloads

        return with_downloads(found, downloads(model.model_type for model in found)), ""
    except ModuleNotFoundError:
        return found, "without popularity: that needs pip install 'tfport[bot]'"
    except UserError as error:
        return found, f"without popularity: {error.message}"


COMMAND = Command(
    "missing", "models that have no TensorFlow port yet, the most important first", _takes, _missing
)
