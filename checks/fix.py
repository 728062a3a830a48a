"""Applies the edits of findings, round after round, until nothing is left that can be applied. In memory: `checks.worktree` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from checks.edits import apply
from checks.errors import Unreadable
from checks.report import Edit, Finding, Report
from checks.snapshot import DictSnapshot, Snapshot
from checks.source.python import Problem, parse

MOST_ROUNDS = 20
"""Each round applies at least one finding; edits that overlap need a round each."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was done.

    Attributes:
        before: each file that changes as it was, None where there was none; `after`: as it shall be.
        applied: findings whose edits are in `after` and that are gone.
        stuck: findings that have edits but stay although they were applied, or whose edits would break a file.
        report: of the tree as it is then.
    """

    before: Mapping[str, str | None]
    after: Mapping[str, str]
    applied: tuple[Finding, ...]
    stuck: tuple[Finding, ...]
    rounds: int
    report: Report

    @property
    def left(self) -> tuple[Finding, ...]:
        """Findings that no edit mends, ignored ones left out."""
        return tuple(f for f in self.report.findings if f.ignored is None and f not in self.stuck)


@dataclass(slots=True)
class _State:
    files: dict[str, str] = field(default_factory=dict[str, str])
    applied: dict[str, Finding] = field(default_factory=dict[str, Finding])
    stuck: dict[str, Finding] = field(default_factory=dict[str, Finding])


def fix(head: Snapshot, check: Callable[[Snapshot], Report], *, only: Iterable[str] = ()) -> Fixed:
    """The files of `head` with all edits of `check`'s findings in them.

    Args:
        check: makes the report of a tree; called once per round.
        only: rules and items whose findings are mended; none means all.
    """
    wanted = frozenset(only)
    state = _State()
    rounds = 0
    report = check(head)
    while rounds < MOST_ROUNDS:
        offered = [f for f in report.findings if _is_wanted(f, wanted) and f.id not in state.stuck]
        again = [f for f in offered if f.id in state.applied]
        for finding in again:  # it was applied, and is there still
            state.stuck[finding.id] = finding
            del state.applied[finding.id]
        chosen = compatible(f for f in offered if f.id not in state.stuck)
        if not chosen:
            break
        _apply(head, state, chosen)
        rounds += 1
        report = check(DictSnapshot(state.files, under=head))
    changed = {path: text for path, text in state.files.items() if _text(head, path) != text}
    present = {finding.id for finding in report.findings}
    return Fixed(
        before={path: _text(head, path) for path in changed},
        after=changed,
        applied=tuple(f for id, f in state.applied.items() if id not in present),
        stuck=tuple(f for f in report.findings if f.id in state.stuck),
        rounds=rounds,
        report=report,
    )


def _is_wanted(finding: Finding, names: frozenset[str]) -> bool:
    named = not names or finding.rule in names or finding.item in names
    return bool(finding.edits) and finding.ignored is None and named


def compatible(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, in their order, without those that would change the same text as an earlier one: they are offered again."""
    taken: list[Edit] = []
    chosen: list[Finding] = []
    for finding in findings:
        new = [edit for edit in finding.edits if edit not in taken]
        if not any(_overlap(edit, other) for edit in new for other in taken):
            taken += new
            chosen.append(finding)
    return chosen


def _overlap(one: Edit, other: Edit) -> bool:
    if one.path != other.path:
        return False
    if one.start == one.end or other.start == other.end:  # an insertion may touch a replacement's ends
        inner, outer = (one, other) if one.start == one.end else (other, one)
        return outer.start < inner.start < outer.end
    return one.start < other.end and other.start < one.end


def _apply(head: Snapshot, state: _State, chosen: list[Finding]) -> None:
    """Puts the edits into the state's files; a finding whose edits would make a module unreadable is stuck."""
    files = _apply_all(head, state.files, chosen)
    if _broken(head, state.files, files):
        files = dict(state.files)
        for finding in reversed(chosen):  # from the end on, so that the places of the others stay right
            tried = _apply_all(head, files, [finding])
            if _broken(head, files, tried):
                state.stuck[finding.id] = finding
            else:
                files = tried
    state.files = files
    state.applied.update({f.id: f for f in chosen if f.id not in state.stuck})


def _apply_all(head: Snapshot, files: Mapping[str, str], findings: Iterable[Finding]) -> dict[str, str]:
    edits = [edit for finding in findings for edit in finding.edits]
    paths = {edit.path for edit in edits}
    known = {path: text for path in paths if (text := files.get(path, _text(head, path))) is not None}
    return {**files, **apply(known, edits)}


def _broken(head: Snapshot, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """A module that could be parsed can't be any more."""
    for path, text in after.items():
        old = before.get(path, _text(head, path) or "")
        if path.endswith(".py") and text != old and isinstance(parse(text), Problem):
            if not isinstance(parse(old), Problem):
                return True
    return False


def _text(snapshot: Snapshot, path: str) -> str | None:
    try:
        return snapshot.read(path)
    except Unreadable:
        return None
