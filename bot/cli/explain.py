"""`tfport explain`: the page of a rule or an item, or the list of all."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from bot.cli.command import FINE, Command, plain, say


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="ITEM|RULE", nargs="?", help="an item of the checklist or a rule (none: list all)"
    )


def _explain(options: Namespace) -> int:
    if options.name is None:
        say("\n".join(_checklist()))
        return FINE
    from checks.explain import explain

    page = explain(options.name).rstrip()
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console(width=min(Console().width, 100), no_color=plain()).print(Markdown(page))
    else:
        say(page)
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


COMMAND = Command("explain", "what a rule or an item asks for, why, and how to do it", _takes, _explain)
