"""The bot against the local GitHub: what people do on a pull request, and what stands there afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from bot.localhub.state import Pull
from tests.fixtures.world import AUTHOR, World, until

Draft = Callable[..., Pull]

NAMES = {
    "tfport",
    "tfport / architecture",
    "tfport / registration",
    "tfport / docs",
    "tfport / tests",
    "tfport / execution",
}


def reactions(world: World, comment: object) -> set[str]:
    return {reaction.content for reaction in comment.reactions if reaction.user is world.app.bot}  # type: ignore[attr-defined]


def quiet(world: World, seconds: float = 2.0) -> None:
    """Until the bot has written nothing for a while."""
    before = -1
    while before != len(world.hub.writes):
        before = len(world.hub.writes)
        time.sleep(seconds)


def test_a_draft_with_planted_mistakes(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    runs = bot.newest(pull)
    assert set(runs) == NAMES
    assert bot.told(pull) == sorted((m.rule, m.path, m.line) for m in bot.sample.planted)
    (review,) = bot.reviews(pull)
    assert review.state == "COMMENTED"
    assert "**To fix**" in review.body
    assert any("```suggestion" in note.body for note in bot.notes(pull))
    (summary,) = bot.comments(pull)
    assert "cc @gante @Rocketknight1" in summary.body
    assert runs["tfport"].conclusion == "failure"

    bot.push("repaired", pull.head_ref)
    bot.settle(pull)
    assert bot.green(pull)
    first, second = bot.comments(pull)
    until(lambda: first.minimized, what="the old summary is folded away")
    assert not second.minimized
    assert "cc @" not in second.body
    until(lambda: all(note.minimized == "resolved" for note in bot.notes(pull)), what="notes are settled")
    assert all(note.body.startswith("✅ Fixed in") for note in bot.notes(pull))
    assert all(thread.resolved_by for thread in pull.threads)
    assert bot.reviews(pull) == [review]


def test_the_guides_first_commits(bot: World, draft: Draft):
    pull = draft("empty")
    bot.settle(pull)
    (summary,) = bot.comments(pull)
    assert "welcome" in summary.body
    assert bot.newest(pull)["tfport"].conclusion == "neutral"
    bot.push("copied", pull.head_ref)
    bot.settle(pull)
    (same,) = bot.comments(pull)
    assert same is summary
    assert "torch expressions left" in same.body
    assert not any(run.annotations for run in bot.newest(pull).values()), "a wall of red on copied code"


def test_nothing_is_written_where_nothing_is_ported(bot: World):
    quiet(bot)
    bot.hub.commit(bot.fork, "typo", {"README.md": "# Transformers!\n"}, sender=AUTHOR)
    before = len(bot.hub.writes)
    pull = bot.hub.open_pull(AUTHOR, bot.repository, head=f"{AUTHOR}:typo", title="Mend a typo")
    bot.hub.comment(AUTHOR, pull, "/tfport help")
    quiet(bot)
    assert len(bot.hub.writes) == before


def test_a_base_without_tensorflow_is_told_in_one_sentence(bot: World, draft: Draft):
    bot.hub.commit(bot.repository, "v5", {"src/transformers/modeling_tf_utils.py": None}, sender="gante")
    pull = draft("planted", base="v5")
    comments = until(lambda: bot.comments(pull), what="the sentence")
    bot.push("repaired", pull.head_ref)
    bot.hub.comment(AUTHOR, pull, "/tfport check")
    quiet(bot)
    assert len(bot.comments(pull)) == 1
    assert "no TensorFlow support" in comments[0].body
    assert bot.runs(pull) == []


def test_commands(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    asked = bot.hub.comment("passer-by", pull, "How does this work?\n\n/tfport help")
    until(lambda: reactions(bot, asked), what="the help")
    assert reactions(bot, asked) == {"eyes"}
    assert "| `/tfport check" in bot.comments(pull)[-1].body

    before = len(bot.runs(pull))
    denied = bot.hub.comment("passer-by", pull, "/tfport check")
    until(lambda: reactions(bot, denied), what="the refusal")
    assert reactions(bot, denied) == {"-1"}
    assert len(bot.runs(pull)) == before

    again = bot.hub.comment(AUTHOR, pull, "/tfport check unpack-inputs")
    until(lambda: len(bot.runs(pull)) == before + 2 and bot.concluded(pull), what="two check runs again")
    assert reactions(bot, again) == {"eyes"}
    assert {run.name for run in bot.runs(pull)[before:]} == {"tfport", "tfport / architecture"}

    wrong = bot.hub.comment(AUTHOR, pull, "/tfport chek")
    until(lambda: reactions(bot, wrong), what="the nearest match")
    assert "did you mean `/tfport check`" in bot.comments(pull)[-1].body

    quoted = bot.hub.comment(AUTHOR, pull, "> /tfport check\n\n`/tfport check`")
    comments = len(bot.comments(pull))
    quiet(bot)
    assert reactions(bot, quoted) == set()
    assert len(bot.comments(pull)) == comments
    assert len(bot.runs(pull)) == before + 2


def test_ten_checks_at_once_are_few(bot: World, draft: Draft):
    pull = draft("repaired")
    bot.settle(pull)
    before = len(bot.runs(pull))
    comments = [bot.hub.comment(AUTHOR, pull, "/tfport check") for _ in range(10)]
    until(lambda: all(reactions(bot, comment) for comment in comments), 60, "all acknowledged")
    until(lambda: bot.concluded(pull))
    assert len(bot.runs(pull)) - before <= 4 * 6


def test_ready_for_review_is_judged_anew(bot: World, draft: Draft):
    pull = draft("empty")
    bot.settle(pull)
    bot.hub.ready_for_review(pull, AUTHOR)
    until(lambda: bot.newest(pull)["tfport"].conclusion == "failure", what="what is absent has failed")
    bot.hub.convert_to_draft(pull, AUTHOR)
    quiet(bot)
    assert all(run.status == "completed" for run in bot.runs(pull))


def test_run_again_from_the_checks_tab(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    docs = bot.newest(pull)["tfport / docs"]
    before = len(bot.runs(pull))
    bot.hub.rerequest(docs, AUTHOR)
    until(lambda: len(bot.runs(pull)) == before + 2 and bot.concluded(pull), what="docs and the gate again")
    bot.hub.rerequest_suite(docs.suite, AUTHOR)
    until(lambda: len(bot.runs(pull)) == before + 8 and bot.concluded(pull), what="all of them again")


def test_a_push_during_the_work_and_a_close(bot: World, draft: Draft):
    pull = draft("planted")
    until(lambda: bot.runs(pull), what="queued")
    old = pull.head_sha
    bot.push("repaired", pull.head_ref)
    bot.settle(pull)
    quiet(bot)
    left = [
        r
        for r in bot.hub.state.runs.values()
        if r.suite.head_sha == old and r.external_id.startswith(f"tfport:{pull.number}:")
    ]
    assert all(run.status == "completed" for run in left)
    bot.hub.close(pull, AUTHOR)
    before = len(bot.hub.writes)
    bot.hub.comment(AUTHOR, pull, "/tfport check")
    quiet(bot)
    assert len(bot.hub.writes) == before


def test_doubled_reordered_and_late_deliveries(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    bot.push("repaired", pull.head_ref)
    bot.settle(pull)
    quiet(bot)
    before = len(bot.hub.writes)
    for delivery in list(bot.hub.state.deliveries.values())[-30:]:
        bot.hub.redeliver(delivery)
    quiet(bot)
    assert len(bot.hub.writes) == before


def test_a_502_after_the_comment_was_made(bot: World, draft: Draft):
    bot.hub.faults.add("POST", r"/issues/\d+/comments$", when="after", status=502)
    bot.hub.faults.add("POST", r"/check-runs$", when="after", status=502)
    pull = draft("planted")
    bot.settle(pull)
    quiet(bot)
    assert len(bot.comments(pull)) == 1
    assert len(bot.runs(pull)) == 6


def test_a_lost_database_loses_nothing(bot: World, draft: Draft):
    import shutil
    from pathlib import Path

    pull = draft("planted")
    bot.settle(pull)
    before = [comment.body for comment in bot.comments(pull)], len(bot.runs(pull))
    bot.bot.stop()
    shutil.rmtree(Path(bot.bot.environment["TFPORT_DATA_DIR"]))
    bot.bot.start()
    bot.hub.edit_pull(pull, title="Add TensorFlow BrandNewBert (again)", sender=AUTHOR)
    quiet(bot)
    assert ([comment.body for comment in bot.comments(pull)], len(bot.runs(pull))) == before


def test_a_locked_conversation_still_gets_its_check_runs(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    bot.hub.lock_conversation(pull)
    bot.push("repaired", pull.head_ref)
    until(lambda: bot.green(pull), what="check runs")


def test_a_broken_configuration_is_told_and_the_defaults_apply(bot: World, draft: Draft):
    bot.hub.commit(bot.repository, "configured", {".github/tfport.yml": "maintainer: [x]\n"}, sender="gante")
    pull = draft("planted", base="configured")
    bot.settle(pull)
    (summary,) = bot.comments(pull)
    assert "1:1: maintainer" in summary.body
    assert "cc @gante" in summary.body


@pytest.mark.parametrize("text", ["@huggingface/all", "<!-- tfport:summary -->", "</details>"])
def test_hostile_names_stay_inert(bot: World, text: str):
    name = text.replace("/", "∕")
    path = f"src/transformers/models/brand_new_bert/{name}/modeling_tf_x.py"
    branch = f"hostile-{abs(hash(text))}"
    bot.hub.commit(bot.fork, branch, {path: "class TFX:\n    pass\n"}, sender=AUTHOR)
    pull = bot.hub.open_pull(AUTHOR, bot.repository, head=f"{AUTHOR}:{branch}", draft=True, title=text)
    bot.settle(pull)
    assert not [n for n in bot.hub.notifications if n.kind == "mention" and "huggingface" in n.recipients]


def test_a_pull_request_opened_while_the_bot_was_down(bot: World, draft: Draft):
    bot.bot.stop()
    pull = draft("planted")
    bot.hub.webhooks.wait()
    assert bot.runs(pull) == []
    bot.bot.start()
    bot.settle(pull)
    assert len(bot.comments(pull)) == 1


def test_decisions_of_people_outlive_the_database(bot: World, draft: Draft):
    import shutil
    from pathlib import Path

    pull = draft("planted")
    bot.settle(pull)
    finding = bot.newest(pull)["tfport / docs"]
    assert finding.conclusion == "failure"
    asked = bot.hub.comment("gante", pull, "/tfport waive doc-table The page is rewritten elsewhere")
    until(lambda: reactions(bot, asked) == {"eyes"}, what="the waiver")
    until(lambda: bot.concluded(pull), what="judged anew")
    assert bot.newest(pull)["tfport / docs"].conclusion == "success"
    bot.bot.stop()
    shutil.rmtree(Path(bot.bot.environment["TFPORT_DATA_DIR"]))
    bot.bot.start()
    bot.hub.commit(bot.fork, pull.head_ref, {"NOTES": "nothing\n"}, sender=AUTHOR)
    bot.settle(pull)
    assert bot.newest(pull)["tfport / docs"].conclusion == "success"
    assert bot.newest(pull)["tfport"].conclusion == "failure", "the other mistakes are not waived"


def test_an_edited_comment_runs_only_what_the_edit_added(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    asked = bot.hub.comment(AUTHOR, pull, "/tfport explain doc-table")
    until(lambda: reactions(bot, asked), what="the explanation")
    quiet(bot, 1.0)
    before = len(bot.comments(pull))
    bot.hub.edit_comment(asked, "/tfport explain doc-table\n\n/tfport status", sender=AUTHOR)
    until(lambda: len(bot.comments(pull)) > before, what="the status")
    quiet(bot, 1.0)
    assert len(bot.comments(pull)) == before + 1
    assert "items hold" in bot.comments(pull)[-1].body


def test_paused_means_silent(bot: World, draft: Draft):
    pull = draft("planted")
    bot.settle(pull)
    asked = bot.hub.comment(AUTHOR, pull, "/tfport pause")
    until(lambda: reactions(bot, asked), what="the pause")
    bot.push("repaired", pull.head_ref)
    until(lambda: bot.newest(pull).get("tfport") and bot.newest(pull)["tfport"].title == "Paused")
    quiet(bot)
    assert {run.name for run in bot.runs(pull) if run.suite.head_sha == pull.head_sha} == {"tfport"}
    bot.hub.comment(AUTHOR, pull, "/tfport resume")
    until(lambda: bot.concluded(pull) and len(bot.newest(pull)) == 6, what="back again")
    assert bot.green(pull)


def test_from_ready_to_merged(bot: World, draft: Draft):
    pull = draft("repaired")
    bot.settle(pull)
    assert "Mark it as ready for review" in bot.comments(pull)[-1].body
    assert pull.requested_reviewers == []
    before = len(bot.comments(pull))
    bot.hub.ready_for_review(pull, AUTHOR)
    until(lambda: len(pull.requested_reviewers) == 2, what="the maintainers are asked")
    bot.settle(pull)
    quiet(bot, 1.0)
    assert {user.login for user in pull.requested_reviewers} == {"gante", "Rocketknight1"}
    assert len(bot.comments(pull)) == before, "the request tells the news"
    assert "over to you" in bot.comments(pull)[-1].body or "reviewers' turn" in bot.comments(pull)[-1].body
    for login in ("gante", "Rocketknight1", "amyeroberts"):
        bot.hub.set_role(bot.repository, bot.hub.user(login), "write")
        bot.hub.review(login, pull, "Nice!", event="APPROVE")
    until(lambda: "0 of 3 approvals" not in (bot.newest(pull)["tfport"].text or ""), what="approvals count")
    until(lambda: "| ✅ | `approvals`" in (bot.newest(pull)["tfport"].text or ""), what="three approvals")
    bot.hub.merge(pull, "gante")
    until(lambda: "Merged: thank you" in bot.comments(pull)[-1].body, what="the last word")
    quiet(bot, 1.0)
    assert sum("Merged: thank you" in comment.body for comment in bot.comments(pull)) == 1


def test_a_configuration_is_judged_where_it_is_proposed_and_its_last_good_version_applies(
    bot: World, draft: Draft
):
    good, broken = "maintainers: [Rocketknight1]\n", "maintainers: [Rocketknight1]\nmaintainer: [x]\n"
    for text in (good, broken):
        bot.hub.commit(bot.repository, "slipped", {".github/tfport.yml": text}, sender="gante")
    pull = draft("planted", base="slipped")
    bot.settle(pull)
    (summary,) = bot.comments(pull)
    assert "2:1: maintainer" in summary.body
    assert "cc @Rocketknight1, so that you know" in summary.body
    bot.hub.close(pull, AUTHOR)

    bot.hub.commit(bot.fork, "proposal", {".github/tfport.yml": broken}, sender=AUTHOR)
    proposal = bot.hub.open_pull(AUTHOR, bot.repository, head=f"{AUTHOR}:proposal", title="Configure tfport")
    (run,) = until(
        lambda: [r for r in bot.runs(proposal) if r.conclusion], what="the verdict on the configuration"
    )
    assert (run.name, run.conclusion) == ("tfport / configuration", "failure")
    assert [(note["path"], note["start_line"]) for note in run.annotations] == [(".github/tfport.yml", 2)]
    bot.hub.commit(bot.fork, "proposal", {".github/tfport.yml": good}, sender=AUTHOR)
    name = "tfport / configuration"
    until(lambda: [r.conclusion for r in bot.runs(proposal) if r.name == name][-1:] == ["success"])
    assert bot.comments(proposal) == []


def test_ci_of_others_is_followed(world: World, draft: Draft):
    before = world.bot.command
    world.bot.command = [sys.executable, "-m", "tests.bot.mortal"]
    world.bot.start(CI_EVERY="1")
    try:
        pull = draft("repaired")
        world.settle(pull)

        def says() -> str:
            return world.comments(pull)[-1].body.partition("| `ci-green` |")[2].partition("\n")[0]

        assert "no other check has reported" in says()
        first = len(world.comments(pull))
        for number in range(20):
            world.hub.status(pull, "failure" if number == 3 else "success", f"ci/circleci: tests_{number}")
        until(lambda: "failed: ci/circleci: tests\\_3" in says(), what=says())
        world.hub.status(pull, "success", "ci/circleci: tests_3")
        until(lambda: "ci-green" in world.comments(pull)[-1].body and "CI" in says(), what=says())
        until(lambda: "failed" not in says())
        assert len(world.comments(pull)) == first, "nobody rings"
    finally:
        world.bot.stop()
        world.bot.command = before
