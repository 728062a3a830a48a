"""`tfport scout`: what a checkpoint on the Hub still needs for TensorFlow."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import (
    FINE,
    Command,
    bot_is_installed,
    console,
    progress,
    readable,
    revision,
    say,
    takes_format,
    takes_repo,
)

if TYPE_CHECKING:
    from checks.scout import Scouting


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="as on its page: ORGANISATION/NAME")
    takes_repo(parser)
    parser.add_argument("--rev", metavar="REV", type=revision, help="look at this commit (the working tree)")
    takes_format(parser, "text", "json")


def _scout(options: Namespace) -> int:
    from checks.repository import tree
    from checks.scout import scout

    with bot_is_installed("scout"):
        import huggingface_hub

        assert huggingface_hub
    from bot.hub import checkpoint

    with progress("asking the Hub …"), readable(options.repo):
        snapshot = tree(options.repo, options.rev)
        found = checkpoint(options.checkpoint)
        result = scout(snapshot, found.name, found.model_type, found.architectures, found.files)
    if options.format == "json":
        import json
        from dataclasses import asdict

        say(json.dumps(asdict(result), indent=2))
    else:
        _print(result)
    return FINE


def _print(found: Scouting) -> None:
    from rich.text import Text

    from bot.render.terminal import wrapped
    from bot.render.visible import visible

    out = console()
    width = max(out.width, 40)
    rows = [("model_type", visible(found.model_type) or "none in its config.json")]
    rows.append(("TensorFlow code", found.module if found.verdict not in _NO_CODE else "none yet"))
    for name, there in found.architectures:
        rows.append((visible(name), f"TF{visible(name)} exists" if there else "no TensorFlow class"))
    rows.append(("TensorFlow weights", found.weights or "none"))
    room = max(len(name) for name, _ in rows)
    out.print(Text.assemble((visible(found.checkpoint), "bold"), f" · {found.verdict}"))
    for name, value in rows:
        out.print(Text(f"  {name:<{room}}  {value}"), soft_wrap=True)
    for line in wrapped(visible(found.next), width, first="Next: ", rest="      "):
        out.print(line, soft_wrap=True)


_NO_CODE = ("new port", "not in transformers")

COMMAND = Command("scout", "what a checkpoint on the Hub still needs for TensorFlow", _takes, _scout)
