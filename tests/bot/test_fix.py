"""`/tfport fix` and the buttons on check runs: a commit in the fork where that is allowed, else a patch that applies."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.localhub import git
from bot.localhub.state import Pull
from tests.bot.test_port import quiet, reactions
from tests.fixtures.world import AUTHOR, World, until

Draft = Callable[..., Pull]


@pytest.fixture
def pushing(world: World) -> Iterator[World]:
    """The world with a bot that may write contents, as its operator wants."""
    world.may_push()
    world.bot.start(TFPORT_PUSH_FIXES="1")
    try:
        yield world
    finally:
        world.bot.stop()
        world.may_push(yes=False)
        world.hub.faults.clear()


def commits(world: World, pull: Pull) -> list[git.Commit]:
    """The commits that the bot made, oldest first."""
    made = git.commit_list(world.repository.path, pull.base_sha, pull.head_sha)
    return [one for one in made if "Tfport-Request" in one.message]


def patch_of(body: str) -> str:
    found = re.search(r"```diff\n(.*?)```", body, re.DOTALL)
    assert found, body
    return found[1]


def test_a_commit_in_the_fork(pushing: World, draft: Draft):
    pull = draft("planted")
    pushing.settle(pull)
    head = pull.head_sha
    asked = pushing.hub.comment(AUTHOR, pull, "/tfport fix")
    until(lambda: pull.head_sha != head, 60, f"the commit\n{pushing.bot.log.read_text()[-3000:]}")
    pushing.settle(pull)
    until(lambda: reactions(pushing, asked), what="acknowledged")
    quiet(pushing)
    (commit,) = commits(pushing, pull)
    assert commit.parents == (head,)
    assert commit.author[:2] == (
        f"{pushing.app.slug}[bot]",
        f"{pushing.app.bot.id}+{pushing.app.slug}[bot]@users.noreply.github.com",
    )
    assert f"Asked for by {AUTHOR}" in commit.message
    assert "@" not in commit.message
    assert reactions(pushing, asked) == {"eyes"}
    assert not any("tfport:reply" in comment.body for comment in pushing.comments(pull)), "the commit says it"
    left = {rule for rule, _, _ in pushing.told(pull)}
    assert "unpack-inputs" not in left


def test_only_what_is_named(pushing: World, draft: Draft):
    pull = draft("planted")
    pushing.settle(pull)
    head = pull.head_sha
    pushing.hub.comment("gante", pull, "/tfport fix unpack-inputs")
    until(lambda: pull.head_sha != head, 60, "the commit")
    pushing.settle(pull)
    changed = git.diff(pushing.repository.path, head, pull.head_sha)
    assert [(file.path.rsplit("/", 1)[-1], file.additions, file.deletions) for file in changed] == [
        ("modeling_tf_brand_new_bert.py", 1, 0)
    ]


@pytest.mark.parametrize("why", ["reading", "no-edits"])
def test_a_patch_that_applies(
    why: str, world: World, draft: Draft, tmp_path: Path, request: pytest.FixtureRequest
):
    bot: World = request.getfixturevalue("bot" if why == "reading" else "pushing")
    pull = draft("planted")
    pull.maintainer_can_modify = why == "reading"
    bot.settle(pull)
    head = pull.head_sha
    asked = bot.hub.comment(AUTHOR, pull, "/tfport fix")
    until(lambda: reactions(bot, asked), 60, "the answer")
    quiet(bot)
    assert pull.head_sha == head
    (reply,) = [comment.body for comment in bot.comments(pull) if "tfport:reply" in comment.body]
    assert ("only read" if why == "reading" else "does not allow edits") in reply
    subprocess.run(["git", "clone", "-q", "-s", str(bot.repository.path), str(tmp_path / "tree")], check=True)
    for command in (["checkout", "-q", head], ["apply", "-"]):
        subprocess.run(["git", *command], cwd=tmp_path / "tree", input=patch_of(reply), text=True, check=True)
    source = (
        tmp_path / "tree/src/transformers/models/brand_new_bert/modeling_tf_brand_new_bert.py"
    ).read_text()
    assert source.count("@unpack_inputs") > git.blob(
        bot.repository.path,
        git.entry(bot.repository.path, head, str(bot.sample.planted[0].path)).sha,  # type: ignore[union-attr]
    ).decode().count("@unpack_inputs")


def test_who_may(pushing: World, draft: Draft):
    pull = draft("planted")
    pushing.settle(pull)
    head = pull.head_sha
    denied = pushing.hub.comment("passer-by", pull, "/tfport fix")
    until(lambda: reactions(pushing, denied), what="the refusal")
    pushing.hub.click(pushing.newest(pull)["tfport / architecture"], "fix", "passer-by")
    quiet(pushing)
    assert reactions(pushing, denied) == {"-1"}
    assert pull.head_sha == head


def test_the_buttons(pushing: World, draft: Draft):
    pull = draft("planted")
    pushing.settle(pull)
    run = pushing.newest(pull)["tfport / registration"]
    assert [action["identifier"] for action in run.actions] == ["fix", "check"]
    before = len(pushing.runs(pull))
    pushing.hub.click(run, "check", "gante")
    until(lambda: len(pushing.runs(pull)) == before + 2 and pushing.concluded(pull), what="judged again")
    assert "as gante asked" in (pushing.newest(pull)["tfport / registration"].summary or "")
    head = pull.head_sha
    pushing.hub.click(pushing.newest(pull)["tfport / registration"], "fix", "gante")
    until(lambda: pull.head_sha != head, 60, "the commit")
    pushing.settle(pull)
    quiet(pushing)
    (commit,) = commits(pushing, pull)
    assert "Asked for by gante" in commit.message
    docs = "docs/source/en/"
    assert not any(f.path.startswith(docs) for f in git.diff(pushing.repository.path, head, pull.head_sha))
    assert [a["identifier"] for a in pushing.newest(pull)["tfport / registration"].actions] == ["check"]


def test_the_head_moves_before_the_push(pushing: World, draft: Draft):
    pull = draft("planted")
    pushing.settle(pull)
    pushing.hub.faults.add("GET", r"/pulls/\d+/commits$", delay=3.0)
    pushing.hub.comment(AUTHOR, pull, "/tfport fix")
    until(lambda: pushing.hub.requests("GET", r"/collaborators/ada/permission$"), what="asked who it is")
    pushing.push("repaired", pull.head_ref)
    pushing.settle(pull)
    quiet(pushing)
    assert pull.head_sha == pushing.sample.commits["repaired"], "nobody's push is lost"
    assert commits(pushing, pull) == []
    (reply,) = [comment.body for comment in pushing.comments(pull) if "tfport:reply" in comment.body]
    assert "nothing that I could fix" in reply
