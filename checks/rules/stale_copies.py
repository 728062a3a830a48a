"""Copies elsewhere of code that the pull request changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.changes import changed_lines
from checks.conventions import MODELS, read
from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._copies import compare, dotted_path, files, how, in_base, origin
from checks.source.copies import Block, Manner, Marker, copied_block, definition, markers

MOST_FILES = 10
"""Changed modules that are looked at: one needs a look at all modules of its kind."""


def check(port: Port) -> Iterator[Finding]:
    touched = list(_touched(port))
    if not touched:
        raise NotApplicable("it changes no code that others may have copied")
    manner = how(port)
    for path in touched[:MOST_FILES]:
        stale: dict[str, list[tuple[str, Marker]]] = {}
        for copier, marker in _copiers(port, path):
            if _is_stale(port, copier, marker, manner):
                stale.setdefault(marker.name, []).append((copier, marker))
        for name, places in stale.items():
            yield _finding(port, path, name, places)


def _touched(port: Port) -> Iterator[str]:
    """Modules that the pull request changes, but does not add, and of which some class or function reads otherwise now."""
    for path, change in sorted(port.changed.items()):
        name = path.rsplit("/", 1)[-1]
        if change.status != "modified" or not path.endswith(".py") or name == "__init__.py":
            continue
        if not path.startswith((f"{MODELS}/", "tests/models/")) or "/auto/" in path:
            continue
        if _definitions(read(port.base, path)) - _definitions(read(port.head, path)):
            yield path


def _definitions(text: str) -> set[str]:
    """The texts of the classes and functions of a module's top level."""
    return set(re.split(r"^(?=class |def )", text, flags=re.MULTILINE)[1:])


def _copiers(port: Port, path: str) -> Iterator[tuple[str, Marker]]:
    """Markers that name something in a module, in files that the port's own rules do not look at."""
    folder = "tests/models" if path.startswith("tests/") else MODELS
    module = dotted_path(path)
    # What the pull request does not touch reads in head as in base, and a commit is searched faster than a working tree.
    found = set(port.base.search(folder, f"Copied from {module}."))
    found.update(other for other, change in port.changed.items() if change.status != "removed")
    for other in sorted(found - {path, *files(port)}):
        if other.startswith(folder) and other.endswith(".py"):
            for marker in markers(read(port.head, other)):
                if f"{marker.root}.{marker.name}".startswith(f"{module}."):
                    yield other, marker


def _is_stale(port: Port, path: str, marker: Marker, how: Manner) -> bool:
    """It is no copy of the head's original any more, while it is one of the base's."""
    if marker.root == "tests" and not how.tests:
        return False
    block = copied_block(read(port.head, path).split("\n"), marker)
    new = origin(port.head, marker.root, marker.name)
    old = origin(port.base, marker.root, marker.name)
    if block is None or old.block is None or (new.block is not None and new.block.lines == old.block.lines):
        return False
    if new.block is None:
        return True
    return bool(compare(block, new, marker.rest, how)[0]) and not compare(block, old, marker.rest, how)[0]


def _finding(port: Port, path: str, name: str, places: list[tuple[str, Marker]]) -> Finding:
    names = name.split(".")[len(dotted_path(path).split(".")) - 1 :]
    new = definition(read(port.head, path), names)
    shown = ".".join(names)
    who = ", ".join(dict.fromkeys(copier.rsplit("/", 1)[-1] for copier, _ in places[:4]))
    more = f" and {len(places) - 4} more" if len(places) > 4 else ""
    return RULE.finding(
        path,
        _changed_line(port, path, new),
        f"{shown} {'changes' if new else 'is gone'}, but {who}{more} {'say' if len(places) > 1 else 'says'} to be copied from it",
        f"Run make fix-copies ({in_base(port)} fails as it is), or change {path.rsplit('/', 1)[-1]} in a pull request of its own.",
        symbol=shown,
        locations=[Location(copier, marker.line) for copier, marker in places[:20]],
    )


def _changed_line(port: Port, path: str, block: Block | None) -> int:
    """The first line of the class or function that the pull request changes."""
    if block is None:
        return 1
    lines = changed_lines(port.base, port.head, path)
    return min((line for line in lines if block.first <= line <= block.last), default=block.first)


_BERT = "src/transformers/models/bert/modeling_bert.py"

RULE = Rule(
    slug="stale-copies",
    level="error",
    summary="What the pull request changes is copied nowhere else, or the copies change with it.",
    why="`make repo-consistency` compares every copy in the repository with its original, not only the new ones.",
    how="`make fix-copies` brings the copies up to date. A fix of an existing model is better off in a pull request of its own.",
    source="upstream utils/check_copies.py",
    check=check,
    examples=(
        Example(
            title="The original was changed",
            path=_BERT,
            good="        hidden_states = self.LayerNorm(hidden_states + input_tensor)\n",
            bad="        hidden_states = self.LayerNorm(input_tensor + hidden_states)\n",
            finds=("hidden_states = self.LayerNorm(input_tensor + hidden_states)",),
        ),
    ),
)
