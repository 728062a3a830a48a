"""Lists that are kept in order: what a port put at the wrong place in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from checks.edits import insert, replace_lines
from checks.report import Edit


class Placed(Protocol):
    """Something with a first and a last line."""

    @property
    def line(self) -> int: ...
    @property
    def end_line(self) -> int: ...


T = TypeVar("T", bound=Placed)


def misplaced(
    entries: Sequence[T], key: Callable[[T], str], touched: frozenset[int]
) -> Iterator[tuple[T, T | None]]:
    """The entries on touched lines that break the order of keys, each with the entry that it belongs before (None: at the end).

    Where the untouched entries are not in order themselves nobody keeps it, so there are none.
    """
    new = [e for e in entries if not touched.isdisjoint(range(e.line, e.end_line + 1))]
    placed = [e for e in entries if e not in new]
    keys = [key(e) for e in placed]
    if keys != sorted(keys):
        return
    for entry in new:
        before = [e for e in placed if e.line < entry.line]
        after = [e for e in placed if e.line > entry.line]
        if (not before or key(before[-1]) <= key(entry)) and (not after or key(entry) <= key(after[0])):
            placed = [*before, entry, *after]
        else:
            yield entry, next((e for e in placed if key(e) > key(entry)), None)


def move_lines(path: str, first: int, last: int, lines: Sequence[str], to: int) -> tuple[Edit, Edit]:
    """The edits that move the lines `first` to `last`, which are `lines`, before line `to`."""
    text = "".join(f"{line}\n" for line in lines)
    return replace_lines(path, first, last, ""), insert(path, to, text)
