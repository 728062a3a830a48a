"""What follows from what the two sides saw in training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.comparison.training import Spot, findings, seen

PATH = "src/transformers/models/ant/modeling_tf_ant.py"
SPOT = Spot("TFAntModel", PATH, 200, frozenset({PATH}))
WEIGHT, TIED = "ant.layer.weight", "ant.embeddings.weight"


def drop(owner: str, acted: int, calls: int = 2, *, line: int = 0) -> dict[str, Any]:
    tf = owner.startswith("TF")
    owners = ["TFAntModel", "TFAntMainLayer", owner] if tf else ["AntModel", owner]
    place = [PATH, line] if tf else ["", 0]
    return {"owners": owners, "kind": "Dropout", "place": place, "rate": 0.1, "calls": calls, "acted": acted}


def pytorch(**changed: Any) -> dict[str, Any]:
    return {
        "evaluation": [drop("AntLayer", 0)],
        "training": [drop("AntLayer", 2)],
        "deterministic": True,
        "classes": ["AntModel", "AntLayer"],
        "norms": {"bn.running_mean": {"before": [0.0, 1.0], "after": [0.1, 0.9], "momentum": 0.1}},
        "loss": 1.0,
        "trained": [[WEIGHT], [TIED, "head.weight"]],
        **changed,
    }


def tensorflow(**changed: Any) -> dict[str, Any]:
    return {
        "evaluation": [drop("TFAntLayer", 0, line=31)],
        "training": [drop("TFAntLayer", 2, line=31)],
        "deterministic": True,
        "defaults_to_training": False,
        "classes": ["TFAntModel", "TFAntMainLayer", "TFAntLayer"],
        "norms": {"bn.running_mean": {"before": [0.0, 1.0], "after": [0.1, 0.9]}},
        "loss": 1.0,
        "trained": [WEIGHT, TIED],
        "untrained": [],
        "problem": "",
        **changed,
    }


def found(theirs: dict[str, Any], ours: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    return [(f.level, f.line, f.symbol, f.message) for f in findings(SPOT, seen(theirs), seen(ours))]


def test_equal_behaviour_brings_nothing() -> None:
    assert found(pytorch(), tensorflow()) == []


@pytest.mark.parametrize(
    ("ours", "level", "line", "message"),
    [
        ({"evaluation": [drop("TFAntLayer", 2, line=31)]}, "error", 31, "TFAntLayer drops values with training=False"),
        ({"deterministic": False}, "error", 200, "two equal calls of TFAntModel with training=False give different outputs"),
        ({"defaults_to_training": True}, "error", 200, "TFAntModel trains when it is called without the flag"),
        ({"training": [drop("TFAntLayer", 0, line=31)]}, "error", 31, "the Dropout of TFAntLayer stays off with training=True"),
        ({"training": []}, "warning", 200, "PyTorch's AntLayer drops 2 times in training, TFAntLayer never"),
        ({"training": [drop("TFAntLayer", 4, 4, line=31)]}, "warning", 31, "in training TFAntLayer drops 4 times, PyTorch's AntLayer 2 times"),
        ({"norms": {"bn.running_mean": {"before": [0, 1], "after": [0, 1]}}}, "error", 200, "the running statistics of bn.running_mean stand still with training=True"),
        ({"norms": {"bn.running_mean": {"before": [0, 1], "after": [0.9, 0.1]}}}, "warning", 200, "the running statistics of bn.running_mean move as with momentum 0.1"),
        ({"loss": float("nan")}, "error", 200, "the loss of TFAntModel is nan after one step of fit"),
        ({"trained": [TIED], "untrained": [WEIGHT]}, "error", 200, "no gradient reaches ant.layer.weight of TFAntModel"),
        ({"problem": "ValueError: no\nlabels"}, "warning", 200, "TFAntModel raises in training: ValueError: no labels"),
    ],
)  # fmt: skip
def test_what_differs_is_told(ours: dict[str, Any], level: str, line: int, message: str) -> None:
    (one,) = found(pytorch(), tensorflow(**ours))
    assert (one[0], one[1], one[3]) == (level, line, message)


def test_a_tied_weight_is_trained_by_one_of_its_variables() -> None:
    assert found(pytorch(), tensorflow(trained=[WEIGHT, "head.weight"], untrained=[TIED])) == []


def test_what_pytorch_does_itself_is_no_fault() -> None:
    assert found(pytorch(deterministic=False), tensorflow(deterministic=False)) == []
    assert (
        found(pytorch(evaluation=[drop("AntLayer", 2)]), tensorflow(evaluation=[drop("TFAntLayer", 2)])) == []
    )
    assert found(pytorch(trained=[]), tensorflow(trained=[], untrained=[WEIGHT])) == []


def test_a_class_that_one_side_lacks_counts_with_the_one_around_it() -> None:
    theirs = pytorch(training=[drop("AntDropper", 2)], classes=["AntModel", "AntLayer", "AntDropper"])
    assert found(theirs, tensorflow(training=[drop("TFAntInner", 2, line=9)])) == []


def test_means_that_did_not_move_alike_bring_no_momentum() -> None:
    other = {"bn.running_mean": {"before": [0, 1], "after": [0.9, 0.95]}}
    assert found(pytorch(), tensorflow(norms=other)) == []


def test_a_place_outside_of_the_port_is_not_believed() -> None:
    strange = {**drop("TFAntLayer", 2), "place": ["/etc/passwd", 1]}
    (one,) = findings(SPOT, seen(pytorch()), seen(tensorflow(evaluation=[strange])))
    assert (one.path, one.line) == (PATH, 200)


@pytest.mark.parametrize(
    "said",
    [None, [], {"norms": [], "training": {}, "loss": "x"}, {"training": [1, {"place": 4}], "norms": {"a": {"before": ["x"]}}}],
)  # fmt: skip
def test_malformed_words_bring_nothing(said: object) -> None:
    assert findings(SPOT, replace(seen(pytorch()), norms={}, training=(), trained=()), seen(said)) == []
