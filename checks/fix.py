"""Applies the edits of findings, round after round, until nothing is left that can be applied. In memory: `checks.worktree` writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from checks.edits import apply
from checks.errors import Unreadable
from checks.report import Edit, Finding, Report
from checks.snapshot import DictSnapshot, Snapshot
from checks.source.python import Problem, parse

FORMAT = "style-format"
"""The rule of the formatters."""

MOST_ROUNDS = 50
"""Each applies at least one finding or gives one up; edits that overlap need a round each. Real ports need two."""


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


def fix(head: Snapshot, check: Callable[[Snapshot], Report], *, suggestions: bool = True) -> Fixed:
    """The files of `head` with all edits of `check`'s findings in them.

    A round whose edits leave one of its findings standing is taken back, and that finding is not offered again.

    Args:
        check: makes the report of a tree, with the findings that shall be mended; called once per round.
        suggestions: mend those, too; else they are left.
    """
    files: dict[str, str] = {}
    applied: list[Finding] = []
    stuck: set[_Key] = set()
    rounds = 0
    seen: list[dict[str, str]] = [files]
    report = check(head)
    while rounds < MOST_ROUNDS:
        offered = [
            f
            for f in report.findings
            if f.edits
            and f.ignored is None
            and _key(f) not in stuck
            and (suggestions or f.level != "suggestion")
        ]
        # The formatters come last: they would take out an import that another fix is about to use.
        chosen = compatible([f for f in offered if f.rule != FORMAT] or offered)
        if not chosen:
            break
        rounds += 1
        chosen, useless = _sound(head, files, chosen)
        stuck |= useless
        tried = _apply_all(head, files, chosen)
        after = check(DictSnapshot(tried, under=head))
        if standing := _standing(chosen, report, after):
            stuck |= standing
        elif tried in seen:  # two rules undo each other
            stuck |= set(map(_key, chosen))
        else:
            files, report = tried, after
            seen.append(tried)
            applied += chosen
    changed = {path: text for path, text in files.items() if _text(head, path) != text}
    return Fixed(
        before={path: _text(head, path) for path in changed},
        after=changed,
        applied=tuple(applied),
        stuck=tuple(f for f in report.findings if _key(f) in stuck),
        rounds=rounds,
        report=report,
    )


_Key = tuple[str, str, str, str]


def _key(finding: Finding) -> _Key:
    """What stays the same of a finding when lines move. (Its `id` counts equal lines, so it passes on to the next of them.)"""
    return (finding.rule, finding.path, finding.symbol, finding.message)


def _standing(chosen: Iterable[Finding], before: Report, after: Report) -> set[_Key]:
    """Keys of the findings that were applied, of which there are not fewer by that."""
    applied = Counter(map(_key, chosen))
    was, now = Counter(map(_key, before.findings)), Counter(map(_key, after.findings))
    return {key for key, number in applied.items() if now[key] > was[key] - number}


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


def _sound(
    head: Snapshot, files: Mapping[str, str], chosen: list[Finding]
) -> tuple[list[Finding], set[_Key]]:
    """Those of the findings whose edits together break no module, and the keys of those that break one by themselves."""
    if not _broken(head, files, _apply_all(head, files, chosen)):
        return chosen, set()
    sound = [f for f in chosen if not _broken(head, files, _apply_all(head, files, [f]))]
    useless = {_key(f) for f in chosen if f not in sound}
    together = _apply_all(head, files, sound)
    return sound[:1] if _broken(head, files, together) else sound, useless


def _apply_all(head: Snapshot, files: Mapping[str, str], findings: Iterable[Finding]) -> dict[str, str]:
    edits = [edit for finding in findings for edit in finding.edits]
    paths = {edit.path for edit in edits}
    known = {path: text for path in paths if (text := files.get(path, _text(head, path))) is not None}
    return {**files, **apply(known, edits)}


def _broken(head: Snapshot, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """A module that could be parsed can't be any more."""
    changed = [(before.get(p, _text(head, p) or ""), t) for p, t in after.items() if p.endswith(".py")]
    return any(old != new and _is_problem(new) and not _is_problem(old) for old, new in changed)


def _is_problem(text: str) -> bool:
    return isinstance(parse(text), Problem)


def _text(snapshot: Snapshot, path: str) -> str | None:
    try:
        return snapshot.read(path)
    except Unreadable:
        return None
