"""`tfport config validate`: whether a repository's configuration can be used."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from bot.cli.command import FINDINGS, FINE, Command, bot_is_installed, say
from checks.errors import UserError


def _takes(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    validate = actions.add_parser(
        "validate", help="say whether the file can be used", description="Says whether the file can be used."
    )
    validate.add_argument(
        "file", metavar="FILE", nargs="?", default=".github/tfport.yml", help="the file (.github/tfport.yml)"
    )


def _validate(options: Namespace) -> int:
    with bot_is_installed("tfport config"):
        from bot.policy import MAX_BYTES, ConfigError, RepositoryConfig, parse_config
    path = Path(options.file)
    content = b""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        config = parse_config(content.decode())
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}", hint="tfport config validate FILE names another one"
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        say(f"{path}:{line}:{column}: not UTF-8")
        return FINDINGS
    except ConfigError as error:
        where, found, rest = str(error).partition(": ")
        say(f"{path}:{where}: {rest}" if found and where[:1].isdigit() else f"{path}: {error}")
        return FINDINGS
    standard = RepositoryConfig()
    changed = [name for name in type(config).model_fields if getattr(config, name) != getattr(standard, name)]
    say(f"{path} can be used" + (f"; it sets {', '.join(changed)}" if changed else "; it changes nothing"))
    return FINE


COMMAND = Command(
    "config",
    "validate a repository's configuration, .github/tfport.yml",
    _takes,
    _validate,
    more="exit code: 0 it can be used, 1 it cannot, 2 it cannot be read",
)
