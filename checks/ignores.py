"""`# tfport: ignore[rule] reason`: which comment speaks of which line.

A comment counts for the line that it ends, and on a line of its own for the one below. Above a class or function it may stand above the
decorators, and other comments (`# Copied from …`) may stand between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.conventions import read
from checks.errors import Unreadable
from checks.port import Port
from checks.snapshot import Snapshot
from checks.source import facts
from checks.source.python import module_facts

IGNORE = re.compile(r"tfport:\s*ignore\[([\w\s,-]+)\](.*)$")
"""The comment: the rules or items that it names, and the reason."""

_ALONE = ("#", "<!--")


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment. `names`: rules and items, with the column (from 1) of each; `reason`: "" if none is given."""

    path: str
    line: int
    names: tuple[tuple[str, int], ...]
    reason: str


def ignores(path: str, text: str) -> Iterator[Ignore]:
    """All comments of a text."""
    if "tfport:" in text:
        for number, line in enumerate(text.split("\n"), 1):
            if (found := _read(path, number, line)) is not None:
                yield found


def _read(path: str, number: int, line: str) -> Ignore | None:
    match = IGNORE.search(line) if "tfport:" in line else None
    if match is None:
        return None
    names = tuple((w[0], match.start(1) + w.start() + 1) for w in re.finditer(r"[\w-]+", match[1]))
    reason = "".join(c for c in match[2].removesuffix("-->") if c.isprintable()).strip(": ")
    return Ignore(path, number, names, reason if any(c.isalnum() for c in reason) else "")


class Comments:
    """The comments of a head, by the lines that they speak of."""

    def __init__(self, head: Snapshot) -> None:
        self._head = head
        self._lines: dict[str, list[str]] = {}

    def line(self, path: str, line: int) -> str:
        """The text of a line, "" if there is none."""
        if path not in self._lines:
            self._lines[path] = read(self._head, path).split("\n")
        lines = self._lines[path]
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def about(self, path: str, line: int) -> Iterator[Ignore]:
        """The comments that speak of a line."""
        own = self.line(path, line)
        if (found := _read(path, line, own)) is not None:
            yield found
        if own.lstrip().startswith(("class ", "def ", "@", "async def ")):
            line = self._first(path, line)
        for above in range(line - 1, 0, -1):
            source = self.line(path, above)
            if not source.lstrip().startswith(_ALONE):
                return
            if (found := _read(path, above, source)) is not None:
                yield found

    def _first(self, path: str, line: int) -> int:
        """Line of the first decorator of the class or function around a `class`, `def` or decorator."""
        try:
            module = facts(self._head, path, module_facts) if path.endswith(".py") else None
        except Unreadable:
            return line
        if module is None:
            return line
        parts = [*module.functions.values(), *module.classes.values()]
        parts += [method for found in module.classes.values() for method in found.methods.values()]
        return next((part.first_line for part in parts if part.first_line <= line <= part.line), line)


def of_changes(port: Port) -> Iterator[Ignore]:
    """The comments of the files that the pull request changes."""
    for path, change in port.changed.items():
        if change.status != "removed" and path.endswith((".py", ".md", ".mdx")):
            yield from ignores(path, port.text(path))
