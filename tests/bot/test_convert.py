"""`/tfport convert` from the pull request's side: who may, what is seen, what the Hub gets, and that it gets it once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from bot.localhub import git
from bot.localhub.state import Comment, Pull
from tests.bot.cheap_convert import CONTENT
from tests.bot.test_kill import EVERY
from tests.execution.conftest import why_no_sandbox
from tests.fixtures.world import AUTHOR, UPSTREAM, World, until
from tests.hub import TOKEN, Discussion, Hub, Repo, serving

pytestmark = pytest.mark.timeout(600)

BASE = "brand-new/bert-base"
SQUAD = "brand-new/bert-base-squad"
FOREIGN = "somebody/else"
CHECKPOINTS = [*(f"{BASE}{rest}" for rest in ("", "-conll03", "-squad", "-sst2")), FOREIGN, "slow/one"]

Convert = Callable[..., str]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """The Hugging Face Hub, without any weights for TensorFlow."""
    config = {"model_type": "brand_new_bert", "architectures": ["BrandNewBertForMaskedLM"]}
    with serving(Hub({name: Repo(config, files=("pytorch_model.bin",)) for name in CHECKPOINTS})) as hub:
        yield hub
        assert hub.violations == []


def variables(world: World, hub: Hub, **more: str) -> dict[str, str]:
    home = str(world.bot.log.with_name("hf"))
    own = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": home}
    return {
        "TFPORT_EXECUTE": UPSTREAM,
        "TFPORT_EXECUTIONS": "3",
        "TFPORT_EXECUTIONS_PER_AUTHOR": "3",
        "TFPORT_HUB_TOKEN": TOKEN,
        **own,
        **more,
    }


@pytest.fixture
def bot(world: World, hub: Hub) -> Iterator[World]:
    """The world with a bot that may convert."""
    if why := why_no_sandbox():
        pytest.skip(why)
    world.bot.command = [sys.executable, "-m", "tests.bot.executing"]
    path = world.repository.path
    tip = git.resolve(path, "refs/heads/main")
    assert tip is not None
    world.bot.start(**variables(world, hub))
    try:
        yield world
    finally:
        world.bot.stop()
        git.set_ref(path, "refs/heads/main", tip)
        assert TOKEN not in world.bot.log.read_text()


def says(world: World, pull: Pull, text: str, by: str = AUTHOR) -> Comment:
    """Somebody says it; the bot's reply."""
    before = len(replies(world, pull))
    world.hub.comment(by, pull, text)
    until(lambda: len(replies(world, pull)) > before, 60, f"a reply to {text}")
    return replies(world, pull)[-1]


def replies(world: World, pull: Pull) -> list[Comment]:
    return [comment for comment in world.comments(pull) if "tfport:reply" in comment.body]


def summary(world: World, pull: Pull) -> str:
    (found,) = [c.body for c in world.comments(pull) if "tfport:summary" in c.body]
    return found.replace("\\", "")


def proposed(world: World, reply: Comment, seconds: float = 60) -> None:
    until(
        lambda: "proposed on the Hub" in reply.body,
        seconds,
        f"{reply.body}\n{world.bot.log.read_text()[-3000:]}",
    )


def only(hub: Hub, name: str) -> Discussion:
    (one,) = hub.repos[name].discussions
    return one


def test_a_port_gets_its_weights(bot: World, draft: Callable[..., Pull], hub: Hub):
    pull = draft("repaired")
    bot.settle(pull)
    # Whose code runs nowhere before a maintainer says so.
    said = says(bot, pull, f"/tfport convert {BASE}").body
    assert f"/tfport approve {pull.head_sha}" in said
    assert "is for" in says(bot, pull, f"/tfport convert {BASE}", by="passer-by").body
    assert "did you mean `/tfport convert`" in says(bot, pull, f"/tfport convret {BASE}").body
    assert "ORGANISATION/NAME" in says(bot, pull, "/tfport convert https://hf.co/x").body
    assert not any(repo.discussions for repo in hub.repos.values())

    # What is no checkpoint of the port, and a larger difference, are for maintainers.
    says(bot, pull, f"/tfport approve {pull.head_sha}", by="gante")
    assert "maintainers" in says(bot, pull, f"/tfport convert {FOREIGN}").body
    assert "maintainers" in says(bot, pull, f"/tfport convert {SQUAD} --max-error 1e-3 It is small").body
    assert "reason" in says(bot, pull, f"/tfport convert {SQUAD} --max-error 1e-3", by="gante").body

    # Two in one comment, of which one differs.
    reply = says(bot, pull, f"Please.\n\n/tfport convert {BASE}\n/tfport convert {SQUAD}")
    proposed(bot, reply)
    until(lambda: "the limit is 5e-05" in reply.body.replace("\\", ""), 60)
    one = only(hub, BASE)
    assert one.files == {"tf_model.h5": CONTENT}
    assert "2e-06" in one.description
    assert f"/pull/{pull.number}" in one.description
    assert "@joaogante @Rocketknight1" in one.description
    assert hub.repos[SQUAD].discussions == []
    assert "it is on the Hub" in says(bot, pull, f"/tfport convert {BASE}").body

    again = says(bot, pull, f"/tfport convert {SQUAD} --max-error 1e-3 Logits of 40 <b>@all</b>", by="gante")
    proposed(bot, again)
    assert "accepted by gante" in again.body
    text = only(hub, SQUAD).description
    assert "accepted by gante" in text
    assert "@all" not in text

    # Nobody rings anew when it is merged; the item follows.
    count = len(bot.comments(pull))
    hub.repos[BASE].merge(one)
    until(lambda: "🎉" in reply.body, 60, "the reply says that it is merged")
    left = f"missing for {BASE}-conll03, {BASE}-sst2: `/tfport convert {BASE}-conll03`"
    until(lambda: left in summary(bot, pull), 60, "the summary follows")
    bot.settle(pull)
    assert len(bot.comments(pull)) == count
    assert "🎉" in reply.body.split(SQUAD)[0], "what is said of the other one stays"
    assert "the limit is 5e-05" in reply.body.replace("\\", "")


