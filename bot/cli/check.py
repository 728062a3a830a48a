"""`tfport check`: the checklist for the port between two commits, or in the working tree."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import (
    FINDINGS,
    FINE,
    INTERNAL,
    Command,
    console,
    progress,
    readable,
    revision,
    say,
    takes_base,
    takes_format,
    takes_repo,
)
from bot.cli.test import executed, takes_place
from checks.errors import UserError

if TYPE_CHECKING:
    from checks.execution.run import Choice
    from checks.report import Report
    from checks.snapshot import Snapshot
    from checks.style import Formatters


def _takes(parser: ArgumentParser) -> None:
    takes_repo(parser)
    takes_base(parser)
    parser.add_argument(
        "--head",
        metavar="REV",
        type=revision,
        help="what to check (the working tree, with what is not committed yet)",
    )
    takes_format(parser, "text", "json", "markdown")
    parser.add_argument(
        "--only",
        metavar="ITEM|RULE|SECTION",
        nargs="+",
        action="extend",
        default=[],
        help="check only these items, rules or sections",
    )
    takes_style(parser)
    parser.add_argument(
        "--execute",
        action="store_true",
        help="run the port in a sandbox too: load PyTorch's weights, call it in every format, run its tests",
    )
    takes_place(parser)


def takes_style(parser: ArgumentParser) -> None:
    """`--style`."""
    parser.add_argument(
        "--style",
        action="store_true",
        help="run the formatters that the base pins, too; they are installed into a cache once",
    )


def style_of(base: Snapshot) -> Formatters:
    """The base's formatters, for `--style`."""
    from checks.style.run import formatters

    return formatters(base)


def _check(options: Namespace) -> int:
    from checks.repository import snapshots
    from checks.run import check

    with progress("checking …"), readable(options.repo):
        base, head = snapshots(options.repo, options.base, options.head)
        report = check(base, head, only=options.only, formatters=style_of(base) if options.style else None)
    if options.execute:
        with readable(options.repo):
            report = executed(report, base, head, options, _choice(options.only))
    _print(report, head, options.format)
    states = {item.state for item in report.items}
    return FINDINGS if "failed" in states else INTERNAL if "error" in states else FINE


def _choice(only: list[str]) -> Choice:
    from checks.execution.run import ITEMS, Choice
    from checks.run import select

    chosen = select(only).rules_of
    return Choice(items=tuple(item for item in ITEMS if item in chosen))


def _print(report: Report, head: Snapshot, format: str) -> None:
    if format == "json":
        import json

        say(json.dumps(report.to_json(), indent=2))  # ASCII: nothing in it speaks to a terminal
    elif format == "markdown":
        from bot.render.markdown import summary

        say(summary(report))
    else:
        from bot.render.terminal import print_report

        def read(path: str) -> str | None:
            try:
                return head.read(path)
            except UserError:  # too large or no text: shown without its code
                return None

        print_report(console(), report, read)


COMMAND = Command(
    "check",
    "check a port against the contribution checklist",
    _takes,
    _check,
    more="exit code: 0 nothing failed, 1 an item failed, 2 bad input, 3 an error in tfport",
)
