"""The review: findings as notes at their lines, with suggestions, once per head. Pure.

A finding has one note in the life of a pull request, found again by its identity; it is not posted again when the head moves. When the
finding is gone, its note says so, is folded away and its thread resolved: edits, of which nobody is notified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.diff import LineComment, hunks, legal
from bot.markers import OPENING, tail, with_markers
from bot.outbox import CreateReview, EditReviewComment, MinimizeComment, ResolveThread, Write
from bot.render import notes
from bot.situation import Situation
from bot.state import Comment
from bot.suggest import Suggestion
from checks.report import Finding, Report

MOST_NOTES = 30
"""In one review. What is beyond stands in the check runs; the next push brings the next."""

LONGEST_SUGGESTION = 15_000
"""Characters. A suggestion is whole or not there: one that is cut would delete code."""

_FINDING = re.compile(r"<!-- tfport:finding ([0-9a-f]{16}) [\w-]+ \d+ -->")

_EXTRA = re.compile(r"<!-- tfport:extra ([0-9a-f]{16}) -->")

Suggestions = Mapping[str, Sequence[Suggestion]]
"""By identity of the finding."""


@dataclass(frozen=True, slots=True)
class Note:
    """A finding that gets a note at `start_line` to `line`, with or without a suggestion; `extra` are further places of its fix."""

    finding: Finding
    path: str
    start_line: int
    line: int
    suggestion: Suggestion | None = None
    extra: tuple[Suggestion, ...] = ()


def marker(head: str) -> str:
    """Of the one review of a head."""
    return f"<!-- tfport:review {head} -->"


def reviewed(situation: Situation) -> bool:
    """Our review of this head is there."""
    wanted = marker(situation.pull.head_sha)
    return any(comment.kind == "review" and wanted in tail(comment.body) for comment in situation.mine)


def noted(situation: Situation) -> dict[str, Comment]:
    """Our notes by identity of the finding that each is about."""
    found: dict[str, Comment] = {}
    for comment in situation.mine:
        match = _FINDING.search(tail(comment.body)) if comment.kind == "review-comment" else None
        if match:
            found[match[1]] = comment
    return found


def plan_review(situation: Situation, report: Report, suggested: Suggestions) -> list[Write]:
    """What is missing: the review with its notes, and what has to be said at notes whose finding is gone."""
    writes: list[Write] = []
    notes_now = list(new_notes(situation, report, suggested))
    if notes_now:
        name = marker(situation.pull.head_sha)
        comments = tuple(_comments(situation, notes_now))
        body = notes.review(situation, report, [note.finding for note in notes_now])
        writes.append(CreateReview(name, situation.pull.head_sha, with_markers(body, name), comments))
    writes += _gone(situation, report)
    return writes


def at_lines(situation: Situation, report: Report, suggested: Suggestions) -> frozenset[str]:
    """Identities of the findings that have or get a note, so that they are shown in no other place."""
    new = {note.finding.id for note in new_notes(situation, report, suggested)}
    return frozenset(new | noted(situation).keys())


def new_notes(situation: Situation, report: Report, suggested: Suggestions) -> Iterator[Note]:
    """Findings without a note that may have one, by file and line. None where this head has its review already."""
    if not wants(situation) or reviewed(situation):
        return
    shown, known = hunks(situation.files or ()), noted(situation)
    taken: set[tuple[str, int]] = set()
    chosen: list[Note] = []
    for finding in sorted(report.findings, key=_weight):
        if finding.id in known or not _is_for_review(finding, report) or len(chosen) == MOST_NOTES:
            continue
        note = _note(finding, suggested.get(finding.id, ()), shown, taken)
        if note is not None:
            chosen.append(note)
            for suggestion in filter(None, (note.suggestion, *note.extra)):
                lines = range(suggestion.start_line, suggestion.end_line + 1)
                taken.update((suggestion.path, line) for line in lines)
    yield from sorted(chosen, key=lambda note: (note.path, note.line, note.start_line))


def wants(situation: Situation) -> bool:
    """Whether there may be a review at all."""
    return situation.config.review and not situation.config.quiet and not situation.pull.locked


_WEIGHTS = {"error": 0, "warning": 1, "suggestion": 2}


def _weight(finding: Finding) -> tuple[int, str, int]:
    return (_WEIGHTS[finding.level], finding.path, finding.line)


def _is_for_review(finding: Finding, report: Report) -> bool:
    """What is merely absent is no mistake before the port is complete: it stands in the summary as something to do."""
    if finding.ignored is not None:
        return False
    failed = any((i.id, i.model, i.state) == (finding.item, finding.model, "failed") for i in report.items)
    return failed or not finding.absent


def _note(
    finding: Finding,
    suggested: Sequence[Suggestion],
    shown: Mapping[str, list[range]],
    taken: set[tuple[str, int]],
) -> Note | None:
    """With its suggestion if that is on the diff and no other note changes the same lines; else without."""
    free = [
        s
        for s in suggested
        if legal(shown, s.path, s.start_line, s.end_line)
        and OPENING not in s.text  # of an HTML comment: it could pass for a marker of ours
        and len(s.text) <= LONGEST_SUGGESTION
        and not any((s.path, line) in taken for line in range(s.start_line, s.end_line + 1))
    ]
    complete = len(free) == len(suggested) > 0
    if complete:
        here = [s for s in free if s.path == finding.path]
        main = min(here or free, key=lambda s: abs(s.start_line - finding.line))
        rest = tuple(s for s in free if s is not main)
        return Note(finding, main.path, main.start_line, main.end_line, main, rest)
    if legal(shown, finding.path, finding.line, finding.line):
        return Note(finding, finding.path, finding.line, finding.line)
    return None


def _comments(situation: Situation, chosen: Iterable[Note]) -> Iterator[LineComment]:
    for note in chosen:
        hidden = f"<!-- tfport:finding {note.finding.id} {note.finding.rule} {note.finding.line} -->"
        body = with_markers(notes.note(situation, note.finding, note.suggestion, len(note.extra)), hidden)
        yield LineComment(note.path, note.line, body, _start(note.start_line, note.line))
        for extra in note.extra:
            hidden = f"<!-- tfport:extra {note.finding.id} -->"
            body = with_markers(notes.further(note.finding, extra), hidden)
            start = _start(extra.start_line, extra.end_line)
            yield LineComment(extra.path, extra.end_line, body, start)


def _start(first: int, last: int) -> int | None:
    return first if first < last else None


def _gone(situation: Situation, report: Report) -> Iterator[Write]:
    """Notes whose finding is not there any more, or does not count: say so, fold them, resolve their threads."""
    if report.head != situation.pull.head_sha:
        return
    standing = {finding.id: finding for finding in report.findings}
    threads = {thread.comments[0]: thread for thread in situation.threads if thread.comments}
    for comment in situation.mine:
        if comment.kind != "review-comment":
            continue
        end = tail(comment.body)
        match = _FINDING.search(end) or _EXTRA.search(end)
        if match is None or comment.minimized:
            continue
        finding = standing.get(match[1])
        if finding is not None and finding.ignored is None:
            continue
        reason = finding.ignored if finding is not None else None
        yield EditReviewComment(comment.id, notes.settled(situation, comment.body, reason or ""))
        thread = threads.get(comment.node_id)
        if thread is not None and not thread.resolved:
            yield ResolveThread(thread.node_id)
        yield MinimizeComment(comment.node_id, "RESOLVED")
