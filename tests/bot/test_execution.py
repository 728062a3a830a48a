"""Executions from the pull request's side: who may, what is seen, what ends them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from bot.localhub.state import CheckRun, Pull
from tests.execution.conftest import why_no_sandbox
from tests.fixtures.sample import MODEL
from tests.fixtures.world import AUTHOR, UPSTREAM, World, until

Draft = Callable[..., Pull]
NAME = "tfport / execution"
TESTS = f"tests/models/{MODEL}/test_modeling_tf_{MODEL}.py"


@pytest.fixture
def bot(world: World) -> Iterator[World]:
    """The world with a bot that may execute."""
    if why := why_no_sandbox():
        pytest.skip(why)
    before = world.bot.command
    world.bot.command = [sys.executable, "-m", "tests.bot.executing"]
    world.bot.start(TFPORT_EXECUTE=UPSTREAM)
    try:
        yield world
    finally:
        world.bot.stop()
        world.bot.command = before


def run_of(world: World, pull: Pull) -> CheckRun:
    return world.newest(pull)[NAME]


def text_of(world: World, pull: Pull) -> str:
    run = world.newest(pull).get(NAME)
    return "" if run is None else f"{run.status} {run.conclusion} {run.title} {run.summary}"


def change(world: World, pull: Pull, line: str) -> str:
    """The author adds a line to the tests."""
    command = ["git", "-C", str(world.fork.path), "show", f"{pull.head_sha}:{TESTS}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return world.hub.commit(world.fork, pull.head_ref, {TESTS: f"{text}{line}\n"}, sender=AUTHOR)


def over(world: World, pull: Pull, seconds: float = 60) -> None:
    world.settle(pull, seconds)


def approve(world: World, pull: Pull, sha: str = "", by: str = "gante") -> str:
    """Says it; the bot's reply."""
    before = len(world.comments(pull))
    world.hub.comment(by, pull, f"/tfport approve {sha or pull.head_sha}")
    until(lambda: len(world.comments(pull)) > before, what="a reply")
    return world.comments(pull)[-1].body


SEEN: set[int] = set()
"""Processes of executions that a test has seen: none may outlive its execution."""


