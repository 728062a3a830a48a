"""`tfport fix`: applies what the findings offer to the working tree."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.check import style_of, takes_style
from bot.cli.command import (
    FINDINGS,
    FINE,
    Command,
    console,
    progress,
    readable,
    say,
    takes_base,
    takes_repo,
)

if TYPE_CHECKING:
    from checks.fix import Fixed
    from checks.report import Report
    from checks.snapshot import Snapshot


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument(
        "names", metavar="RULE|ITEM", nargs="*", help="mend only what these rules or items find (all of them)"
    )
    takes_repo(parser)
    takes_base(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing; print the changes as a unified diff"
    )
    parser.add_argument("--all", action="store_true", help="suggestions too, which are for the reader only")
    takes_style(parser)


def _fix(options: Namespace) -> int:
    from checks.fix import fix
    from checks.repository import working_tree
    from checks.run import check, select
    from checks.worktree import write

    names: list[str] = options.names
    asked = options.style or (bool(names) and "style-format" in select(names).rules)
    with progress("fixing …"), readable(options.repo):
        base, tree = working_tree(options.repo, options.base)
        tools = style_of(base) if asked else None

        def checked(head: Snapshot) -> Report:
            return check(base, head, only=names, formatters=tools)

        fixed = fix(tree, checked, suggestions=options.all or bool(names))
    if options.dry_run:
        _print_diff(fixed)
    else:
        for path, text in fixed.after.items():
            write(tree.root, path, fixed.before[path], text)
        _print(fixed)
    return FINDINGS if fixed.report.blocking else FINE


def _print_diff(fixed: Fixed) -> None:
    from checks.patch import unified

    lines = unified(fixed.before, fixed.after)
    if sys.stdout.isatty():
        from bot.render.visible import visible

        say("\n".join(map(visible, lines)) or "There is nothing to fix.")
    else:  # for `git apply`, to the letter; nothing at all if there is nothing
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def _print(fixed: Fixed) -> None:
    from bot.render.fixes import print_fixed

    print_fixed(console(), fixed)


COMMAND = Command(
    "fix",
    "apply the fixes that check offers to the working tree",
    _takes,
    _fix,
    more="exit code: 0 no error is left, 1 some are, 2 bad input, 3 an error in tfport",
)
