"""How long `tfport check` takes as people have it: a wheel, with compiled bytecode, in an environment of its own.

    python -m scripts.bench                      on the sample repository
    python -m scripts.bench --repo transformers  on nine real ports, in a clone with history, and against upstream's own scripts

For each port: wall time of the whole command (least, median, most of N runs), the least processor time, which other load on the
machine moves less, where a run spends its wall time (medians), and the processor time of a second push in a worker that has checked the
port before. Times are in milliseconds, after one run to warm the disk's cache. Then the ten rules that take longest, and how much
faster a check is than upstream's scripts for one port (`scripts.bench_upstream`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import bench_upstream

ROOT = Path(__file__).parent.parent
BENCH = ROOT / ".venv/bench"
COLD, WARM, FASTER = 1000, 400, 50
"""Milliseconds that a whole check of a real port may take on the wall; of processor time in a warm worker; and how many times faster than
upstream's scripts it is."""

PORTS = {  # the merge commits of real ports; the base is the commit before
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
# Runs the command as the console script does, and says on standard error how long what took.
PROBE = """
import time; begun = time.perf_counter()
import sys, atexit, json
import bot.cli, checks.repository, checks.run, checks.rules, bot.render.terminal
imported = time.perf_counter()
known = {}
def check(*given, run=checks.run.check, **named):
    report = run(*given, **named)
    known.update(report.timings)
    return report
checks.run.check = check
atexit.register(lambda: print(json.dumps({**known, "imports": imported - begun, "work": time.perf_counter() - imported}), file=sys.stderr))
bot.cli.main()
"""
# Nothing may lead to this checkout's sources, which are not compiled.
ALONE: Any = {"cwd": "/", "env": {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}}
SHARES = ("imports", "snapshot", "facts", "rules")


@dataclass(frozen=True, slots=True)
class Case:
    """One check to measure."""

    name: str
    repo: Path
    base: str
    head: str

    def arguments(self, *more: str) -> list[str]:
        return ["check", "--repo", str(self.repo), "--base", self.base, "--head", self.head, *more]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repo", type=Path, help="a clone of transformers with history")
    parser.add_argument("-n", type=int, default=15, help="runs of each (15)")
    parser.add_argument("--port", choices=PORTS, default="convnextv2", help="that upstream's scripts look at")
    parser.add_argument(
        "--python", default="", help="has PyTorch and TensorFlow, for upstream's check_repo.py"
    )
    options = parser.parse_args()
    install()
    with tempfile.TemporaryDirectory() as scratch:
        cases = real(options.repo.resolve()) if options.repo else [sample(Path(scratch))]
        medians = ours(cases, options.n)
        if options.repo:
            case = next(case for case in cases if case.name == options.port)
            against_upstream(case, medians[case.name], options.python)
    return 0


def ours(cases: Sequence[Case], runs: int) -> dict[str, float]:
    """Prints the tables of our own times; the median on the wall of each case."""
    print(
        f"{'port':<12}{'least':>7}{'median':>8}{'most':>7}   python  imports    git   facts   rules   rest |   warm"
    )
    medians: dict[str, float] = {}
    by_rule: Counter[str] = Counter()
    slowest = 0.0
    for case in cases:
        measured = [run(case) for _ in range(runs + 1)][1:]
        walls = [wall for wall, _ in measured]
        shares = "".join(f"{share:>8.0f}" for share in split(case))
        second = warm(case)
        by_rule.update(second["rules"])
        slowest = max(slowest, second["warm"])
        medians[case.name] = statistics.median(walls)
        print(
            f"{case.name:<12}{min(walls):>7.0f}{medians[case.name]:>8.0f}{max(walls):>7.0f}{min(cpu for _, cpu in measured):>7.0f} |{shares} |{second['warm']:>7.0f}",
            flush=True,
        )
    print(
        f"slowest median {max(medians.values()):.0f} ms, budget {COLD} ms; slowest second push {slowest:.0f} ms of processor time, "
        f"budget {WARM} ms; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print("\nthe rules that take longest, milliseconds of processor time per port:")
    for slug, spent in by_rule.most_common(10):
        print(f"  {slug:<28}{spent / len(cases):>7.1f}")
    return medians


def warm(case: Case) -> dict[str, Any]:
    """What `bench_warm.py` says; the least of three runs."""
    script = Path(__file__).with_name("bench_warm.py")
    command = [str(BENCH / "bin/python"), str(script), str(case.repo), case.base, case.head]
    said = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True, **ALONE).stdout)
        for _ in range(3)
    ]
    return min(said, key=lambda one: one["warm"])