def sandboxes() -> list[str]:
    """Processes of this very bot's executions, with all below them; others may work on this machine too."""
    ps = subprocess.run(
        ["ps", "-eo", "pid,ppid,stat,args", "-ww"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in ps.stdout.splitlines()[1:]]
    alive = [(int(pid), int(parent), args) for pid, parent, stat, args in rows if stat[0] != "Z"]
    found = {pid for pid, _, args in alive if args.startswith(f"{sys.executable} -m tests.bot.cheap")}
    for _ in range(8):
        found |= {pid for pid, parent, _ in alive if parent in found}
    SEEN.update(found)
    return [args for pid, _, args in alive if pid in SEEN]


def test_a_newcomers_code_waits_for_a_maintainer(bot: World, draft: Draft):
    pull = draft("repaired")
    over(bot, pull)
    assert run_of(bot, pull).conclusion == "neutral"
    assert f"/tfport approve {pull.head_sha}" in text_of(bot, pull)
    assert f"/tfport approve {pull.head_sha}" in bot.comments(pull)[-1].body
    assert not sandboxes()

    assert "maintainer" in approve(bot, pull, by="passer-by")
    approve(bot, pull, by=AUTHOR)
    assert "not the head" in approve(bot, pull, "0" * 40)
    assert "hexadecimal" in approve(bot, pull, "main")
    bot.hub.set_role(bot.repository, bot.hub.user("left"), "write")
    bot.hub.set_role(bot.repository, bot.hub.user("left"), "read")
    said = approve(bot, pull, by="left")
    assert "maintainer" in said
    over(bot, pull)
    assert run_of(bot, pull).conclusion == "neutral"
    assert not sandboxes()

    assert "may be executed" in approve(bot, pull, pull.head_sha[:9])
    until(lambda: "tests" in text_of(bot, pull) or "passed" in text_of(bot, pull), 60)
    over(bot, pull)
    assert "no tiny model" in text_of(bot, pull), "the fake harness makes none"
    assert "✅" in text_of(bot, pull)


def test_failing_tests_stand_at_their_lines_and_can_be_run_again(bot: World, draft: Draft):
    pull = draft("repaired")
    change(bot, pull, "# fails: test_config")
    until(lambda: f"approve {pull.head_sha}" in text_of(bot, pull), 60)
    approve(bot, pull)
    until(lambda: "failure" in text_of(bot, pull), 60, "the failure")
    over(bot, pull)
    (note,) = run_of(bot, pull).annotations
    assert note["path"] == TESTS
    assert "one is not two" in note["message"]
    assert bot.newest(pull)["tfport"].conclusion == "failure"

    before = len(bot.runs(pull))
    bot.hub.comment(AUTHOR, pull, '/tfport test -k "test_config or test_keyword" --failed')
    until(lambda: len(bot.runs(pull)) > before and bot.concluded(pull), 60, "run again")
    assert run_of(bot, pull).conclusion == "failure"

    before = len(bot.runs(pull))
    bot.hub.comment(AUTHOR, pull, "/tfport compare TFBrandNewBertModel")
    until(lambda: "compared `TFBrandNewBertModel`" in text_of(bot, pull), 60, "compared")
    over(bot, pull)
    assert run_of(bot, pull).conclusion == "failure"
    (note,) = run_of(bot, pull).annotations
    assert note["path"] == TESTS, "what the tests have shown stays"


def test_the_same_ground_is_executed_once(bot: World, draft: Draft):
    pull = draft("repaired")
    change(bot, pull, "# ground")
    until(lambda: f"approve {pull.head_sha}" in text_of(bot, pull), 60)
    approve(bot, pull)
    until(lambda: "no tiny model" in text_of(bot, pull), 60)
    over(bot, pull)
    bot.hub.commit(bot.fork, pull.head_ref, {"README.md": "# changed\n"}, sender=AUTHOR)
    until(lambda: "no tiny model" in text_of(bot, pull) and bot.concluded(pull), 60, "the result is reused")
    assert not sandboxes()


def slow(bot: World, draft: Draft, mark: str) -> Pull:
    """A pull request whose tests are running."""
    pull = draft("repaired")
    change(bot, pull, f"# slow {mark}")
    until(lambda: f"approve {pull.head_sha}" in text_of(bot, pull), 60, "the bot has seen the commit")
    bot.hub.comment("gante", pull, f"/tfport approve {pull.head_sha}")
    until(lambda: any("tfport_harness" in line for line in sandboxes()), 60, "tests are running")
    return pull


def test_a_push_ends_it(bot: World, draft: Draft):
    pull = slow(bot, draft, "push")
    until(lambda: run_of(bot, pull).status == "in_progress", 20, "progress")
    running = run_of(bot, pull)
    bot.push("repaired", pull.head_ref)
    until(lambda: not sandboxes(), 10, "the sandbox is free")
    over(bot, pull)
    assert running.conclusion == "cancelled"
    assert run_of(bot, pull) is not running


def test_cancel_ends_it_and_test_starts_it_again(bot: World, draft: Draft):
    pull = slow(bot, draft, "cancel")
    bot.hub.comment("passer-by", pull, "/tfport cancel")
    bot.hub.comment(AUTHOR, pull, "/tfport cancel")
    until(lambda: not sandboxes(), 10, "the sandbox is free")
    over(bot, pull)
    assert "cancelled by ada" in text_of(bot, pull)
    bot.hub.comment(AUTHOR, pull, "/tfport test")
    until(sandboxes, 30, "it runs again")
    bot.hub.close(pull, AUTHOR)
    until(lambda: not sandboxes(), 10, "closed: the sandbox is free")


def test_killed_while_it_runs(bot: World, draft: Draft):
    pull = slow(bot, draft, "kill")
    assert bot.bot.process is not None
    bot.bot.kill()  # the execution is no process of its group
    until(lambda: not sandboxes(), 10, "nothing runs without the bot")
    bot.bot.start(TFPORT_EXECUTE=UPSTREAM)
    until(lambda: any("tfport_harness" in line for line in sandboxes()), 60, "it goes on")
    bot.hub.comment(AUTHOR, pull, "/tfport cancel")
    until(lambda: not sandboxes(), 10)
    over(bot, pull)


def test_what_steers_all_tests_needs_a_word_even_of_those_who_are_known(bot: World, draft: Draft):
    pull = draft("repaired")
    bot.hub.commit(bot.fork, pull.head_ref, {"conftest.py": "import os\n"}, sender=AUTHOR)
    until(lambda: "it changes `conftest.py`" in text_of(bot, pull), 60)
    over(bot, pull)
    assert not sandboxes()
