"""SIGKILL at every point of the workflow: after a restart the pull request looks as if nothing had happened."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import workflows
from bot.localhub import git
from bot.localhub.state import Pull
from tests.fixtures.world import World, until

OPENED, FIRST, BROKEN, RERUN, FIX = "opened", "first", "broken", "rerun", "fix"

SCENARIOS = {
    "announce": OPENED,
    "first_contact": FIRST,
    "fetch": OPENED,
    "examine": OPENED,
    "fix": FIX,
    "publish": OPENED,
    "apologise": BROKEN,
    "find_pulls": RERUN,
}
"""What has to happen for a step to run."""

POINTS = [
    (f"{when} {step}", scenario) for step, scenario in SCENARIOS.items() for when in ("before", "after")
]
# `make kills` dies at every write; CI, which has other things to do too, at those that differ in kind.
EVERY = bool(os.environ.get("TFPORT_EVERY_KILL"))
WRITES = [(f"write {number}", OPENED) for number in (range(1, 20) if EVERY else (1, 2, 3, 8, 13, 19))]
# The first one is the commit, which nobody remembers yet.
WRITES += [(f"write {number}", FIX) for number in ((1, 2, 3, 8) if EVERY else (1, 2))]


def test_every_step_has_its_case():
    assert sorted(workflows.STEPS) == sorted(SCENARIOS)


@pytest.fixture(scope="module")
def expected(world: World) -> dict[str, object]:
    """What the pull request looks like when nobody is killed, by scenario."""
    seen: dict[str, object] = {}
    for scenario in (OPENED, FIRST, BROKEN, RERUN, FIX):
        pull = play(world, scenario, f"calm-{scenario}", point="", mark=Path("/nonexistent"))
        seen[scenario] = visible(world, pull)
    return seen


@pytest.mark.parametrize(("point", "scenario"), POINTS + WRITES)
def test_killed(point: str, scenario: str, world: World, expected: dict[str, object], tmp_path: Path):
    pull = play(world, scenario, f"killed-{point.replace(' ', '-')}-{scenario}", point, tmp_path / "died")
    assert (tmp_path / "died").exists(), f"it was never killed at {point!r}"
    assert visible(world, pull) == expected[scenario]


def play(world: World, scenario: str, branch: str, point: str, mark: Path) -> Pull:
    """One pull request from the first push to its verdict, with a bot that dies at `point` and is started again."""
    bot = world.bot
    bot.command = [sys.executable, "-m", "tests.bot.mortal"]
    mortal = {
        "MORTAL_POINT": point,
        "MORTAL_MARK": str(mark),
        "MORTAL_BROKEN": "1" if scenario == BROKEN else "",
        "TFPORT_PUSH_FIXES": "1" if scenario == FIX else "",
    }

    def survive(finished: Callable[[], object]) -> None:
        if point:
            until(
                lambda: bot.process is not None and bot.process.poll() is not None, 60, f"killed at {point}"
            )
            bot.wait_for_death()
            bot.start(**mortal)
        until(finished, 60, f"finished after {point!r}; log:\n{bot.log.read_text()[-4000:]}")

    try:
        if scenario == RERUN:
            bot.start(MORTAL_POINT="")
            pull = world.open_draft("planted", branch=branch)
            world.settle(pull)
            bot.stop()
            bot.start(**mortal)
            before = len(world.runs(pull))
            world.hub.rerequest_suite(world.runs(pull)[0].suite, "ada")
            survive(lambda: len(world.runs(pull)) >= 2 * before and world.concluded(pull))
        elif scenario == FIX:
            bot.start(MORTAL_POINT="")
            pull = world.open_draft("planted", branch=branch)
            world.settle(pull)
            bot.stop()
            world.may_push()
            bot.start(**mortal)
            head, comment = pull.head_sha, world.hub.comment("ada", pull, "/tfport fix")
            survive(lambda: pull.head_sha != head and world.concluded(pull) and comment.reactions)
        else:
            if scenario == FIRST:
                shutil.rmtree(Path(bot.environment["TFPORT_DATA_DIR"]) / "mirrors", ignore_errors=True)
            bot.start(**mortal)
            pull = world.open_draft("planted", branch=branch)
            survive(lambda: gave_up(world, pull) if scenario == BROKEN else world.concluded(pull))
        bot.stop()
        return pull
    finally:
        bot.kill()
        world.may_push(yes=False)
        world.hub.close(pull, "ada")


def gave_up(world: World, pull: Pull) -> bool:
    runs = world.runs(pull)
    return len(runs) == 6 and all(run.conclusion == "cancelled" for run in runs)


def visible(world: World, pull: Pull) -> object:
    """All that people see, without what differs from one pull request to the next."""

    def normal(text: str | None) -> str:
        text = re.sub(r"/pull/\d+", "/pull/N", text or "")
        # The commit of a fix has the time of the request in it.
        text = text.replace(pull.head_sha, "HEAD").replace(pull.head_sha[:9], "HEAD")
        return re.sub(r"in \d+\.\d s", "in X s", text)

    runs = [
        (run.name, run.status, run.conclusion, run.title, normal(run.summary), normal(run.text),
         [(note["path"], note["start_line"], note["message"]) for note in run.annotations])
        for run in world.runs(pull)
    ]  # fmt: skip
    comments = [(normal(comment.body), comment.minimized) for comment in world.comments(pull)]
    notes = [(note.path, note.line, normal(note.body), note.minimized) for note in world.notes(pull)]
    reviews = [normal(review.body) for review in world.reviews(pull)]
    commits = len(git.commit_list(world.repository.path, pull.base_sha, pull.head_sha))
    return sorted(runs), comments, sorted(notes, key=repr), reviews, commits
