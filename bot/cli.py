"""`tfport …`. Each command imports what it needs when it runs: the start of Python is most of the time of a check."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TextIO

from checks import __version__
from checks.errors import UserError

if TYPE_CHECKING:
    from checks.report import Report
    from checks.snapshot import Snapshot

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


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: runs a command and ends with one of the four exit codes."""
    for stream in (sys.stdout, sys.stderr):  # never fail for want of a character in the terminal's encoding
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    try:
        options = _parser().parse_args(arguments)
        if hasattr(options, "debug"):
            os.environ["TFPORT_DEBUG"] = "1"
        code = options.run(options)
        sys.stdout.flush()
    except UserError as error:
        _complain(error.message, error.hint)
        code = BAD_INPUT
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader (`| head`) has seen enough; Python must not flush again
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = FINE
    except Exception as error:
        hint = "run it again with --debug and report what it prints"
        if os.environ.get("TFPORT_DEBUG"):
            import traceback

            traceback.print_exc()
            hint = "please report this"
        _complain(f"internal error: {type(error).__name__}: {error}", hint)
        code = INTERNAL
    sys.exit(code)


# -- check -------------------------------------------------------------------------------------------------------------


def _check_takes(parser: ArgumentParser) -> None:
    parser.add_argument("--repo", metavar="PATH", default=".", help="the clone of transformers (here)")
    parser.add_argument(
        "--base",
        metavar="REV",
        type=_given,
        help="compare with the commit where the head parted from REV (the upstream main branch)",
    )
    parser.add_argument(
        "--head",
        metavar="REV",
        type=_given,
        help="what to check (the working tree, with what is not committed yet)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown"),
        default="text",
        help="how to print the report (text)",
    )
    parser.add_argument(
        "--only",
        metavar="ITEM|RULE",
        nargs="+",
        action="extend",
        default=[],
        help="check only these items or rules",
    )


def _check(options: Namespace) -> int:
    from checks.repository import snapshots
    from checks.run import check

    with _progress("checking …"), _readable(options.repo):
        base, head = snapshots(options.repo, options.base, options.head)
        report = check(base, head, only=options.only)
    _print(report, head, options.format)
    states = {item.state for item in report.items}
    return FINDINGS if "failed" in states else INTERNAL if "error" in states else FINE


def _given(revision: str) -> str:
    if not revision.strip():  # an unset variable in somebody's script
        raise ArgumentTypeError("the revision is empty")
    return revision


@contextmanager
def _readable(repo: str) -> Generator[None]:
    """Trouble with the repository itself is told as bad input."""
    import pygit2

    try:
        yield
    except (pygit2.GitError, OSError) as error:
        raise UserError(f"git cannot read {repo}: {error}", hint="git fsck finds what is damaged") from error


def _print(report: Report, head: Snapshot, format: str) -> None:
    if format == "json":
        import json

        _say(json.dumps(report.to_json(), indent=2))  # ASCII: nothing in it speaks to a terminal
    elif format == "markdown":
        from bot.render.markdown import summary

        _say(summary(report))
    else:
        from rich.console import Console

        from bot.render.terminal import print_report

        def read(path: str) -> str | None:
            try:
                return head.read(path)
            except UserError:  # too large or no text: shown without its code
                return None

        colours = None if _plain() else "auto"
        console = Console(color_system=colours, markup=False, emoji=False, highlight=False)
        print_report(console, report, read)


# -- explain -----------------------------------------------------------------------------------------------------------


def _explain_takes(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="ITEM|RULE", nargs="?", help="an item of the checklist or a rule (none: list all)"
    )


def _explain(options: Namespace) -> int:
    if options.name is None:
        _say("\n".join(_checklist()))
    else:
        from checks.explain import explain

        page = explain(options.name).rstrip()
        if sys.stdout.isatty():
            from rich.console import Console
            from rich.markdown import Markdown

            Console(width=min(Console().width, 100), no_color=_plain()).print(Markdown(page))
        else:
            _say(page)
    return FINE


def _checklist() -> Iterator[str]:
    """Every item, with its rules where they have other names."""
    from checks.checklist import items, sections

    width = max(map(len, items()))
    for section in sections():
        yield f"{section.title}"
        for item in section.items:
            others = ", ".join(rule for rule in item.rules if rule != item.id)
            yield f"  {item.id:<{width}}  {item.text}" + (f" ({others})" if others else "")


