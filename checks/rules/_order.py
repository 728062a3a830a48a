"""Lists that are kept in order: what a port put at the wrong place in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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
    new: list[T] = []
    placed: list[T] = []
    for entry in entries:
        of_port = not touched.isdisjoint(range(entry.line, entry.end_line + 1))
        (new if of_port else placed).append(entry)
    lines, keys = [e.line for e in placed], [key(e) for e in placed]
    if keys != sorted(keys) or lines != sorted(lines):
        return
    for entry in new:  # by bisection: somebody may try to make us compare millions
        own = key(entry)
        at = bisect_left(lines, entry.line)
        if (at == 0 or keys[at - 1] <= own) and (at == len(keys) or own <= keys[at]):
            placed.insert(at, entry)
            lines.insert(at, entry.line)
            keys.insert(at, own)
        else:
            following = bisect_right(keys, own)
            yield entry, placed[following] if following < len(placed) else None


def move_lines(path: str, first: int, last: int, lines: Sequence[str], to: int) -> tuple[Edit, Edit]:
    """The edits that move the lines `first` to `last`, which are `lines`, before line `to`."""
    text = "".join(f"{line}\n" for line in lines)
    return replace_lines(path, first, last, ""), insert(path, to, text)
