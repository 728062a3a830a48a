"""What all subcommands share: their shape, exit codes, and how they speak to people."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from checks.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

FINE, FINDINGS, BAD_INPUT, INTERNAL = 0, 1, 2, 3
"""Exit codes of all commands."""


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: what it takes, and what runs it and gives the exit code."""

    name: str
    help: str
    takes: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    more: str = ""


# -- arguments ---------------------------------------------------------------------------------------------------------


def takes_repo(parser: ArgumentParser) -> None:
    """`--repo PATH`."""
    parser.add_argument("--repo", metavar="PATH", default=".", help="the clone of transformers (here)")


def takes_base(parser: ArgumentParser) -> None:
    """`--base REV`."""
    parser.add_argument(
        "--base",
        metavar="REV",
        type=revision,
        help="compare with the commit where the head parted from REV (the upstream main branch)",
    )


def takes_format(parser: ArgumentParser, *choices: str) -> None:
    """`--format`; the first choice is the default."""
    parser.add_argument(
        "--format", choices=choices, default=choices[0], help=f"how to print the result ({choices[0]})"
    )


def revision(text: str) -> str:
    """The type of an argument that names a commit."""
    if not text.strip():  # an unset variable in somebody's script
        raise ArgumentTypeError("the revision is empty")
    return text


# -- trouble -----------------------------------------------------------------------------------------------------------


@contextmanager
def readable(repo: str) -> Generator[None]:
    """Trouble with the repository itself is told as bad input."""
    import pygit2

    try:
        yield
    except (pygit2.GitError, OSError) as error:
        raise UserError(f"git cannot read {repo}: {error}", hint="git fsck finds what is damaged") from error


@contextmanager
def bot_is_installed(what: str = "the bot") -> Generator[None]:
    """Around imports of what only the extra `bot` brings."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("bot", "checks"):
            raise
        raise UserError(
            f"{what} needs more than is installed here: {error.name}", hint="pip install 'tfport[bot]'"
        ) from error


# -- words -------------------------------------------------------------------------------------------------------------


def say(text: str, to: TextIO | None = None) -> None:
    """One line or several, on standard output."""
    (to or sys.stdout).write(f"{text}\n")


def complain(message: str, hint: str) -> None:
    """What went wrong and what to do, on standard error."""
    from bot.render.visible import visible

    say(f"tfport: {visible(message)}" + (f"\n  → {visible(hint)}" if hint else ""), to=sys.stderr)


def plain() -> bool:
    """No colours are wanted."""
    return bool(os.environ.get("NO_COLOR"))


def console() -> Console:
    """Standard output for text that is no markup."""
    from rich.console import Console

    colours = None if plain() else "auto"
    return Console(color_system=colours, markup=False, emoji=False, highlight=False)


@contextmanager
def progress(what: str) -> Generator[None]:
    """Shows a sign of life on a terminal while the body takes longer than a second."""
    if not sys.stderr.isatty():
        yield
        return
    from threading import Timer

    stop: list[Callable[[], None]] = []

    def show() -> None:
        if plain() or os.environ.get("TERM") == "dumb":
            say(what, to=sys.stderr)
            sys.stderr.flush()
            return
        from rich.console import Console

        status = Console(stderr=True).status(what)
        status.start()
        stop.append(status.stop)

    timer = Timer(1.0, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for end in stop:
            end()
