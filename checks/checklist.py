"""`checklist.yml` as data: sections and items, and which item a rule serves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

GUIDE = "https://huggingface.co/docs/transformers/v4.36.1/en/add_tensorflow_model"
"""Where the guide can be read; its sections are anchors of it."""

Decided = Literal["static", "execution", "github", "human"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. `rules` decide it; where there are none yet, `decided` says who will.

    Attributes:
        pending: what its rules do not look at yet, so that it may fail but not pass; "" once they are complete.
    """

    id: str
    section: str
    text: str
    decided: Decided
    rules: tuple[str, ...] = ()
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the guide, shown as one group (and, but for `start`, `submit` and `share`, as one check run)."""

    id: str
    title: str
    items: tuple[Item, ...]


@cache
def sections() -> tuple[Section, ...]:
    """All sections in the guide's order."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(Path(__file__).with_name("checklist.yml").read_text("utf-8"), Loader=loader)  # noqa: S506 (both are safe)
    return tuple(
        Section(
            id=section["section"],
            title=section["title"],
            items=tuple(
                Item(
                    id=item["id"],
                    section=section["section"],
                    text=item["text"],
                    decided=item["decided"],
                    rules=tuple(item.get("rules", ())),
                    pending=item.get("pending", ""),
                )
                for item in section["items"]
            ),
        )
        for section in document
    )


@cache
def items() -> dict[str, Item]:
    """All items by id, in the guide's order."""
    return {item.id: item for section in sections() for item in section.items}


@cache
def item_of_rule(slug: str) -> str:
    """The item that a rule serves.

    Raises:
        KeyError: no item names the rule.
    """
    for item in items().values():
        if slug in item.rules:
            return item.id
    raise KeyError(slug)
