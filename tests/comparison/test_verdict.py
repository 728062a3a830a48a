"""From arrays to the verdict, the entry and the state of the item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from checks.comparison.case import PLAIN, Case, Variant, case_of, left, raised, variants
from checks.comparison.comparison import Comparison, Outcome
from checks.comparison.outputs import absent, gap, gaps
from checks.comparison.policy import Gap, blocks, differs, figure
from checks.comparison.raised import Raised


def outcome(relative: float, **options: object) -> Outcome:
    return Outcome(PLAIN, (Gap("logits", relative, relative),), **options)  # type: ignore[arg-type]


def comparison(*outcomes: Outcome, **options: object) -> Comparison:
    return Comparison("TFBertModel", "tf-tester", outcomes=outcomes, **options)  # type: ignore[arg-type]


# -- arrays ------------------------------------------------------------------------------------------------------------


def test_a_difference_is_measured_on_the_outputs_own_scale() -> None:
    found = gap("logits", np.array([1000.0, 2.0]), np.array([1000.0, 2.1]))
    assert found.absolute == pytest.approx(0.1)
    assert found.relative == pytest.approx(1e-4)


def test_fillers_are_equal_whatever_they_are() -> None:
    assert gap("scores", np.array([-1e4, 1.0]), np.array([-np.inf, 1.0])).relative == 0
    assert gap("scores", np.array([-1e4, 1.0]), np.array([0.0, 1.0])).relative > 1


def test_nan_on_one_side_differs_and_on_both_not() -> None:
    assert gap("x", np.array([np.nan]), np.array([np.nan])).relative == 0
    assert "NaN" in gap("x", np.array([1.0]), np.array([np.nan])).why


def test_shapes_have_to_agree() -> None:
    found = gap("logits", np.zeros((2, 3)), np.zeros((3, 2)))
    assert found.relative == np.inf
    assert found.text() == "logits: has shape [3, 2], in PyTorch [2, 3]"


def test_a_loss_for_each_sample_is_its_mean() -> None:
    assert gap("loss", np.array(2.0), np.array([1.0, 3.0])).relative == 0
    assert gap("loss", np.array(2.0), np.array([1.0, 2.0])).relative > 0
    assert not gaps({"loss": np.array(np.inf)}, {"loss": np.array(7.0)})


def test_padded_positions_mean_nothing() -> None:
    mask = np.array([[0, 1, 1], [1, 1, 1]])
    one, other = np.ones((2, 3, 4)), np.ones((2, 3, 4))
    other[0, 0] = 9
    assert gaps({"h": one}, {"h": other}, mask)[0].relative == 0
    other[0, 1] = 9
    assert gaps({"h": one}, {"h": other}, mask)[0].relative > 0
    assert gaps({"pooled": np.ones((2, 4))}, {"pooled": np.zeros((2, 4))}, mask)[0].relative == 0


def test_outputs_of_one_side_only_are_named_once() -> None:
    one = {"logits": np.zeros(1), "past_key_values[0][0]": np.zeros(1), "past_key_values[0][1]": np.zeros(1)}
    assert absent(one, {"logits": np.zeros(1), "mems[0]": np.zeros(1)}) == (("past_key_values",), ("mems",))


# -- policy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relative", "different", "blocking"),
    [
        (0.0, False, False),
        (3e-12, False, False),
        (1e-8, True, False),
        (3e-6, True, False),
        (1e-4, True, True),
    ],
)
def test_rounding_small_defects_and_what_the_guide_forbids(
    relative: float, different: bool, blocking: bool
) -> None:
    assert differs(Gap("x", relative), "float64") is different
    found = comparison(outcome(relative))
    assert found.state == ("different" if different else "equal")
    assert found.blocks is blocking
    assert blocks(Gap("x", relative)) is blocking


def test_in_float32_rounding_is_no_difference() -> None:
    assert comparison(outcome(5e-5, precision="float32")).state == "equal"
    assert comparison(outcome(5e-3, precision="float32")).state == "different"


def test_a_call_that_raises_differs() -> None:
    found = comparison(Outcome(PLAIN, raised=Raised("ValueError: no")))
    assert (found.state, found.blocks) == ("different", True)
    assert found.reason == "the call raises ValueError: no"


def test_a_tuple_in_another_order_decides_nothing() -> None:
    wrong = Outcome(
        Variant("tuple", "with return_dict=False", tuple=True), (Gap("[0]", np.inf, np.inf, "has"),)
    )
    assert comparison(outcome(0.0), wrong).state == "equal"


def test_nothing_compared_is_never_equal() -> None:
    assert Comparison("TFX", unmade="no tester").state == "unverified"
    assert Comparison("TFX", trouble="the candidate died").state == "error"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.14e-4, "3e-4"),
        (0.85, "0.85"),
        (1.7, "1.7"),
        (float("inf"), "infinity"),
        (12345.0, "1e4"),
    ],
)
def test_figures(value: float, text: str) -> None:
    assert figure(value) == text


# -- entry -------------------------------------------------------------------------------------------------------------


def test_an_entry_has_both_figures_and_is_json() -> None:
    import json

    guide = Outcome(PLAIN, (Gap("logits", 1e-7, 2e-7),), precision="float32")
    states = tuple(Gap(f"hidden_states[{n}]", 1e-4 * n, 1e-4 * n) for n in range(3))
    entry = comparison(
        Outcome(PLAIN, (*states, Gap("loss", np.inf, np.inf, "has shape"))), guide=guide
    ).entry()
    assert entry["difference"] == {"float64": None, "float32": 2e-7}
    assert [step[0] for step in entry["profile"]] == [f"hidden_states[{n}]" for n in range(3)]
    json.loads(json.dumps(entry, allow_nan=False))


# -- cases -------------------------------------------------------------------------------------------------------------


def test_dropouts_of_all_parts_are_raised_and_nothing_else() -> None:
    config = {
        "hidden_dropout_prob": 0.0,
        "attention_dropout": 0,
        "resid_pdrop": 0.2,
        "layerdrop": 0.0,
        "dropout": None,
        "vision_config": {"drop_path_rate": 0.0, "initializer_range": 0.0},
    }
    new = raised(config)
    assert new["hidden_dropout_prob"] == new["attention_dropout"] == 0.1
    assert new["vision_config"] == {"drop_path_rate": 0.1, "initializer_range": 0.0}
    assert (new["resid_pdrop"], new["layerdrop"], new["dropout"]) == (0.2, 0.0, None)


def test_a_malformed_case_is_none() -> None:
    assert isinstance(case_of("TFX", {"config": [1], "strategy": "tf-tester"}), str)
    assert isinstance(case_of("TFX", {"config": {"a": 1}, "strategy": "guess"}), str)
    assert "no tester" in str(case_of("TFX", {"unmade": {"tf-tester": "no tester"}}))
    assert isinstance(case_of("TFX", {"config": {"a": 1}, "strategy": "tf-tester"}), Case)


def test_ways_to_call_follow_from_the_inputs() -> None:
    mask = np.ones((2, 6), np.int32)
    case = Case("TFX", "tf-tester", {}, {"input_ids": mask, "attention_mask": mask})
    ids = [way.id for way in variants(case)]
    assert ids == ["plain", "no-mask", "left-padding", "tuple"]
    labelled = replace(case, labels={"labels": mask}, inputs={"pixel_values": mask})
    assert [way.id for way in variants(labelled)] == ["plain", "labels", "tuple"]
    assert left(mask).tolist() == [[0, 0, 1, 1, 1, 1], [1] * 6]