@pytest.mark.parametrize("point", ["proposed", *(["after convert"] if EVERY else [])])
def test_killed_between_upload_and_noting_it_down(
    point: str, world: World, draft: Callable[..., Pull], hub: Hub
):
    if why := why_no_sandbox():
        pytest.skip(why)
    world.bot.command = [sys.executable, "-m", "tests.bot.executing"]
    died = world.bot.log.with_name(f"died-{point.replace(' ', '-')}")
    mortal = variables(world, hub, MORTAL_POINT=point, MORTAL_MARK=str(died))
    world.bot.start(**mortal)
    try:
        pull = draft("repaired")
        world.settle(pull)
        world.hub.comment("gante", pull, f"/tfport approve {pull.head_sha}\n/tfport convert {BASE}")
        world.bot.wait_for_death(60)
        assert died.exists()
        world.bot.start(**mortal)
        until(
            lambda: any("proposed on the Hub" in comment.body for comment in world.comments(pull)),
            120,
        )
    finally:
        world.bot.stop()
    assert hub.commits == 1
    assert only(hub, BASE).status == "open"


def test_reminded_once(world: World, draft: Callable[..., Pull], hub: Hub):
    if why := why_no_sandbox():
        pytest.skip(why)
    world.bot.command = [sys.executable, "-m", "tests.bot.executing"]
    environment = variables(world, hub, REMIND_AFTER="0", FOLLOW_EVERY="0.2")
    world.bot.start(**environment)
    try:
        pull = draft("repaired")
        world.settle(pull)
        reply = says(world, pull, f"/tfport approve {pull.head_sha}\n/tfport convert {BASE}", by="gante")
        proposed(world, reply)
        until(lambda: only(hub, BASE).comments, 60)
        world.bot.stop()
        world.bot.start(**environment)
        seen = hub.visits
        until(lambda: hub.visits > seen + 4, 60, "it is followed after a restart, too")
        assert len(only(hub, BASE).comments) == 1
        only(hub, BASE).status = "closed"
        until(lambda: "closed without a merge" in reply.body, 60)
    finally:
        world.bot.stop()


def test_of_a_merged_port_and_where_nothing_is_ported(bot: World, draft: Callable[..., Pull], hub: Hub):
    pull = draft("repaired")
    bot.settle(pull)
    bot.hub.ready_for_review(pull, AUTHOR)
    bot.settle(pull)
    bot.hub.merge(pull, "gante")
    until(lambda: any("Merged: thank you" in comment.body for comment in bot.comments(pull)), 60)
    reply = says(bot, pull, f"/tfport convert {BASE}", by="gante")
    proposed(bot, reply)

    bot.push("base", "docs-only")
    bot.hub.commit(bot.fork, "docs-only", {"README.md": "# more\n"}, sender=AUTHOR)
    other = bot.hub.open_pull(AUTHOR, bot.repository, head=f"{AUTHOR}:docs-only", title="Docs", draft=False)
    try:
        bot.hub.comment(AUTHOR, other, f"/tfport convert {BASE}-sst2")
        reply = says(bot, other, f"/tfport convert {BASE}-sst2", by="gante")
        proposed(bot, reply)
        assert len(bot.comments(other)) == 1, "nothing else is said where nothing is ported"
    finally:
        bot.hub.close(other, AUTHOR)


def test_a_push_ends_it(bot: World, draft: Callable[..., Pull], hub: Hub):
    pull = draft("repaired")
    bot.settle(pull)
    reply = says(bot, pull, f"/tfport approve {pull.head_sha}\n/tfport convert slow/one", by="gante")
    until(lambda: "TensorFlow: converting" in reply.body, 60, "progress is told")
    assert "under way" in says(bot, pull, "/tfport convert slow/one", by="gante").body
    bot.hub.commit(bot.fork, pull.head_ref, {"README.md": "# changed\n"}, sender=AUTHOR)
    until(lambda: "somebody pushed" in reply.body, 60)
    assert hub.repos["slow/one"].discussions == []


def test_without_an_account_it_is_off(world: World, draft: Callable[..., Pull], hub: Hub):
    if why := why_no_sandbox():
        pytest.skip(why)
    world.bot.start(**variables(world, hub, TFPORT_HUB_TOKEN=""))
    try:
        pull = draft("repaired")
        world.settle(pull)
        assert "no account on the Hub" in says(world, pull, f"/tfport convert {BASE}", by="gante").body
    finally:
        world.bot.stop()
