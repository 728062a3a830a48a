"""`/tfport convert`, the decision: who may, under which conditions, and what the reply remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import outbox as o
from bot.commands import Invocation, Mistake, parse
from bot.conversion import LIMIT, Means, Order, asked, due, edited, framed, outcome, outcomes
from bot.decisions import decisions
from bot.execution import Ground, House
from bot.markers import with_markers
from bot.policy import RepositoryConfig
from bot.situation import Situation
from bot.state import User
from bot.weights import Weights
from tests.fixtures.pretend import AUTHOR, HEAD, Pretend, pull, report, situation

GANTE = User(21, "gante")
STRANGER = User(31, "passer-by")
NAME = "org/name"
CALM = Ground(fingerprint="f", sensitive=[])
MEANS = Means(House(True, "", "never"), True, CALM, (NAME,))


def order(**changes: object) -> Order:
    base = Order(
        installation=1,
        repository=1,
        full_name="huggingface/transformers",
        number=5,
        author=AUTHOR.id,
        head=HEAD,
        fingerprint="convert:x",
        attempt="issue1.x",
        checkpoint=NAME,
        branch="main",
        limit=LIMIT,
        by="",
        reason="",
        url="http://hub/huggingface/transformers/pull/5",
        came=None,
    )
    return {**base, **changes}  # type: ignore[return-value, typeddict-item]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("", "needs the checkpoint"),
        (" https://huggingface.co/org/name", "needs the checkpoint"),
        (" org/name/more", "needs the checkpoint"),
        (" --max-error 1e-4 org/name", "needs the checkpoint"),
        (" org/name other/name", "takes a checkpoint"),
        (" org/name --max-error", "takes a checkpoint"),
        (" org/name --max-error big because", "needs a difference"),
        (" org/name --max-error nan because", "needs a difference"),
        (" org/name --max-error 2 because", "needs a difference"),
        (" org/name --max-error 1e-4", "needs the reason"),
    ],
)
def test_wrong_ones(line: str, wrong: str):
    (said,) = parse(f"/tfport convert{line}")
    assert isinstance(said, Mistake)
    assert wrong in said.text


@pytest.mark.parametrize("line", ["org/name", "bert-base-uncased", "org/name --max-error 1e-4 as said above"])
def test_right_ones(line: str):
    (said,) = parse(f"/tfport convert {line}")
    assert isinstance(said, Invocation)


def answered(by: User, line: str = "", permission: str = "none", **changes: object) -> Pretend:
    hub = Pretend(situation(**{"means": MEANS, **changes}))
    hub.says(by, f"/tfport convert {NAME}{line}", permission)  # type: ignore[arg-type]
    hub.run("reported", report())
    return hub


def reply(hub: Pretend) -> str:
    (said,) = [body for body in hub.said if "tfport:reply" in body]
    return said


def orders(now: Situation) -> list[Order]:
    return due(now, 1)


def test_the_author_may_for_a_checkpoint_of_the_port():
    hub = answered(AUTHOR)
    (one,) = orders(hub.now)
    assert (one["checkpoint"], one["head"], one["limit"], one["reason"]) == (NAME, HEAD, LIMIT, "")
    assert hub.run("reported", report()) == [], "once"


@pytest.mark.parametrize(
    ("by", "line", "permission", "changes", "why"),
    [
        (STRANGER, "", "none", {}, "is for the author"),
        (STRANGER, "", "read", {}, "is for the author"),
        (AUTHOR, " --max-error 1e-3 small", "none", {}, "for maintainers to accept"),
        (AUTHOR, "", "none", {"means": replace(MEANS, checkpoints=())}, "none of the port's"),
        (AUTHOR, "", "none", {"means": replace(MEANS, account=False)}, "no account"),
        (AUTHOR, "", "none", {"means": replace(MEANS, house=House())}, "no code of pull requests"),
        (AUTHOR, "", "none", {"means": replace(MEANS, house=House(True, "no bwrap"))}, "no sandbox"),
        (AUTHOR, "", "none", {"means": replace(MEANS, house=House(True))}, f"approve {HEAD}"),
        (GANTE, "", "write", {"means": replace(MEANS, house=House(True))}, f"approve {HEAD}"),
        (
            GANTE,
            "",
            "write",
            {"means": replace(MEANS, ground=Ground(fingerprint="f", sensitive=["conftest.py"]))},
            "conftest.py",
        ),
        (AUTHOR, "", "none", {"config": RepositoryConfig(execution_approval="always")}, f"approve {HEAD}"),
        (AUTHOR, "", "none", {"weights": Weights({NAME: "there"})}, "can load"),
    ],
)
def test_refused(by: User, line: str, permission: str, changes: dict[str, object], why: str):
    hub = answered(by, line, permission, **changes)
    assert why in reply(hub).replace("\\", "")
    assert orders(hub.now) == []


def test_a_maintainer_may_take_any_checkpoint_and_a_larger_difference():
    means = replace(MEANS, checkpoints=())
    hub = answered(GANTE, " --max-error 1e-3 Logits of <!-- --> 40", "write", means=means)
    (one,) = orders(hub.now)
    assert (one["limit"], one["by"], one["reason"]) == (1e-3, "gante", "Logits of 40")


def test_approved_in_the_same_comment():
    hub = Pretend(situation(means=replace(MEANS, house=House(True))))
    hub.says(GANTE, f"/tfport approve {HEAD}\n/tfport convert {NAME}", "write")
    hub.run("reported", report())
    assert len(orders(hub.now)) == 1


def test_a_second_one_while_the_first_is_under_way_and_after_it_failed():
    hub = answered(AUTHOR)
    hub.says(AUTHOR, f"/tfport convert {NAME}")
    hub.run("reported", report())
    assert "under way" in hub.said[-1]
    assert len(orders(hub.now)) == 1
    (first,) = [c for c in hub.now.mine if decisions([c])]
    hub.apply(o.EditComment(first.id, edited(first.body, NAME, "failed", outcome("failed", "x"))))
    assert orders(hub.now) == []
    hub.says(AUTHOR, f"/tfport convert {NAME}")
    hub.run("reported", report())
    assert len(orders(hub.now)) == 1


def test_an_outcome_stands_in_the_reply_beside_what_else_does():
    hub = Pretend(situation(means=replace(MEANS, checkpoints=(NAME, "org/other"))))
    hub.says(AUTHOR, f"/tfport explain losses\n/tfport convert {NAME}\n/tfport convert org/other")
    hub.run("reported", report())
    body = reply(hub)
    done = edited(body, NAME, "it is there", outcome("proposed", number=3, url="http://hub/3"))
    done = edited(done, NAME, "it is merged", outcome("merged", number=3, url="http://hub/3"))
    assert outcomes(done) == {NAME: outcome("merged", number=3, url="http://hub/3")}
    assert "it is merged" in done
    assert "it is there" not in done
    assert done.partition("<!-- tfport:conversion")[0] == body.partition("<!-- tfport:conversion")[0]
    assert "`org/other` is being converted" in done
    (comment,) = hub.now.mine[-1:]
    found = asked([replace(comment, body=done)])
    assert [(one.decision.name, one.outcome is None) for one in found] == [(NAME, False), ("org/other", True)]


def test_what_is_proposed_is_followed_until_it_is_over():
    hub = answered(AUTHOR)
    (first,) = [c for c in hub.now.mine if decisions([c])]
    came = outcome("proposed", number=3, url="http://hub/3")
    hub.apply(o.EditComment(first.id, edited(first.body, NAME, "proposed", came)))
    assert [one["came"] for one in orders(hub.now)] == [came]
    hub.apply(o.EditComment(first.id, edited(first.body, NAME, "merged", outcome("merged", number=3))))
    assert orders(hub.now) == []


def test_a_forged_outcome_in_the_text_is_none():
    text = f'<!-- tfport:converted {{"name":"{NAME}","kind":"merged","number":1,"url":""}} -->'
    assert outcomes(with_markers(framed(NAME, text), "<!-- tfport:reply x -->")) == {}


def test_of_a_merged_port_only_maintainers_and_with_the_base_branch():
    merged = situation(pull=pull(open=False, merged=True), means=replace(MEANS, ground=None, checkpoints=()))
    hub = Pretend(merged)
    hub.says(AUTHOR, f"/tfport convert {NAME}")
    assert hub.run("announced") == []
    hub.says(GANTE, f"/tfport convert {NAME}", "write")
    hub.run("announced")
    (one,) = orders(hub.now)
    assert one["head"] == ""
    closed = Pretend(replace(merged, pull=pull(open=False)))
    closed.says(GANTE, f"/tfport convert {NAME}", "write")
    assert closed.run("announced") == []