def against_upstream(case: Case, median: float, python: str) -> None:
    """Prints what upstream's scripts take for the same port, and the ratio."""
    print(f"\nupstream's scripts on {case.name}:{'wall':>9}{'cpu':>9}")
    walls = cpus = 0.0
    for timing in bench_upstream.run(case.repo, case.head, python):
        if timing.failed:
            print(f"  {timing.script:<28} does not run here: {timing.failed}")
            continue
        walls, cpus = walls + timing.wall, cpus + timing.cpu
        print(f"  {timing.script:<28}{timing.wall:>7.2f} s{timing.cpu:>7.2f} s", flush=True)
    wall, cpu = zip(*(run(case) for _ in range(5)), strict=True)  # again, under the load of this moment
    print(
        f"  {'together':<28}{walls:>7.2f} s{cpus:>7.2f} s\n  {'tfport check':<28}{statistics.median(wall) / 1000:>7.2f} s{min(cpu) / 1000:>7.2f} s"
    )
    print(
        f"tfport check is {1000 * walls / statistics.median(wall):.0f} times faster on the wall, {1000 * cpus / min(cpu):.0f} times in processor time "
        f"(wanted: {FASTER}; its median before: {median:.0f} ms)"
    )


def install() -> None:
    """The wheel of this checkout and the base dependencies, compiled, in `.venv/bench`."""
    uv = str(ROOT / ".venv/uv/bin/uv")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as dist:
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", dist]
        subprocess.run(build, check=True, cwd=ROOT, **quiet)
        (wheel,) = Path(dist).glob("*.whl")
        subprocess.run([uv, "venv", "--clear", "--python", sys.executable, str(BENCH)], check=True, **quiet)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--compile-bytecode", str(wheel)],
            check=True,
            env=os.environ | {"VIRTUAL_ENV": str(BENCH)},
            stdout=subprocess.DEVNULL,
        )


def sample(scratch: Path) -> Case:
    from tests.fixtures.sample import build_sample

    made = build_sample(scratch / "sample.git")
    return Case("sample", made.git_dir, made.commits["base"], made.commits["planted"])


def real(repo: Path) -> Sequence[Case]:
    return [Case(name, repo, f"{commit}^", commit) for name, commit in PORTS.items()]


def run(case: Case) -> tuple[float, float]:
    """Milliseconds from the start of the console script to its end: on the wall, and of processor time."""
    begin, before = time.perf_counter(), os.times()
    done = subprocess.run([str(BENCH / "bin/tfport"), *case.arguments()], capture_output=True, **ALONE)
    took, after = time.perf_counter() - begin, os.times()
    if done.returncode not in (0, 1):
        sys.exit(f"{case.name}: {done.stderr.decode()}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return took * 1000, used * 1000


def split(case: Case, runs: int = 5) -> list[float]:
    """Milliseconds for Python itself, our imports, git, facts, rules, and the rest (rendering): medians."""
    return [statistics.median(column) for column in zip(*(_split(case) for _ in range(runs)), strict=True)]


def _split(case: Case) -> list[float]:
    python = str(BENCH / "bin/python")
    begin = time.perf_counter()
    subprocess.run([python, "-c", "pass"], check=True)
    bare = time.perf_counter() - begin
    done = subprocess.run([python, "-c", PROBE, *case.arguments()], capture_output=True, text=True, **ALONE)
    took: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    known = [took.get(name, 0.0) for name in SHARES]
    return [1000 * part for part in (bare, *known, took["work"] - sum(known[1:]))]


if __name__ == "__main__":
    if not shutil.which("git"):
        sys.exit("git is needed")
    sys.exit(main())
