"""What `tfport test` costs beside a bare pytest in the same environment: `python -m scripts.bench_execution --repo CLONE COMMIT…`.

For every merged port: the wall time of both on one core and on two, in turns, and whether each test ends the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pygit2

from checks.discover import find_ports
from checks.execution.environment import Environments
from checks.execution.expected import test_path
from checks.execution.place import committed
from checks.execution.settings import Settings
from checks.execution.tree import written
from checks.execution.workplace import VARIABLES
from checks.snapshot import GitSnapshot

SAME = {"flaky": "passed", "xpassed": "passed", "xfailed": "skipped"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=1, help="of each, in turns (1)")
    parser.add_argument("commits", nargs="+", metavar="COMMIT", help="head; its parent is the base")
    options = parser.parse_args()
    different = 0
    for commit in options.commits:
        different += bench(options.repo, commit, options.runs)
    return 1 if different else 0


def bench(repo: Path, commit: str, runs: int) -> int:
    """Prints the lines of one port. Returns how many tests end otherwise than with a bare pytest."""
    base, head = snapshot(repo, f"{commit}^"), snapshot(repo, commit)
    paths = [test_path(port, module) for port in find_ports(base, head) for module in port.modules]
    environment = Environments.of_host(Settings.of()).of(base, committed(base))
    with environment.in_use(), written(head) as tree:
        seconds: dict[tuple[str, int], list[float]] = {}
        outcomes: dict[str, Mapping[str, str]] = {}
        for cores in (1, 2):
            for _ in range(runs):
                for who in ("bare", "tfport"):
                    started = time.perf_counter()
                    if who == "bare":
                        found = bare(environment.python, tree.folder, paths)
                    else:
                        found = ours(repo, commit, cores)
                    seconds.setdefault((who, cores), []).append(time.perf_counter() - started)
                    outcomes[who] = found
    middle = {key: statistics.median(values) for key, values in seconds.items()}
    print(f"{commit[:9]}  {', '.join(paths)}")
    for cores in (1, 2):
        plain, mine = middle["bare", cores], middle["tfport", cores]
        print(
            f"  {cores} core{'s' * (cores > 1)}: bare pytest {plain:6.1f} s on one core, tfport {mine:6.1f} s, ratio {mine / plain:.2f}"
        )
    print(f"  bare   {dict(Counter(outcomes['bare'].values()))}")
    print(f"  tfport {dict(Counter(outcomes['tfport'].values()))}")
    other = differences(outcomes["bare"], outcomes["tfport"])
    for line in other:
        print(f"  {line}")
    return len(other)


def differences(bare: Mapping[str, str], mine: Mapping[str, str]) -> list[str]:
    """Tests that end otherwise; those which need what this machine cannot have are `unverified`, and failed before."""
    return [
        f"{id}: bare {bare.get(id, 'not run')}, tfport {mine.get(id, 'not run')}"
        for id in sorted({*bare, *mine})
        if SAME.get(mine.get(id, ""), mine.get(id)) != bare.get(id)
        and not (mine.get(id) == "unverified" and bare.get(id) == "failed")
    ]


def snapshot(repo: Path, revision: str) -> GitSnapshot:
    repository = pygit2.Repository(str(repo))
    commit = repository.revparse_single(revision).peel(pygit2.Commit)
    return GitSnapshot(repository, str(commit.id))


def bare(python: Path, tree: Path, paths: Sequence[str]) -> Mapping[str, str]:
    """Outcomes of the guide's command on one core, without a sandbox: only for code that has been merged."""
    with tempfile.TemporaryDirectory(prefix="tfport-bench-") as folder:
        xml = Path(folder) / "tests.xml"
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={xml}", *paths]
        kept = {**VARIABLES, "PYTHONPATH": f"{tree}/src", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        subprocess.run(
            ["taskset", "-c", "0", *command],
            cwd=tree,
            env={"PATH": os.environ["PATH"], "HOME": folder, **kept},
            capture_output=True,
            check=False,
        )
        return dict(outcome(case) for case in ElementTree.parse(xml).iter("testcase"))


def outcome(case: ElementTree.Element) -> tuple[str, str]:
    """Id and outcome of a case in pytest's own report."""
    module, _, name = case.attrib["classname"].rpartition(".")
    id = f"{module.replace('.', '/')}.py::{name}::{case.attrib['name']}"
    kinds = {child.tag for child in case}
    said = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
    return id, said


def ours(repo: Path, commit: str, cores: int) -> Mapping[str, str]:
    """Outcomes of `tfport test` with everything that it does: the start of Python, the tree, the sandbox."""
    command = [str(Path(sys.executable).with_name("tfport")), "test", "--repo", str(repo)]
    command += ["--base", f"{commit}^", "--head", commit, "--cores", str(cores), "--format", "json"]
    pinned = ["taskset", "-c", ",".join(map(str, range(cores)))]
    done = subprocess.run([*pinned, *command], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr[-2_000:])
    return {test["id"]: test["outcome"] for test in json.loads(done.stdout)["tests"]}


if __name__ == "__main__":
    sys.exit(main())