# -- serve -------------------------------------------------------------------------------------------------------------


def _serve_takes(parser: ArgumentParser) -> None:
    parser.epilog = "All settings are TFPORT_… environment variables: see docs/operate.md."


def _serve(options: Namespace) -> int:
    with _bot_is_installed():
        from bot.server.serve import serve
        from bot.service import working
        from bot.settings import load
    serve(load(), working)
    return FINE


@contextmanager
def _bot_is_installed() -> Generator[None]:
    """Around imports of what only the extra `bot` brings."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("bot", "checks"):
            raise
        raise UserError(
            f"the bot needs more than is installed here: {error.name}", hint="pip install 'tfport[bot]'"
        ) from error


# -- setup -------------------------------------------------------------------------------------------------------------


def _setup_takes(parser: ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="where GitHub will reach the bot: https://HOST")
    parser.add_argument("--name", default="", help="of the app; must be free on GitHub (tfport)")
    parser.add_argument("--org", default="", help="organisation that shall own the app (your account)")
    parser.add_argument(
        "--api", default="https://api.github.com", help="GitHub Enterprise Server: https://HOST/api/v3"
    )
    parser.add_argument("--port", type=int, default=0, help="of the page on this machine (a free one)")


def _setup(options: Namespace) -> int:
    with _bot_is_installed():
        from bot.server.setup import Wanted, setup
        from bot.settings import data_dir
    wanted = Wanted(
        url=options.url,
        data_dir=data_dir(),
        name=options.name,
        organization=options.org,
        github_api=options.api.rstrip("/"),
        port=options.port,
    )
    app = setup(wanted, listening=_invite)
    _say(f"{app.name} is registered. Install it: {app.html_url}/installations/new\nThen: tfport serve")
    return FINE


def _invite(page: str) -> None:
    _say(f"Open this in your browser: {page}")
    sys.stdout.flush()


# -- all ---------------------------------------------------------------------------------------------------------------

COMMANDS = (
    Command(
        "check",
        "check a port against the contribution checklist",
        _check_takes,
        _check,
        more="exit code: 0 nothing failed, 1 an item failed, 2 bad input, 3 an error in tfport",
    ),
    Command("explain", "what a rule or an item asks for, why, and how to do it", _explain_takes, _explain),
    Command("serve", "run the bot", _serve_takes, _serve),
    Command("setup", "register the bot as a GitHub App", _setup_takes, _setup),
)
"""In the order of the help."""


class _Parser(ArgumentParser):
    """Says what is wrong as every other error is said."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message, hint=f"{self.prog} --help")


def _parser() -> ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument(
        "--debug", action="store_true", default=SUPPRESS, help="show tracebacks (or set TFPORT_DEBUG=1)"
    )
    parser = _Parser(
        prog="tfport",
        description="Checks ports of 🤗 Transformers models to TensorFlow.",
        allow_abbrev=False,
        parents=[common],
    )
    parser.add_argument(
        "--version", action="version", version=f"tfport {__version__}", help="show the version"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.help,
            description=command.help[0].upper() + command.help[1:] + ".",
            epilog=command.more,
            allow_abbrev=False,
            parents=[common],
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.takes(sub)
        sub.set_defaults(run=command.run)
    return parser


def _plain() -> bool:
    return bool(os.environ.get("NO_COLOR"))


@contextmanager
def _progress(what: str) -> Generator[None]:
    """Shows a sign of life on a terminal while the body takes longer than a second."""
    if not sys.stderr.isatty():
        yield
        return
    from threading import Timer

    stop: list[Callable[[], None]] = []

    def show() -> None:
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            print(what, file=sys.stderr, flush=True)  # noqa: T201
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


def _complain(message: str, hint: str) -> None:
    from bot.render.visible import visible

    _say(f"tfport: {visible(message)}" + (f"\n  → {visible(hint)}" if hint else ""), to=sys.stderr)


def _say(text: str, to: TextIO | None = None) -> None:
    (to or sys.stdout).write(f"{text}\n")
