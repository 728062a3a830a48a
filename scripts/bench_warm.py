"""A second push to a port that a worker has checked before. Run by `scripts.bench` in the environment that it makes: PYTHON bench_warm.py REPO BASE HEAD

Prints JSON, in milliseconds of processor time (of `git`, too): `cold`, the first check of a process that has imported everything; `warm`, the
median of checks of heads that differ from the one before in one line of the port; `rules`, what each rule takes in the cold check (what
several rules need is counted for the first of them).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from checks import rules
from checks.port import Port
from checks.report import Finding, Report
from checks.repository import open_repository, resolve
from checks.run import check
from checks.snapshot import DictSnapshot, GitSnapshot, Snapshot

PUSHES = 5


def main() -> int:
    repo, base, head = sys.argv[1:]
    spent: Counter[str] = Counter()
    known = rules.all_rules()
    for slug, rule in known.items():
        known[slug] = replace(rule, check=timed(slug, rule.check, spent))
    cold, report = measure(repo, base, head)
    by_rule = {slug: 1000 * seconds for slug, seconds in spent.items()}
    warm = [measure(repo, base, head, pushed(number, report))[0] for number in range(PUSHES)]
    print(json.dumps({"cold": cold, "warm": statistics.median(warm), "rules": by_rule}))
    return 0


def processor() -> float:
    """Seconds of this process and of those that it started."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def timed(
    slug: str, run: Callable[[Port], Iterable[Finding]], spent: Counter[str]
) -> Callable[[Port], Iterable[Finding]]:
    """The rule, which also tells what it took."""

    def of_port(port: Port) -> Iterator[Finding]:
        begin = processor()
        try:
            yield from run(port)
        finally:
            spent[slug] += processor() - begin

    return of_port


def pushed(number: int, report: Report) -> Callable[[GitSnapshot], Snapshot]:
    """The head after a push that changes one line of the port."""

    def change(head: GitSnapshot) -> Snapshot:
        path = report.ports[0].path
        return DictSnapshot({path: f"{head.read(path)}\nPUSH = {number}\n"}, under=head)

    return change


def measure(
    repo: str, base: str, head: str, change: Callable[[GitSnapshot], Snapshot] = lambda head: head
) -> tuple[float, Report]:
    """Milliseconds of a check, the repository opened anew as for every job, and its report."""
    begin = processor()
    opened = open_repository(repo)
    before, after = (GitSnapshot(opened, resolve(opened, revision)) for revision in (base, head))
    report = check(before, change(after))
    return 1000 * (processor() - begin), report


if __name__ == "__main__":
    sys.exit(main())
