"""`catalogue.yml` as data: everything that a port might be asked for, and the rules that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from checks.checklist import item_of_rule
from checks.rules import all_rules


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a port might be asked for. It has `rules`, or a `reason` why there is none (or why they don't decide all of it)."""

    id: str
    section: str
    text: str
    rules: tuple[str, ...]
    reason: str


@cache
def entries() -> tuple[Entry, ...]:
    """All entries in their order."""
    document = yaml.safe_load(Path(__file__).with_name("catalogue.yml").read_text("utf-8"))
    return tuple(
        Entry(
            id=entry["id"],
            section=section["section"],
            text=entry["text"],
            rules=tuple(entry.get("rules", ())),
            reason=entry.get("reason", ""),
        )
        for section in document
        for entry in section["entries"]
    )


def page() -> str:
    """The catalogue as a table, with item and level of each rule, for `docs/rules/catalogue.md`."""
    lines = [
        "# Catalogue",
        "",
        "Everything that a TensorFlow port might be asked for, and what asks for it. The levels: an `error` blocks its item, a `warning` "
        "or a `suggestion` does not. What has no rule says why.",
    ]
    section = ""
    for entry in entries():
        if entry.section != section:
            section = entry.section
            lines += ["", f"## {section}", "", "| id | what | rule | item | level |", "|---|---|---|---|---|"]
        lines += _rows(entry)
    return "\n".join([*lines, ""])


def _rows(entry: Entry) -> list[str]:
    rows: list[str] = []
    first = [entry.id, entry.text]
    for slug in entry.rules:
        rows.append(_row(*first, f"[{slug}]({slug}.md)", f"`{item_of_rule(slug)}`", all_rules()[slug].level))
        first = ["", ""]
    if entry.reason:
        rows.append(_row(*first, "–", entry.reason, ""))
    return rows


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
