"""Which layer of TensorFlow is which module of PyTorch."""

from __future__ import annotations

from checks.harness.match import Layer, match
from checks.harness.record import Module

MODULES = [
    Module("", "BertModel"),
    Module("layer", "ModuleList"),
    Module("layer.0", "BertLayer"),
    Module("layer.0.self", "BertSelfAttention"),
    Module("layer.0.self.query", "Linear", parameters={"weight": [4, 4]}),
    Module("layer.0.self.key", "Linear", parameters={"weight": [4, 4]}),
    Module("layer.0.self.dropout", "Dropout"),
    Module("layer.0.act", "GELUActivation"),
    Module("layer.0.norm", "LayerNorm", parameters={"weight": [4], "bias": [4]}),
]


def layers(query: str, key: str) -> list[Layer]:
    weights = [f"layer.0.self.{query}.weight", f"layer.0.self.{key}.weight"]
    norm = ["layer.0.norm.weight", "layer.0.norm.bias"]
    return [
        Layer("", "TFBertModel", [], [*weights, *norm]),
        Layer("bert", "TFBertMainLayer", [], [*weights, *norm]),
        Layer("bert.layer.0", "TFBertLayer", [], [*weights, *norm]),
        Layer("bert.layer.0.self_attention", "TFBertSelfAttention", [], weights),
        Layer("bert.layer.0.self_attention.query", "Dense", [weights[0]], [weights[0]]),
        Layer("bert.layer.0.self_attention.key", "Dense", [weights[1]], [weights[1]]),
        Layer("bert.layer.0.self_attention.drop", "Dropout"),
        Layer("bert.layer.0.norm", "LayerNormalization", norm, norm),
    ]


def test_weights_names_and_order() -> None:
    found = match(layers("query", "key"), MODULES)
    assert found["bert.layer.0"] == "layer.0"
    assert found["bert.layer.0.self_attention"] == "layer.0.self"
    assert found["bert.layer.0.self_attention.query"] == "layer.0.self.query"
    assert found["bert.layer.0.self_attention.drop"] == "layer.0.self.dropout"
    assert found["bert.layer.0.norm"] == "layer.0.norm"


def test_a_weight_decides_against_the_attribute() -> None:
    found = match(layers("key", "query"), MODULES)
    assert found["bert.layer.0.self_attention.query"] == "layer.0.self.key"


def test_what_owns_weights_is_no_twin_of_what_has_none() -> None:
    found = match([Layer("", "TFBertModel"), Layer("layer.0.act", "Dense", ["x"], ["x"])], MODULES)
    assert "layer.0.act" not in found


def test_layers_of_a_list_that_is_called_otherwise() -> None:
    layers = [Layer("", "TFX", built=False), *(Layer(f"stages.{n}", "TFXLayer", built=False) for n in (0, 1))]
    modules = [Module("", "X"), *(Module(f"layers.{n}", "XLayer") for n in (0, 1))]
    assert match(layers, modules) == {"": "", "stages.0": "layers.0", "stages.1": "layers.1"}
