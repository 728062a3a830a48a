"""One local GitHub for each file of tests; each test has a pull request of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.localhub import git
from bot.localhub.state import Pull
from tests.fixtures.world import AUTHOR, World, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Nobody has merged anything in it, whatever the tests of other files did in theirs."""
    folder: Path = tmp_path_factory.mktemp("world")
    with make_world(folder) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_unknown_to_github(world: World) -> Iterator[None]:
    """After every test: the bot asked for nothing that GitHub does not know, and the local GitHub made no mistake."""
    yield
    complaints = [*world.hub.violations, *world.hub.defects]
    world.hub.violations.clear()
    world.hub.defects.clear()
    assert complaints == []


@pytest.fixture
def bot(world: World) -> Iterator[World]:
    """The world with a running bot; what the test has merged is no part of the main branch afterwards."""
    path = world.repository.path
    tip = git.resolve(path, "refs/heads/main")
    assert tip is not None
    world.bot.start()
    try:
        yield world
    finally:
        world.bot.stop()
        world.hub.faults.clear()
        git.set_ref(path, "refs/heads/main", tip)


_numbers = itertools.count(1)


@pytest.fixture
def draft(world: World) -> Iterator[Callable[..., Pull]]:
    """Opens a draft pull request with a commit of the sample on a branch of its own; closed after the test."""
    opened: list[Pull] = []

    def open_draft(commit: str, **more: object) -> Pull:
        opened.append(world.open_draft(commit, branch=f"port-{next(_numbers)}", **more))
        return opened[-1]

    yield open_draft
    for pull in opened:
        world.hub.close(pull, AUTHOR)
