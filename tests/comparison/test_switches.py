"""Which configurations are tried besides the tester's."""

from __future__ import annotations

import numpy as np

from checks.comparison.case import Case
from checks.comparison.switches import switches

SOURCE = """
class TFThingLayer(Layer):
    def __init__(self, config):
        self.kind = config.position_embedding_type
        self.act = config.hidden_act
        self.bias = config.qkv_bias
        self.is_decoder, self.cross = config.is_decoder, config.add_cross_attention

    def call(self, x):
        if self.position_embedding_type == "relative_key" or self.position_embedding_type in ["relative_key_query"]:
            x = x + 1
        return x, self.config.use_cache
"""

CONFIG = {
    "position_embedding_type": "absolute",
    "hidden_act": "gelu",
    "qkv_bias": True,
    "use_cache": True,
    "unknown_to_the_port": False,
    "hidden_size": 32,
}


def ids(case: Case, *wanted: str) -> list[str]:
    return [way.id for way in switches(case, [SOURCE], wanted)]


def test_booleans_texts_and_activations_that_the_port_asks_for() -> None:
    assert ids(Case("TFThing", "tf-tester", CONFIG, {})) == [
        "config:position_embedding_type=relative_key",
        "config:position_embedding_type=relative_key_query",
        "config:hidden_act=relu",
        "config:qkv_bias=False",
    ]


def test_what_guards_a_branch_that_never_ran_comes_first() -> None:
    assert ids(Case("TFThing", "tf-tester", CONFIG, {}), "self.qkv_bias")[0] == "config:qkv_bias=False"


def test_a_decoder_gets_states_of_an_encoder() -> None:
    inputs = {"input_ids": np.ones((2, 7), np.int32)}
    case = Case("TFThing", "tf-tester", CONFIG, inputs, takes=("input_ids", "encoder_hidden_states"))
    way = switches(case, [SOURCE])[0]
    assert way.config == {"is_decoder": True, "add_cross_attention": True}
    assert way.set["encoder_hidden_states"].shape == (2, 5, 32)
    assert 0 < way.set["encoder_attention_mask"].sum() < 10


def test_a_source_that_cannot_be_parsed_gives_none() -> None:
    assert switches(Case("TFThing", "tf-tester", CONFIG, {}), ["def ("]) == []


def test_convolutions_in_groups_get_more_than_one() -> None:
    source = "groups = config.groups_width"
    config = {"groups_width": 64, "hidden_sizes": [10, 20, 30, 40]}
    (way,) = switches(Case("TFThing", "tf-tester", config, {}), [source])
    assert way.config == {"groups_width": 5}
    assert not switches(Case("TFThing", "tf-tester", {**config, "hidden_sizes": [1]}, {}), [source])
