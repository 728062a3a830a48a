"""Auto mappings in the alphabetical order of their keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.changes import changed_lines
from checks.conventions import AUTO
from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._order import misplaced, move_lines
from checks.source.registries import Mapping, auto_facts

_PATH = f"{AUTO}/modeling_tf_auto.py"


def check(port: Port) -> Iterator[Finding]:
    paths = [p for p, c in port.changed.items() if p.startswith(f"{AUTO}/") and c.status == "modified"]
    if not paths:
        raise NotApplicable("no auto mapping is touched")
    for path in paths:
        found = port.facts(path, auto_facts) if path.endswith(".py") else None
        if found is None or found.problem is not None:
            continue
        touched = changed_lines(port.base, port.head, path)
        lines = port.text(path).split("\n")
        before = port.known_facts(path, auto_facts, base=True)
        if before is not None and all(map(_is_sorted, before.mappings.values())):
            for mapping in found.mappings.values():
                yield from _misplaced(path, lines, mapping, touched)


def _is_sorted(mapping: Mapping) -> bool:
    """The base keeps its mappings in order; older ones did not. A short one tells nothing."""
    keys = [entry.key for entry in mapping.entries]
    return len(keys) < 3 or keys == sorted(keys) or not _SORTED.search(mapping.name)


_SORTED = re.compile(r"_MAPPING(_[A-Z]+)*$")
"""Names of the mappings that upstream's script looks at."""


def _misplaced(path: str, lines: list[str], mapping: Mapping, touched: frozenset[int]) -> Iterator[Finding]:
    if not _SORTED.search(mapping.name):
        return
    for entry, following in misplaced(mapping.entries, lambda entry: entry.key, touched):
        at = following.line if following is not None else mapping.entries[-1].end_line + 1
        yield RULE.finding(
            path,
            entry.line,
            f'"{entry.key}" is out of the alphabetical order of {mapping.name}',
            f'It belongs before "{following.key}" (line {at}); make style sorts it.'
            if following is not None
            else "It belongs at the end; make style sorts it.",
            symbol=f"{mapping.name}.{entry.key}",
            column=entry.column + 1,
            edits=move_lines(path, entry.line, entry.end_line, lines[entry.line - 1 : entry.end_line], at)
            if mapping.alone(entry) and mapping.line < at <= mapping.last
            else (),
        )


RULE = Rule(
    slug="style-mapping-order",
    level="error",
    summary="Entries that the port adds to the auto mappings stand in alphabetical order.",
    why="CI runs `utils/sort_auto_mappings.py --check_only` and is red otherwise; in order, the next port's entry does not conflict with yours.",
    how="Run `make style`, which sorts them.",
    guide="Step 6: run make fixup before the pull request is opened.",
    since="4.20 (ddb1a47ec)",
    source="upstream utils/sort_auto_mappings.py",
    check=check,
    examples=(
        Example(
            title="An entry was put at the end",
            path=_PATH,
            good='        ("lantern", "TFLanternModel"),\n        ("xlm", "TFXLMModel"),\n',
            bad='        ("xlm", "TFXLMModel"),\n        ("lantern", "TFLanternModel"),\n',
            finds=('("lantern", "TFLanternModel"),',),
            fixed=True,
        ),
    ),
)
