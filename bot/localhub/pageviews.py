"""Pure: what the pages show, from the state. The templates only lay it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.localhub import git, markdown
from bot.localhub.patch import HUNK
from bot.localhub.state import CheckRun, Comment, Happening, Pull, Review, ReviewComment, Thread
from bot.localhub.views import pulls

ICONS = {
    "success": ("✓", "good"),
    "failure": ("✗", "bad"),
    "timed_out": ("✗", "bad"),
    "action_required": ("!", "bad"),
    "neutral": ("■", "dim"),
    "skipped": ("⊘", "dim"),
    "cancelled": ("⊘", "dim"),
    "in_progress": ("●", "busy"),
    "queued": ("○", "busy"),
}


@dataclass
class Row:
    """One line of a diff: numbers on both sides, what it is, what hangs below it."""

    kind: Literal["hunk", "added", "removed", "context", "note"]
    old: int | None
    new: int | None
    text: str
    threads: list[Thread] = field(default_factory=list[Thread])
    annotations: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def rows(patch: str) -> list[Row]:
    """A patch as lines."""
    found: list[Row] = []
    old = new = 0
    for line in patch.split("\n"):
        if start := HUNK.match(line):
            old, new = int(start[1]), int(start[2])
            found.append(Row("hunk", None, None, line))
        elif line.startswith("+"):
            found.append(Row("added", None, new, line[1:]))
            new += 1
        elif line.startswith("-"):
            found.append(Row("removed", old, None, line[1:]))
            old += 1
        elif line.startswith("\\"):
            found.append(Row("note", None, None, line[2:]))
        else:
            found.append(Row("context", old, new, line[1:]))
            old, new = old + 1, new + 1
    return found


@dataclass
class Changed:
    """A file of the pull request with everything said at its lines; `apart` is what hangs at no line of the diff."""

    file: git.File
    rows: list[Row]
    apart: list[dict[str, Any]]


def files(pull: Pull, runs: Iterable[CheckRun]) -> list[Changed]:
    notes: list[dict[str, Any]] = [one | {"run": run} for run in runs for one in run.annotations]
    found: list[Changed] = []
    for file in git.diff(pull.repository.path, *pulls.span(pull)):
        lines = rows(file.patch or "")
        for thread in pull.threads:
            first = thread.comments[0]
            if first.path == file.path and first.line is not None and first.review.state != "PENDING":
                side = "new" if first.side == "RIGHT" else "old"
                for row in lines:
                    if getattr(row, side) == first.line:
                        row.threads.append(thread)
        mine = [one for one in notes if one["path"] == file.path]
        by_line = {row.new: row for row in lines if row.new is not None}
        apart = [one for one in mine if one["end_line"] not in by_line]
        for one in mine:
            if one["end_line"] in by_line:
                by_line[one["end_line"]].annotations.append(one)
        found.append(Changed(file, lines, apart))
    return found


def excerpt(comment: ReviewComment) -> list[Row]:
    """The last lines of the hunk above a comment, as the conversation shows them."""
    lines = rows(comment.diff_hunk) if comment.diff_hunk else []
    number = 4
    if comment.original_start_line and comment.original_line:
        number = max(number, comment.original_line - comment.original_start_line + 1)
    return [row for row in lines if row.kind != "hunk"][-number:]


def replaced(comment: ReviewComment) -> list[str]:
    """The lines that a suggestion in this comment replaces."""
    last = comment.original_line
    if last is None:
        return []
    first = comment.original_start_line or last
    return [row.text for row in rows(comment.diff_hunk) if row.new is not None and first <= row.new <= last]


def body(remark: Any) -> str:
    """The HTML of a comment, review or description."""
    old = replaced(remark) if isinstance(remark, ReviewComment) else ()
    return markdown.render(remark.body or "", replaced=old)


@dataclass(frozen=True)
class Entry:
    """One thing of the conversation, in its time."""

    at: datetime
    kind: Literal["comment", "review", "happening"]
    what: Comment | Review | Happening
    threads: tuple[Thread, ...] = ()


def timeline(pull: Pull) -> list[Entry]:
    """Comments, reviews with the threads they began, and what happened, oldest first."""
    found = [Entry(one.created_at, "comment", one) for one in pull.comments]
    found += [Entry(one.at, "happening", one) for one in pull.history]
    for review in pull.reviews:
        threads = tuple(one for one in pull.threads if one.comments[0].review is review)
        if review.state != "PENDING" and (threads or review.body or review.state != "COMMENTED"):
            found.append(Entry(review.submitted_at or review.created_at, "review", review, threads))
    return sorted(found, key=lambda entry: entry.at)


def icon(run: CheckRun) -> tuple[str, str]:
    """(sign, class) of a run."""
    return ICONS.get(run.conclusion or run.status, ("○", "busy"))


def newest(runs: Sequence[CheckRun]) -> list[CheckRun]:
    """The newest run of each name and app, by name."""
    latest = {(run.suite.app.id, run.name): run for run in runs}
    return sorted(latest.values(), key=lambda run: run.name)


def verdict(runs: Sequence[CheckRun]) -> tuple[str, str]:
    """(class, sentence) over the box of checks."""
    if not runs:
        return "dim", "No checks yet"
    if any(run.status != "completed" for run in runs):
        return "busy", "Some checks haven't completed yet"
    if any(icon(run)[1] == "bad" for run in runs):
        return "bad", "Some checks were not successful"
    return "good", "All checks have passed"


def counted(runs: Sequence[CheckRun]) -> str:
    """ "2 failing, 3 neutral, 1 successful" in GitHub's words."""
    words = {"failure": "failing", "success": "successful"}
    states = [run.conclusion or run.status for run in runs]
    numbers: Callable[[str], int] = states.count
    parts = [
        f"{numbers(state)} {words.get(state, state.replace('_', ' '))}"
        for state in dict.fromkeys(sorted(states))
    ]
    return ", ".join(parts)
