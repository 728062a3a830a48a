"""Edits as suggestion blocks: whole lines of the head's file and what shall stand there instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.edits import apply
from checks.report import Edit


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The lines `start_line` to `end_line` (from 1) replaced by `text`: whole lines, each with its line end; "" removes them."""

    path: str
    start_line: int
    end_line: int
    text: str


def suggestions(path: str, text: str, edits: Iterable[Edit]) -> tuple[Suggestion, ...]:
    """The edits of one file as suggestions, edits of neighbouring lines in one; applied together they give what the edits give.

    Args:
        text: of the file at the head.
    """
    here = sorted({edit for edit in edits if edit.path == path}, key=lambda e: (e.start, e.end))
    lines = text.split("\n")
    groups: list[tuple[int, int, list[Edit]]] = []
    for edit in here:
        first, last = _span(edit, len(lines))
        if groups and first <= groups[-1][1] + 1:
            start, end, chosen = groups[-1]
            groups[-1] = (start, max(end, last), [*chosen, edit])
        else:
            groups.append((first, last, [edit]))
    return tuple(_made(path, text, lines, *group) for group in groups)


def _span(edit: Edit, count: int) -> tuple[int, int]:
    """First and last line that an edit needs for its place: GitHub replaces whole lines that are there."""
    first, last = edit.start[0], edit.end[0]
    if edit.end[1] == 1 and last > first:
        last -= 1  # up to the beginning of a line: that line stays
    return min(first, count), min(max(last, first), count)


def _made(path: str, text: str, lines: list[str], first: int, last: int, edits: list[Edit]) -> Suggestion:
    after = apply({path: text}, edits)[path].split("\n")
    rest = len(lines) - last
    new = after[first - 1 : len(after) - rest]
    return Suggestion(path, first, last, "".join(f"{line}\n" for line in new))


def fence(suggestion: Suggestion) -> str:
    """The block as Markdown, with a fence longer than any in the code."""
    marks = "```"
    while marks in suggestion.text:
        marks += "`"
    return f"{marks}suggestion\n{suggestion.text}{marks}"
