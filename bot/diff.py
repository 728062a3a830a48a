"""Where GitHub takes comments: on the lines that a pull request's diff shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.state import ChangedFile

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LineComment:
    """A comment on lines `start_line` (or `line` alone) to `line` of the head's file."""

    path: str
    line: int
    body: str
    start_line: int | None = None


def hunks(files: Iterable[ChangedFile]) -> dict[str, list[range]]:
    """By path the lines of the new file that each hunk shows."""
    return {file.path: hunks_of(file.patch or "") for file in files}


def hunks_of(patch: str) -> list[range]:
    """The lines of the new file that each hunk of a patch shows.

    >>> hunks_of("@@ -1,2 +1,3 @@\\n a\\n+b\\n c\\n@@ -9 +10 @@ def f():\\n-x\\n+y")
    [range(1, 4), range(10, 11)]
    """
    return [range(int(start), int(start) + int(length or 1)) for start, length in _HUNK.findall(patch)]


def legal(shown: Mapping[str, list[range]], path: str, first: int, last: int) -> bool:
    """Whether a comment may stand on these lines: all of them in one hunk."""
    return any(first in hunk and last in hunk for hunk in shown.get(path, ()))


def on_diff(
    comments: Iterable[LineComment], files: Iterable[ChangedFile]
) -> tuple[tuple[LineComment, ...], tuple[LineComment, ...]]:
    """Those comments that stand on lines of the diff, and the others."""
    shown = hunks(files)

    def fits(comment: LineComment) -> bool:
        first = comment.line if comment.start_line is None else comment.start_line
        return legal(shown, comment.path, first, comment.line)

    asked = tuple(comments)
    return tuple(c for c in asked if fits(c)), tuple(c for c in asked if not fits(c))
