"""The guide's steps around the code, from what GitHub says."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import outbox as o
from bot.policy import RepositoryConfig, configured
from bot.state import User
from bot.submission import OtherCheck, Review, Surroundings, duplicates, verdicts, with_submission
from bot.weights import Hub, Weights, decide
from checks.errors import UserError
from checks.report import ItemResult
from tests.fixtures.pretend import HEAD, NOW, Pretend, pull, report, situation

GANTE = Review("gante", 21, "approved", HEAD, "write")


def item(
    id: str, *, config: RepositoryConfig | None = None, asked: bool = False, **around: object
) -> ItemResult:
    changes = around.pop("pull", {})
    there = pull(**changes)  # type: ignore[arg-type]
    full = with_submission(
        report(),
        there,
        config or RepositoryConfig(),
        Surroundings(**around),
        asked=asked,  # type: ignore[arg-type]
    )
    return next(result for result in full.items if result.id == id)


@pytest.mark.parametrize(
    ("reviews", "state", "reason"),
    [
        ((), "waiting", "0 of 3 approvals of this commit"),
        ((GANTE,), "waiting", "1 of 3 approvals of this commit"),
        ((replace(GANTE, commit="c" * 40),), "waiting", "0 of 3 approvals of this commit; 1 of an older commit"),
        ((replace(GANTE, permission="read"),), "waiting", "0 of 3 approvals of this commit; 1 of an older commit"),
        (tuple(replace(GANTE, user_id=n) for n in (21, 22, 23)), "passed", ""),
        (tuple(replace(GANTE, user_id=n) for n in (11, 22, 23)), "waiting", "2 of 3 approvals of this commit; 1 of an older commit"),
        ((*(replace(GANTE, user_id=n) for n in (21, 22, 23)), replace(GANTE, state="changes-requested", login="amy")), "waiting", "amy asked for changes"),
    ],
)  # fmt: skip
def test_approvals(reviews: tuple[Review, ...], state: str, reason: str):
    found = item("approvals", reviews=reviews)
    assert found.state == state
    if "older" not in reason:
        assert found.reason == reason


@pytest.mark.parametrize(
    ("checks", "state"),
    [
        ((), "unverified"),
        ((OtherCheck("ci", "success"),), "passed"),
        ((OtherCheck("ci", "success"), OtherCheck("docs", "pending")), "waiting"),
        ((OtherCheck("ci", "failure"), OtherCheck("docs", "pending")), "failed"),
    ],
)
def test_ci(checks: tuple[OtherCheck, ...], state: str):
    assert item("ci-green", checks=checks).state == state


def test_branch_draft_and_conflicts():
    assert "no name of its own" in item("branch-name", pull={"head_ref": "main"}).reason
    assert item("draft-pr", pull={"draft": False}).state == "not-applicable"
    assert item("ready-for-review").state == "waiting"
    assert item("ready-for-review", pull={"draft": False}).state == "passed"
    assert item("up-to-date", conflicts=True).state == "failed"
    assert "rebase before the merge" in item("up-to-date", behind_by=500).reason
    assert item("up-to-date", behind_by=5).reason == ""


@pytest.mark.parametrize(
    ("title", "ref", "same"),
    [
        ("Add TensorFlow BERT", "x", True),
        ("[WIP] TFBert", "x", True),
        ("Bert things", "add_tf_bert", True),
        ("Add BERT in Flax", "flax_bert", False),
        ("Add TF RegNet", "tf_regnet", False),
        ("Fix a typo in bert", "typo", False),
    ],
)
def test_duplicates(title: str, ref: str, same: bool):
    other = pull(number=4, title=title, head_ref=ref, author=User(5, "other"))
    assert [p.number for p in duplicates(["bert"], pull(), [other, pull()])] == ([4] if same else [])


def test_the_last_verdict_of_each_reviewer_stands():
    given = [(1, "a", "APPROVED", "x"), (2, "b", "CHANGES_REQUESTED", "x"), (1, "a", "COMMENTED", "y"), (2, "b", "DISMISSED", "x"), (3, "c", "CHANGES_REQUESTED", "x"), (3, "c", "APPROVED", "y")]  # fmt: skip
    assert [(v[1], v[2], v[3]) for v in verdicts(given)] == [("a", "APPROVED", "x"), ("c", "APPROVED", "y")]


AROUND = Surroundings(reviewers=frozenset({"gante", "Rocketknight1"}))


def test_maintainers_are_asked_once_and_only_when_it_is_their_turn():
    hub = Pretend(situation(around=AROUND))
    assert not asks(hub.run("reported", report()))
    assert "Mark it as ready for review" in hub.summaries[-1]
    hub.now = replace(hub.now, pull=pull(draft=False))
    writes = hub.run("reported", report())
    assert asks(writes) == [("gante", "Rocketknight1")]
    assert not any(isinstance(write, o.CreateComment) for write in writes), "one news is enough"
    hub.pushes("c" * 40)
    hub.run("reported", replace(report("doc-table"), head="c" * 40))
    hub.pushes("d" * 40)
    assert not asks(hub.run("reported", replace(report(), head="d" * 40)))


def test_a_port_with_something_to_fix_asks_nobody():
    hub = Pretend(situation(around=AROUND, pull=pull(draft=False)))
    assert not asks(hub.run("reported", report("doc-table")))


def test_who_cannot_be_asked_is_mentioned():
    hub = Pretend(situation(around=Surroundings(), pull=pull(draft=False)))
    writes = hub.run("reported", report())
    assert not asks(writes)
    assert "@gante, @Rocketknight1, over to you" in hub.summaries[-1]


def test_the_gate_follows_reviews_without_a_push():
    hub = Pretend(situation(around=AROUND, pull=pull(draft=False)))
    hub.run("reported", report())
    assert hub.conclusion() == "neutral"
    reviews = tuple(replace(GANTE, user_id=n, login=f"r{n}") for n in (21, 22, 23))
    done = replace(AROUND, reviews=reviews, checks=(OtherCheck("ci", "success"),))
    hub.now = replace(hub.now, around=done)
    hub.run("reported", report())
    assert hub.conclusion() == "success"


def asks(writes: list[o.Write]) -> list[tuple[str, ...]]:
    return [write.logins for write in writes if isinstance(write, o.RequestReview)]


def test_items_can_be_off_or_advisory():
    config = RepositoryConfig.model_validate({"items": {"doc-table": "off", "losses": "advisory"}})
    off = configured(report("doc-table"), config)
    assert (off.findings, {i.state for i in off.items if i.id == "doc-table"}) == ((), {"not-applicable"})
    soft = configured(report("losses"), config)
    assert [(f.level) for f in soft.findings] == ["warning"]
    assert {i.state for i in soft.items if i.id == "losses"} == {"passed"}


def test_a_resting_draft_is_asked_once_whether_it_goes_on():
    hub = Pretend(situation(around=AROUND, at=NOW))
    hub.run("reported", report())
    hub.now = replace(hub.now, at=NOW + timedelta(days=29))
    assert hub.run("announced") == []
    hub.now = replace(hub.now, at=NOW + timedelta(days=31))
    (asked,) = hub.run("announced")
    assert isinstance(asked, o.CreateComment)
    assert asked.body.startswith("@ada, nothing happened here for 30 days. Does it go on?")
    hub.now = replace(hub.now, at=NOW + timedelta(days=300))
    assert hub.run("announced") == []


@pytest.mark.parametrize("config", [RepositoryConfig(remind_after_days=0), RepositoryConfig(quiet=True)])
def test_nobody_is_asked_where_that_is_not_wanted(config: RepositoryConfig):
    hub = Pretend(situation(around=AROUND, config=config))
    hub.run("reported", report())
    hub.now = replace(hub.now, at=NOW + timedelta(days=300))
    assert not [write for write in hub.run("announced") if isinstance(write, o.CreateComment)]


APPROVED = tuple(replace(GANTE, user_id=n) for n in (21, 22, 23))


@pytest.mark.parametrize(
    ("tests", "reviews", "state"),
    [
        ("passed", (), "waiting"),
        ("passed", APPROVED, "passed"),
        ("passed", tuple(replace(r, commit="c" * 40) for r in APPROVED), "waiting"),
        ("failed", APPROVED, "failed"),
        ("unverified", APPROVED, "unverified"),
    ],
)
def test_final_cross_tests_are_those_of_the_approved_head(
    tests: str, reviews: tuple[Review, ...], state: str
):
    made = report("cross-tests", tests)  # type: ignore[arg-type]
    made = replace(made, findings=())
    full = with_submission(made, pull(), RepositoryConfig(), Surroundings(reviews=reviews), asked=True)
    shown = {result.id: result.state for result in full.items}
    # Without execution in the bot, unverified tests stay what they are.
    assert shown["final-cross-tests"] == state


@pytest.mark.parametrize(
    ("reviews", "weights", "state"),
    [
        ((), None, "waiting"),
        (APPROVED, None, "failed"),
        (APPROVED, Weights({"a/b": "missing"}), "waiting"),
        (APPROVED, Weights({"a/b": "there"}), "failed"),
    ],
)
def test_from_pt_goes_after_the_approval(reviews: tuple[Review, ...], weights: Weights | None, state: str):
    made = report("from-pt-removed", "passed")
    around = Surroundings(reviews=reviews)
    full = with_submission(made, pull(), RepositoryConfig(), around, asked=True, weights=weights)
    assert next(result.state for result in full.items if result.id == "from-pt-removed") == state


@pytest.mark.parametrize(
    ("weights", "complete", "state", "reason"),
    [
        (None, True, "unverified", "nobody asked the Hub"),
        (Weights({}), True, "unverified", "names no checkpoint"),
        (
            Weights({"a/b": "there", "a/c": "missing"}),
            True,
            "waiting",
            "missing for a/c: `tfport convert a/c`",
        ),
        (
            Weights({"a/b": "there", "a/c": "unknown"}, "the Hub can't be reached"),
            True,
            "unverified",
            "can't be reached",
        ),
        (
            Weights(
                {"a/b": "missing", "a/c": "missing"}, proposed=frozenset({"a/b"}), command="/tfport convert"
            ),
            True,
            "waiting",
            "missing for a/c: `/tfport convert a/c`",
        ),
        (
            Weights({"a/b": "missing", "a/c": "unknown"}, proposed=frozenset({"a/b"})),
            True,
            "waiting",
            "proposed on the Hub, not merged yet: a/b",
        ),
        (Weights({"a/b": "there"}), True, "passed", ""),
        (Weights({"a/b": "there"}), False, "waiting", "once there is a model"),
    ],
)
def test_tf_weights(weights: Weights | None, complete: bool, state: str, reason: str):
    found = decide(weights, complete=complete)
    assert found[0] == state
    assert reason in found[1]


def test_the_hub_is_asked_once_in_a_while_and_never_waited_for_twice():
    asked: list[str] = []

    def files(name: str) -> list[str]:
        asked.append(name)
        if name == "a/down":
            raise UserError("the Hub can't be reached", hint="")
        return ["model.safetensors"]

    hub = Hub(files)

    def known(names: list[str], *, safetensors: bool) -> dict[str, str]:
        return dict(asyncio.run(hub.weights(names, reads_safetensors=safetensors)).known)

    assert known(["a/b", "a/down", "a/c"], safetensors=True) == {
        "a/b": "there",
        "a/down": "unknown",
        "a/c": "unknown",
    }
    assert known(["a/b"], safetensors=True) == {"a/b": "there"}
    assert asked == ["a/b", "a/down"]
    assert known(["a/b"], safetensors=False) == {"a/b": "missing"}
