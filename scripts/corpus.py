"""Checks every ported model of a tree as if a pull request added its TensorFlow modules and their tests to that tree.

    python -m scripts.corpus --repo CLONE REV…

Everything else (inits, pages, mappings) is there already, so this is a corpus of merged code to hold rules against, larger than the ports whose
commits are swept. Errors have to be real departures; what fires on many merged models is noise. Exit code 1: a rule has crashed.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from checks.conventions import MODELS
from checks.discover import INFRASTRUCTURE
from checks.errors import NothingToPort, UserError
from checks.report import Finding, Level, Report
from checks.repository import open_repository, resolve
from checks.run import check
from checks.snapshot import DictSnapshot, GitSnapshot

UNFAIR = frozenset({"file-header"})
"""Rules that ask for the year: these files were not added in the tree's."""

LEVELS: tuple[Level, ...] = ("error", "warning", "suggestion")


def ported(tree: GitSnapshot) -> dict[str, list[str]]:
    """Paths of each ported model: its TensorFlow modules, and their tests."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in tree.list(MODELS):
        match = re.fullmatch(rf"{MODELS}/(\w+)/modeling_tf_(\w+)\.py", path)
        if match and match[2] not in INFRASTRUCTURE:
            found[match[1]].append(path)
    for path in tree.list("tests"):
        match = re.fullmatch(r"tests/(?:models/)?(\w+)/test_modeling_tf_\w+\.py", path)
        if match and match[1] in found:
            found[match[1]].append(path)
    return dict(found)


def check_model(repo: str, sha: str, paths: list[str]) -> Report | None:
    """The report of a model, on top of its tree without it; None if it is no port (it has no PyTorch model)."""
    tree = GitSnapshot(repo, sha)
    base = DictSnapshot(dict.fromkeys(paths), under=tree)
    head = DictSnapshot({path: tree.read(path) for path in paths}, under=base)
    try:
        return check(base, head)
    except NothingToPort:
        return None


def reports(repo: str, sha: str, *, jobs: int, only: frozenset[str] = frozenset()) -> Iterator[Report]:
    """Reports of the ported models of a commit (of those in `only`, if there are any)."""
    models = {m: p for m, p in ported(GitSnapshot(repo, sha)).items() if not only or m in only}
    with ProcessPoolExecutor(jobs) as pool:
        for report in pool.map(partial(check_model, repo, sha), models.values()):
            if report is not None:
                yield report


def show(found: list[Report], *, rules: frozenset[str], verbose: bool) -> int:
    """Prints errors, a line per rule, and how findings spread over the models. How many rules crashed."""
    findings = [
        f for r in found for f in r.findings if f.rule not in UNFAIR and (not rules or f.rule in rules)
    ]
    crashed = [(r.ports[0].model, i.reason) for r in found for i in r.items if i.state == "error"]
    for finding in sorted(findings, key=lambda f: (LEVELS.index(f.level), f.rule, f.model, f.line)):
        if verbose or finding.level == "error":
            print(f"  {finding.level} {finding.rule} {_place(finding)} {finding.message}")
    for model, reason in crashed:
        print(f"  crashed on {model}: {reason}")
    print(f"  {'rule':24} {'level':10} {'findings':>8} {'models':>6}")
    for (level, rule), number in sorted(
        Counter((f.level, f.rule) for f in findings).items(), key=lambda e: (LEVELS.index(e[0][0]), -e[1])
    ):
        models = {f.model for f in findings if (f.level, f.rule) == (level, rule)}
        print(f"  {rule:24} {level:10} {number:8} {len(models):5} {len(models) / len(found):4.0%}")
    for level in LEVELS:
        counts = sorted(
            sum(f.level == level and f.model == r.ports[0].model for f in findings) for r in found
        )
        print(
            f"  {level}s per model: median {statistics.median(counts)}, "
            + ", ".join(f"{models} with {n}" for n, models in sorted(Counter(counts).items()))
        )
    return len(crashed)


def _place(finding: Finding) -> str:
    return f"{finding.path.removeprefix(f'{MODELS}/')}:{finding.line}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repo", required=True, help="clone of transformers with history")
    parser.add_argument("--rule", action="append", default=[], help="show only this rule; may be repeated")
    parser.add_argument("--model", action="append", default=[], help="check only this model; may be repeated")
    parser.add_argument("--verbose", action="store_true", help="show warnings and suggestions too")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes")
    parser.add_argument("revisions", nargs="+", metavar="REV")
    arguments = parser.parse_args(argv)
    crashed = 0
    try:
        repo = open_repository(arguments.repo)
        for revision in arguments.revisions:
            sha = resolve(repo, revision)
            found = list(reports(repo.path, sha, jobs=arguments.jobs, only=frozenset(arguments.model)))
            print(f"{revision}: {len(found)} ported models")
            crashed += show(found, rules=frozenset(arguments.rule), verbose=arguments.verbose) if found else 0
    except UserError as error:
        print(f"{error.message} ({error.hint})")
        return 2
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
