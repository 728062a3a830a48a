"""Checks merged ports: the base is the commit's parent. With --mutate each port is also broken in small ways, one at a time, and exactly
the finding of that breakage has to appear, at its place.

Exit code 1: an error that `tests/checks/exceptions.yml` does not list, or a breakage that was not found as expected.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pygit2
import yaml

from checks.errors import UserError
from checks.report import Finding, Report
from checks.repository import open_repository, resolve
from checks.run import check
from checks.snapshot import GitSnapshot
from scripts import mutate

PORTS = {
    "convnextv2": "f8afb2b2e",
    "sam": "1c460a527",
    "blip": "5f3ea66bc",
    "groupvit": "0dc7b3a78",
    "segformer": "561b9a8c0",
    "regnet": "a7eba8316",
    "layoutlmv3": "de8548ebf",
    "xglm": "c72d7d91b",
    "deit": "8581a798c",
}
"""Merged ports and the commits that brought them, swept if no commit is named."""

EXCEPTIONS = Path(__file__).parent.parent / "tests/checks/exceptions.yml"


def exceptions() -> set[tuple[str, str, str]]:
    """Port, rule and symbol of the errors that are known to be right."""
    return {(e["port"], e["rule"], e["symbol"]) for e in yaml.safe_load(EXCEPTIONS.read_text("utf-8"))}


def unexpected(report: Report) -> list[Finding]:
    """Errors that no exception covers."""
    known = exceptions()
    return [f for f in report.blocking if (f.model, f.rule, f.symbol) not in known]


@dataclass(frozen=True, slots=True)
class Swept:
    """A commit that was checked."""

    commit: str
    base: GitSnapshot
    head: GitSnapshot
    report: Report
    seconds: float

    @property
    def errors(self) -> list[Finding]:
        """Errors that no exception covers."""
        return unexpected(self.report)

    @property
    def crashed(self) -> list[str]:
        """What went wrong with rules of ours."""
        return [item.reason for item in self.report.items if item.state == "error"]

    def row(self) -> str:
        """The commit's line of the table."""
        names = " ".join(port.model for port in self.report.ports)
        stages = " ".join(port.stage for port in self.report.ports)
        blocking, errors = len(self.report.blocking), len(self.errors)
        counts = Counter(finding.level for finding in self.report.findings)
        return (
            f"{self.commit:10} {names:24} {stages:12} {errors:6} {blocking - errors:5} {counts['warning']:8} "
            f"{counts['suggestion']:11} {self.seconds:8.2f}"
        )


def sweep(repo: pygit2.Repository, commit: str) -> Swept:
    """Checks a commit against its parent.

    Raises:
        checks.errors.UserError: there is no such commit, or nothing to check.
    """
    head = GitSnapshot(repo, resolve(repo, commit))
    base = GitSnapshot(repo, resolve(repo, f"{commit}^"))
    start = time.perf_counter()
    report = check(base, head)
    return Swept(commit, base, head, report, time.perf_counter() - start)


def break_all(repo: str, ports: list[Swept], *, kinds: frozenset[str], sample: int, jobs: int) -> int:
    """Breaks the ports and prints the table, and each breakage that was not found as it should be; how many these are."""
    broken = [
        one
        for port in ports
        for one in mutate.breakages(port.base, port.head, port.report, kinds=kinds, sample=sample)
    ]
    found: list[mutate.Outcome] = []
    for outcome in mutate.outcomes(repo, broken, jobs=jobs):
        found.append(outcome)
        if outcome.verdict != "found":
            print(f"{outcome.verdict}: {outcome.what}, found {outcome.said}", flush=True)
    print(*mutate.table(found), sep="\n")
    return sum(outcome.verdict != "found" for outcome in found)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", required=True, help="clone of transformers with history")
    parser.add_argument("--mutate", action="store_true", help="also break each port in small ways")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        help="only these breakages: a rule, or one of " + ", ".join(mutate.GROUPS),
    )
    parser.add_argument(
        "--sample", type=int, default=0, help="at most so many breakages of each rule and port"
    )
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes that check breakages")
    parser.add_argument("--verbose", action="store_true", help="show warnings and suggestions too")
    parser.add_argument("commits", nargs="*", default=list(PORTS.values()))
    arguments = parser.parse_args(argv)
    try:
        repo = open_repository(arguments.repo)
    except UserError as error:
        print(f"{error.message} ({error.hint})")
        return 2
    bad = 0
    swept: list[Swept] = []
    print(
        f"{'commit':10} {'port':24} {'stage':12} {'errors':>6} {'known':>5} {'warnings':>8} {'suggestions':>11} {'seconds':>8}"
    )
    for commit in arguments.commits:
        try:
            port = sweep(repo, commit)
        except UserError as error:
            print(f"{commit:10} {error.message}")
            continue
        swept.append(port)
        bad += len(port.errors) + len(port.crashed)
        print(port.row(), flush=True)
        for finding in port.report.findings if arguments.verbose else port.errors:
            print(f"    {finding.level} {finding.rule} {finding.path}:{finding.line} {finding.message}")
        for reason in port.crashed:
            print(f"    {reason}")
    if swept:
        counts = sorted(sum(f.level == "warning" for f in port.report.findings) for port in swept)
        print(f"median of warnings: {statistics.median(counts)}")
    if arguments.mutate:
        kinds = frozenset(arguments.kind)
        bad += break_all(repo.path, swept, kinds=kinds, sample=arguments.sample, jobs=arguments.jobs)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
