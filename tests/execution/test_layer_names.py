"""From a weight without a partner to the `name=` that is wrong."""

from __future__ import annotations

import pytest

from checks.execution.layer_names import differing, locate

PATH = "src/transformers/models/lantern/modeling_tf_lantern.py"
SOURCE = """
class TFLanternLayer(tf.keras.layers.Layer):
    def __init__(self, config, **kwargs):
        self.dense = tf.keras.layers.Dense(8, name="linear")
        self.norm = tf.keras.layers.LayerNormalization(name="norm")
        self.blocks = [TFLanternBlock(name=f"block.{i}") for i in range(2)]

    def build(self, input_shape):
        self.gamma = self.add_weight("scale", shape=[8])


class TFLanternPooler(tf.keras.layers.Layer):
    def __init__(self, config, **kwargs):
        self.dense = tf.keras.layers.Dense(8, name="linear")
"""
TEXTS = {PATH: SOURCE}
WAY = (("TFLanternModel", "encoder"), ("TFLanternLayer", "dense"), ("Dense", "kernel"))


@pytest.mark.parametrize(
    ("name", "nearest", "found"),
    [
        ("a.attn.weight", "a.attention.weight", ("attn", "attention")),
        ("a.b.c", "a.b", ("", "")),
        ("a.b.c", "a.x.y", ("", "")),
        ("a.b", "a.b", ("", "")),
    ],
)
def test_the_part_that_differs(name: str, nearest: str, found: tuple[str, str]) -> None:
    assert differing(name, nearest) == found


def test_the_argument_in_the_class_on_the_way() -> None:
    place = locate(TEXTS, "encoder.0.linear.weight", "encoder.0.dense.weight", WAY)
    assert place is not None
    assert (place.line, place.symbol, place.wrong, place.right) == (4, "TFLanternLayer", "linear", "dense")
    (edit,) = place.edits
    line = SOURCE.split("\n")[edit.start[0] - 1]
    assert line[: edit.start[1] - 1] + edit.text + line[edit.end[1] - 1 :] == line.replace(
        '"linear"', '"dense"'
    )


def test_without_a_way_an_ambiguous_name_is_not_guessed() -> None:
    assert locate(TEXTS, "encoder.0.linear.weight", "encoder.0.dense.weight", ()) is None
    place = locate(TEXTS, "encoder.0.norm.weight", "encoder.0.layernorm.weight", ())
    assert place is not None
    assert place.line == 5


def test_names_made_of_pieces_have_no_edit() -> None:
    place = locate(TEXTS, "encoder.block.0.weight", "encoder.blocks.0.weight", WAY)
    assert place is not None
    assert (place.line, place.edits) == (6, ())


def test_weights_of_the_layer_itself() -> None:
    place = locate(TEXTS, "encoder.scale", "encoder.gamma", (("TFLanternLayer", "gamma"),))
    assert place is not None
    assert (place.line, place.right) == (9, "gamma")


def test_no_counterpart_leads_to_the_statement_that_makes_the_layer() -> None:
    place = locate(TEXTS, "encoder.0.linear.weight", "", WAY)
    assert place is not None
    assert (place.line, place.right, place.edits) == (4, "", ())


def test_a_made_up_way_leads_nowhere() -> None:
    assert locate(TEXTS, "a.b", "", (("NoSuchClass", "x"),)) is None
    assert locate({PATH: "def"}, "a.linear.weight", "a.dense.weight", WAY) is None
