"""The texts of `/tfport fix` and of conversions, as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.conversion import LIMIT, Outcome, outcome
from bot.render import conversion, replies
from bot.repair import MOST_PATCH, Repaired
from checks.execution.convert import Conversion
from tests.fixtures.pretend import situation
from tests.test_conversion import order

PATCH = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-```\n+<!-- tfport:decision {} -->\n"
REPAIRED = {
    "nothing": Repaired("nothing"),
    "nothing, one left": Repaired("nothing", left=1),
    "patch": Repaired(
        "patch", patch=PATCH, why="the app may not write here", rules=("tf-prefix", "losses"), left=2
    ),
    "patch too long": Repaired(
        "patch", patch="+" * (MOST_PATCH + 1), why="it is @gante's fork", rules=("losses",)
    ),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_repaired(name: str, snapshot: SnapshotAssertion):
    assert replies.repaired(situation(), REPAIRED[name]) == snapshot


def test_repaired_by_a_click(snapshot: SnapshotAssertion):
    done = Repaired("patch", by="ada_@x", patch="+x\n", why="the app may not write here", rules=("losses",))
    assert replies.repaired(situation(), done, clicked=True) == snapshot


def test_a_pushed_fix_says_nothing():
    assert replies.repaired(situation(), Repaired("pushed", sha="a" * 40, rules=("losses",))) == ""


URL = "http://hub/org/name/discussions/3"
CAME: dict[str, Outcome] = {
    "proposed": outcome("proposed", number=3, url=URL, outputs=2e-6, hidden=1.5e-6),
    "proposed before": outcome("proposed", number=3, url=URL),
    "merged": outcome("merged", number=3, url=URL),
    "closed": outcome("closed", number=3, url=URL),
    "superseded": outcome("superseded"),
    "failed": outcome("failed", "TFX differs by 3e-4 in `logits` @all <b> (tfport compare finds the layer)"),
}


@pytest.mark.parametrize("name", CAME)
def test_converted(name: str, snapshot: SnapshotAssertion):
    assert replies.converted(order(), CAME[name]) == snapshot


def test_converted_with_a_larger_difference(snapshot: SnapshotAssertion):
    wide = order(limit=1e-3, by="gante", reason="Logits of 40 @all")
    assert replies.converted(wide, CAME["proposed"]) == snapshot


def test_under_way_and_refused(snapshot: SnapshotAssertion):
    assert replies.converting("org/name", "building `x` for @all") == snapshot
    assert replies.not_converted("org/name", "a conversion of it is under way") == snapshot


FOUND = Conversion(
    "org/name",
    "TFBertForMaskedLM",
    {"logits": 2e-6, "lo`g|its @all": 1e-6},
    {"hidden_states_1": 1e-6},
    {"logits": 2e-6},
    (Path("tf_model.h5"),),
)


def test_the_pull_request_on_the_hub(snapshot: SnapshotAssertion):
    source = "https://github.com/huggingface/transformers/pull/5"
    assert conversion.description(FOUND, limit=LIMIT, source=source, revision="a" * 40) == snapshot


def test_the_pull_request_on_the_hub_with_a_larger_difference(snapshot: SnapshotAssertion):
    wide = conversion.description(
        FOUND, limit=LIMIT, by="gante", reason="Logits of 40 @all <b>", maintainers=("x",)
    )
    assert wide == snapshot


def test_the_reminder(snapshot: SnapshotAssertion):
    assert conversion.reminder(14) == snapshot
