"""Pure: which lines of a patch may carry a review comment, and where they lie in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Side = Literal["LEFT", "RIGHT"]
HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a patch: its hunk (from 0) and its position (GitHub's count: lines below the first `@@`)."""

    hunk: int
    position: int


def places(patch: str) -> dict[tuple[Side, int], Place]:
    """Every line that may be commented: (side, line number) -> place. Context lines count on both sides."""
    found: dict[tuple[Side, int], Place] = {}
    hunk, left, right = -1, 0, 0
    for position, line in enumerate(patch.split("\n")):
        if start := HUNK.match(line):
            hunk, left, right = hunk + 1, int(start[1]), int(start[2])
            continue
        here = Place(hunk, position)
        if line.startswith("+"):
            found["RIGHT", right] = here
            right += 1
        elif line.startswith("-"):
            found["LEFT", left] = here
            left += 1
        elif not line.startswith("\\"):
            found["LEFT", left] = found["RIGHT", right] = here
            left, right = left + 1, right + 1
    return found


def hunk_until(patch: str, position: int) -> str:
    """The `diff_hunk` of a comment: from the head of its hunk to the commented line."""
    lines = patch.split("\n")[: position + 1]
    start = max((i for i, line in enumerate(lines) if HUNK.match(line)), default=0)
    return "\n".join(lines[start:])


def at_position(patch: str, position: int) -> tuple[Side, int] | None:
    """The other way round, for comments that still use `position`."""
    exact = [key for key, place in places(patch).items() if place.position == position]
    return max(exact, key=lambda key: key[0], default=None)


def moved(patch: str | None, line: int) -> int | None:
    """Where a line of the old file is in the new one, by the patch between them; None when it was changed."""
    if not patch:
        return line
    shift, left = 0, 0
    for row in patch.split("\n"):
        if start := HUNK.match(row):
            left = int(start[1])
            if _old_length(row) == 0:  # a pure insertion is noted after the line before it
                left += 1
            if line < left:
                return line + shift
        elif row.startswith("+"):
            shift += 1
        elif row.startswith("-"):
            if left == line:
                return None
            left, shift = left + 1, shift - 1
        elif not row.startswith("\\"):
            if left == line:
                return line + shift
            left += 1
    return line + shift


def _old_length(header: str) -> int:
    count = re.match(r"^@@ -\d+(?:,(\d+))? ", header)
    return int(count[1]) if count and count[1] is not None else 1
