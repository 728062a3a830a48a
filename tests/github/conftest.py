"""A local GitHub, and for each test a repository with a pull request from a fork."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from bot.github import reads
from bot.github.session import GitHubApp, Installation
from bot.localhub.hub import LocalHub
from bot.localhub.state import App, User
from bot.localhub.state import Installation as Installed
from bot.localhub.state import Pull as HubPull
from bot.localhub.state import Repository as HubRepository
from bot.state import Pull, Repository
from tests.github.fake import FAST

_numbers = itertools.count(1)


@dataclass
class World:
    """`hub`, `origin`, `fork`, `opened` is the other side; `gh`, `repo`, `pull` is ours."""

    hub: LocalHub
    app: App
    installed: Installed
    origin: HubRepository
    fork: HubRepository
    author: User
    opened: HubPull
    gh: Installation
    repo: Repository
    pull: Pull

    def another(self, **options: object) -> GitHubApp:
        """The app in another process: nothing cached."""
        return GitHubApp(self.hub.api_url, self.app.id, self.app.private_key, pace=FAST, **options)  # type: ignore[arg-type]

    async def again(self) -> Pull:
        return await reads.pull(self.gh, self.repo, self.pull.number)


@pytest.fixture(scope="session")
def hub() -> Iterator[LocalHub]:
    with LocalHub() as hub:
        yield hub


@pytest.fixture(scope="session")
def app(hub: LocalHub) -> App:
    return hub.app()


@pytest.fixture
async def world(hub: LocalHub, app: App) -> AsyncIterator[World]:
    number = next(_numbers)
    origin = hub.repository(f"org{number}/transformers")
    hub.commit(origin, "main", {"setup.py": "one\ntwo\nthree\n"})
    author = hub.user(f"author{number}")
    fork = hub.fork(origin, author)
    hub.commit(fork, "port", {"modeling_tf_x.py": "".join(f"line {n}\n" for n in range(1, 21))})
    installed = hub.install(app, origin)
    opened = hub.open_pull(author, origin, head=f"{author.login}:port", draft=True)
    async with GitHubApp(hub.api_url, app.id, app.private_key, pace=FAST) as client:
        gh = client.installation(installed.id)
        repo = await reads.repository(gh, origin.id)
        pull = await reads.pull(gh, repo, opened.number)
        hub.log.clear()
        yield World(hub, app, installed, origin, fork, author, opened, gh, repo, pull)
    hub.faults.clear()
    violations, defects = list(hub.violations), list(hub.defects)
    hub.violations.clear()
    hub.defects.clear()
    assert not violations
    assert not defects
