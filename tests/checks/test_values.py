"""What an argument amounts to, however it is written."""

from __future__ import annotations

import ast

import pytest

from checks.source.layers import class_layers
from checks.source.values import Value, config_facts, known_names, literal, scope

_CLASS = """
class Layer:
    def __init__(self, config, stride=1, patch_size=None):
        hidden_size = config.hidden_size
        image_size, depth = config.image_size, config.depth
        patch_size = patch_size if isinstance(patch_size, Iterable) else (patch_size, patch_size)
        twice = 1
        twice = 2
        self.heads = config.num_heads
        self.head_dim = int(hidden_size / self.heads)
        self.config = config
"""


def value(expression: str, synonyms: dict[str, str] | None = None) -> Value:
    here = scope(class_layers(_CLASS)["Layer"], "__init__", synonyms)
    found = here.value(ast.parse(expression, mode="eval").body)
    assert found is not None, expression
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("config.hidden_size * 4", "4 * hidden_size"),
        ("self.head_dim * self.heads", "config.hidden_size"),
        ("self.config.hidden_size", "text_config.hidden_size"),
        ("(3, 3)", "3"),
        ("1e-5", "0.00001"),
        ("depth", "config.depth"),
        ("config.sizes[i]", "config.sizes[layer_id]"),
        ("config.hidden_size // 2", "int(config.hidden_size * 0.5)"),
        ("stride", "stride"),
        ("hidden_size**-0.5", "config.hidden_size ** -0.5"),
    ],
)
def test_the_same_value(one: str, other: str):
    assert value(one).equals(value(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("config.hidden_size", "config.intermediate_size"),
        ("config.hidden_size", "768"),
        ("(3, 1)", "3"),
        ("True", "1"),
        ("'valid'", "'same'"),
        ("config.sizes[0]", "config.sizes[1]"),
        ("config.kernels[i]", "config.strides[i]"),
        ("hidden_size * 2", "hidden_size * 4"),
        ("stride", "patch_size"),
    ],
)
def test_other_values(one: str, other: str):
    assert not value(one).equals(value(other))


@pytest.mark.parametrize("expression", ["f(x)", "self.unknown", "x if y else z", "1 / 0", "'a' + 'b'"])
def test_no_value(expression: str):
    here = scope(class_layers(_CLASS)["Layer"], "__init__")
    assert here.value(ast.parse(expression, mode="eval").body) is None


def test_what_a_value_depends_on():
    assert value("3").is_literal
    assert value("config.depth").attribute == "depth"
    product = value("config.depth * 2")
    assert (product.attribute, product.attributes) == ("", {"depth"})
    assert not value("stride + 1").is_known
    assert not value("twice").is_known


def test_synonyms_of_the_configuration():
    assert value("config.hidden_size", {"hidden_size": "d_model"}).equals(value("config.d_model"))


def test_configuration():
    found = config_facts(
        "class C:\n"
        '    attribute_map = {"hidden_size": "d_model"}\n'
        "    def __init__(self, d_model=512, layers=6, *, eps=1e-12, **kwargs):\n"
        "        self.d_model = d_model\n"
        "        self.encoder_layers = layers\n"
        "        self.num_hidden_layers = layers\n"
        "        self.eps = eps\n"
    )
    assert found.synonyms == {"hidden_size": "d_model", "num_hidden_layers": "encoder_layers"}
    assert found.defaults["d_model"] == (512,)
    assert found.defaults["eps"] == (1e-12,)
    assert config_facts("class (").defaults == {}


def test_names_that_a_method_has():
    found = class_layers(_CLASS)["Layer"]
    assert known_names(found, "__init__") >= {"config", "stride", "hidden_size", "depth", "twice"}
    assert known_names(found, "call") == frozenset()


def test_defaults_read_as_literals():
    assert literal(1e-5).text == "1e-05"
    assert literal("valid").is_literal
