"""`tfport …`. One module per command; each imports what it needs when it runs: the start of Python is most of the time of a check."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

from bot.cli import (
    check,
    compare,
    config,
    convert,
    disputes,
    doctor,
    env,
    explain,
    fix,
    missing,
    scout,
    serve,
    test,
)
from bot.cli.command import BAD_INPUT, FINE, INTERNAL, complain
from checks import __version__
from checks.errors import UserError

COMMANDS = (
    check.COMMAND,
    test.COMMAND,
    compare.COMMAND,
    fix.COMMAND,
    convert.COMMAND,
    explain.COMMAND,
    missing.COMMAND,
    scout.COMMAND,
    env.COMMAND,
    doctor.COMMAND,
    config.COMMAND,
    disputes.COMMAND,
    serve.SERVE,
    serve.SETUP,
)
"""In the order of the help."""


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
        complain(error.message, error.hint)
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
        complain(f"internal error: {type(error).__name__}: {error}", hint)
        code = INTERNAL
    sys.exit(code)


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
