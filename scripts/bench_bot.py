"""How fast the bot answers a push: `make bench` prints it. Local GitHub, real server, warm mirror.

Seconds from the push to the first check run (queued) and to the last conclusion (static verdict), over `--runs` pushes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bot.localhub.state import Pull
from tests.fixtures.world import AUTHOR, World, make_world

PORT = "src/transformers/models/brand_new_bert/modeling_tf_brand_new_bert.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="tfport-bench-") as folder, make_world(Path(folder)) as world:
        world.bot.start()
        started = time.perf_counter()
        pull = world.open_draft("planted")
        first, verdict = measure(world, pull, started)
        print(f"first contact with the repository   queued {first:5.2f} s   verdict {verdict:5.2f} s")
        measured = [push(world, pull, number) for number in range(runs)]
    for name, values in zip(("queued", "verdict"), zip(*measured, strict=True), strict=True):
        low, middle, high = min(values), statistics.median(values), max(values)
        print(
            f"push → {name:8} ({runs} runs)          min {low:5.2f} s   median {middle:5.2f} s   max {high:5.2f} s"
        )
    return 0


def push(world: World, pull: Pull, number: int) -> tuple[float, float]:
    text = (world.fork.path, pull.head_sha)
    code = read(*text)
    started = time.perf_counter()
    world.hub.commit(world.fork, pull.head_ref, {PORT: f"{code}\n# {number}\n"}, sender=AUTHOR)
    return measure(world, pull, started)


def read(repository: Path, sha: str) -> str:
    import pygit2

    commit = pygit2.Repository(str(repository))[sha]
    return (commit.tree / PORT).data.decode()  # type: ignore[attr-defined]


def measure(world: World, pull: Pull, started: float) -> tuple[float, float]:
    first = 0.0
    while not world.concluded(pull):
        if not first and world.runs(pull):
            first = time.perf_counter() - started
        if time.perf_counter() - started > 60:
            raise SystemExit(f"no verdict in a minute; the bot's log:\n{world.bot.log.read_text()[-3000:]}")
        time.sleep(0.005)
    return first, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
