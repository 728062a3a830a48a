"""Breaks ports in small ways, one at a time: exactly the finding of that breakage has to appear, at its place."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Literal

from checks.edits import apply
from checks.report import Finding, Report
from checks.run import check
from checks.snapshot import DictSnapshot, GitSnapshot
from scripts.mutations import Mutation, copies, docs, names, numerics, registration, structure

GROUPS: dict[str, Callable[[GitSnapshot, Report], Iterator[Mutation]]] = {
    module.__name__.rpartition(".")[2]: module.mutations
    for module in (registration, structure, names, numerics, copies, docs)
}

COPIED = "copied-from-content"
Verdict = Literal["found", "more", "missed"]
"""A breakage brings its finding and no other, its finding among others, or not its finding (or edits that don't mend it)."""

SEED = 4


@dataclass(frozen=True, slots=True)
class Broken:
    """A breakage of the port between two commits."""

    base: str
    head: str
    group: str
    mutation: Mutation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a breakage brought.

    Attributes:
        said: what was found instead or besides, for people; "" if the verdict is `found`.
        restored: the finding's edits gave the old text back.
    """

    group: str
    rule: str
    what: str
    verdict: Verdict
    said: str = ""
    restored: bool = False


def breakages(
    base: GitSnapshot, head: GitSnapshot, report: Report, *, kinds: frozenset[str], sample: int
) -> list[Broken]:
    """Breakages of a commit.

    Args:
        kinds: groups and rules; none means all.
        sample: at most so many of each rule, chosen by chance (the same at each run); 0 means all.
    """
    by_rule: dict[str, list[Broken]] = {}
    for group, mutations in GROUPS.items():
        for mutation in mutations(head, report):
            if not kinds or kinds & {group, mutation.rule}:
                broken = Broken(base.sha or "", head.sha or "", group, mutation)
                by_rule.setdefault(mutation.rule, []).append(broken)
    chance = random.Random(SEED)
    return [
        broken
        for of_rule in by_rule.values()
        for broken in (chance.sample(of_rule, min(sample, len(of_rule))) if sample else of_rule)
    ]


def outcomes(repo: str, broken: Iterable[Broken], *, jobs: int) -> Iterator[Outcome]:
    """Outcomes of the breakages, in their order."""
    arguments = [(repo, one) for one in broken]
    if jobs == 1 or len(arguments) < 2:
        yield from map(_outcome, arguments)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_outcome, arguments, chunksize=8)


@cache
def _port(repo: str, base: str, head: str) -> tuple[GitSnapshot, GitSnapshot, frozenset[str]]:
    """The snapshots, and the ids of what is found without any breakage."""
    old, new = GitSnapshot(repo, base), GitSnapshot(repo, head)
    return old, new, frozenset(finding.id for finding in check(old, new).findings)


def _outcome(argument: tuple[str, Broken]) -> Outcome:
    repo, broken = argument
    mutation = broken.mutation
    base, head, before = _port(repo, broken.base, broken.head)
    report = check(base, DictSnapshot({mutation.path: mutation.text}, under=head))
    new = [finding for finding in report.findings if finding.id not in before]
    crashed = [item.reason for item in report.items if item.state == "error"]
    # A breakage within a copy is two defects: the copy also differs from its original, which upstream does not take.
    told = [f for f in new if f.rule != COPIED or mutation.rule == COPIED or len(new) == 1]
    said = [*(f"{f.level} {f.rule} {f.path}:{f.line} {f.message}" for f in told), *crashed]
    fixed = apply({mutation.path: mutation.text}, [edit for finding in new for edit in finding.edits])
    if fixed[mutation.path] != mutation.text:
        left = check(base, DictSnapshot({**fixed}, under=head)).findings
        said += [
            f"after the edits: {f.rule} {f.path}:{f.line} {f.message}" for f in left if f.id not in before
        ]
    good = sum(_expected(finding, mutation) for finding in new)
    verdict: Verdict = "missed" if not good else "found" if len(said) == 1 else "more"
    return Outcome(
        broken.group,
        mutation.rule,
        f"{broken.head[:9]} {mutation.what}: {mutation.rule} at line {mutation.line}",
        verdict,
        "" if verdict == "found" else "; ".join(said) or "nothing",
        fixed[mutation.path] == head.read(mutation.path),
    )


def _expected(finding: Finding, mutation: Mutation) -> bool:
    return (
        finding.rule == mutation.rule
        and finding.path == mutation.path
        and finding.line in mutation.also | {mutation.line}
    )


def table(all_outcomes: list[Outcome]) -> Iterator[str]:
    """Lines: for each rule how many breakages were made, found, found with more, and missed; a sum."""
    yield f"{'group':14} {'rule':24} {'broken':>6} {'found':>6} {'more':>6} {'missed':>6} {'restored':>8}"
    for group, rule in [*dict.fromkeys((o.group, o.rule) for o in all_outcomes), ("", "")]:
        of_rule = [o for o in all_outcomes if not group or (o.group, o.rule) == (group, rule)]
        count = Counter(outcome.verdict for outcome in of_rule)
        restored = sum(outcome.restored for outcome in of_rule)
        yield (
            f"{group or 'all':14} {rule:24} {len(of_rule):6} {count['found']:6} {count['more']:6} {count['missed']:6} {restored:8}"
        )
