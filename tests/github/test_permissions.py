"""The permissions that we ask for are those that the calls need: all of them, and none more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.github import reads, reviews, writes
from bot.github.errors import AuthFailed, Gone, PermissionMissing
from bot.github.mirror import Mirror
from bot.github.session import Installation
from tests.github.conftest import World

MARKER = "<!-- tfport:x -->"


def calls(world: World, gh: Installation, folder: Path) -> dict[str, Callable[[], Awaitable[object]]]:
    """One of each kind of call, apart from those that only need `metadata`."""
    repo, pull, number = world.repo, world.pull, world.pull.number
    head = pull.head_sha

    async def react() -> None:
        (comment, *_) = await reads.issue_comments(gh, repo, number)
        await writes.add_reaction(gh, repo, comment, "eyes")

    return {
        "pull": lambda: reads.pull(gh, repo, number),
        "files": lambda: reads.changed_files(gh, repo, number),
        "comments": lambda: reads.comments(gh, repo, number),
        "file": lambda: reads.file(gh, repo, "setup.py", "main"),
        "merge base": lambda: reads.merge_base(gh, repo, "main", head),
        "check runs": lambda: reads.check_runs(gh, repo, head),
        "statuses": lambda: reads.other_checks(gh, repo, head),
        "create check run": lambda: writes.create_check_run(
            gh, repo, name="tfport", head_sha=head, external_id="x", look=False
        ),
        "comment": lambda: writes.create_comment(gh, repo, number, marker=MARKER, body=MARKER, look=False),
        "react": react,
        "review": lambda: reviews.create_review(
            gh, repo, number, head_sha=head, marker=MARKER, body=MARKER, look=False
        ),
        "git": lambda: Mirror(folder).fetch(gh, repo, [head]),
    }


async def refused(world: World, granted: dict[str, str], folder: Path) -> set[str]:
    """Names of the calls that an installation with these permissions may not make."""
    world.origin.private = True
    world.installed.permissions = {"metadata": "read", **granted}
    found: set[str] = set()
    async with world.another() as app:
        for name, call in calls(world, app.installation(world.gh.id), folder / "git").items():
            try:
                await asyncio.wait_for(call(), 20)
            except (PermissionMissing, Gone, AuthFailed):
                found.add(name)
    return found


async def test_they_are_enough(world: World, tmp_path: Path) -> None:
    world.hub.comment("ann", world.opened, "hello")
    assert await refused(world, writes.PERMISSIONS, tmp_path) == set()


# Not `issues`: GitHub wants it for reactions in the conversation, and for `issue_comment` deliveries; the local one takes
# `pull_requests` for the former.
@pytest.mark.parametrize("name", sorted(writes.PERMISSIONS.keys() - {"metadata", "issues"}))
async def test_none_is_superfluous(world: World, tmp_path: Path, name: str) -> None:
    world.hub.comment("ann", world.opened, "hello")
    less = {key: value for key, value in writes.PERMISSIONS.items() if key != name}
    assert await refused(world, less, tmp_path)
    if writes.PERMISSIONS[name] == "write":
        assert await refused(world, {**less, name: "read"}, tmp_path)
