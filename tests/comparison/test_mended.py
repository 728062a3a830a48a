"""What experiments rest on: which values are put where, which calls are drawn anew, which weights are meant."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from checks.comparison.case import PLAIN, Case, Variant, redrawn
from checks.harness.cases import prepared
from checks.harness.forced import Forcing, _put
from checks.harness.load import own_weight
from checks.harness.misnamed import _differing
from checks.harness.record import Event


def test_one_tensor_under_two_outputs_gets_two_values() -> None:
    last = object()
    value = {"last_hidden_state": last, "hidden_states": (object(), last)}
    put = _put(value, {("last_hidden_state",): "A", ("hidden_states", 1): "B"})
    assert put["last_hidden_state"] == "A"
    assert put["hidden_states"][1] == "B"


def test_a_head_with_a_function_called_activation_is_no_dense() -> None:
    head = type("TFHead", (), {"__module__": "transformers.models.x.modeling_tf_x", "activation": np.tanh})
    event = Event("predictions", "Head", 0, 0, -1, {}, np.ones(3))
    forcing = Forcing(None, {}, {}, 1e-8)
    assert forcing._reference(head(), event) is event.output


def test_patches_are_hidden_alike_in_each_row() -> None:
    mask = prepared({"bool_masked_pos": np.zeros((3, 8), np.int32)}, 0)["bool_masked_pos"]
    assert set(np.unique(mask)) == {0, 1}
    assert (mask == mask[0]).all()


def test_a_call_is_drawn_anew_without_its_masks() -> None:
    given = {
        "pixel_values": np.ones((1, 2)),
        "input_ids": np.array([[1, 2]]),
        "attention_mask": np.ones((1, 2)),
    }
    again = redrawn(Case("TFX", "tf-tester", {}, given), PLAIN)
    assert set(again.set) == {"pixel_values", "input_ids"}
    assert again.set["input_ids"].tolist() == [[2, 1]]
    assert (
        "input_ids" not in redrawn(Case("TFX", "tf-tester", {}, given), Variant("x", drop=("input_ids",))).set
    )


def test_weights_by_the_place_in_their_layer() -> None:
    weights = {"conv.weight": np.zeros((4, 3, 2, 2)), "norm.running_mean": np.ones(4)}
    kernel = SimpleNamespace(name="a/conv/kernel:0", shape=(2, 2, 3, 4))
    mean = SimpleNamespace(name="a/norm/moving_mean:0", shape=(4,))
    assert own_weight(weights, "conv", kernel).shape == (2, 2, 3, 4)  # type: ignore[union-attr]
    assert own_weight(weights, "norm", mean) is not None
    assert own_weight(weights, "other", mean) is None


def test_the_part_of_a_name_that_leads_elsewhere() -> None:
    assert _differing("pooler.denses.weight", "pooler.dense.weight") == ("denses", "dense")
