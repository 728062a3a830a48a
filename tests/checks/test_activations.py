"""One name for an activation function, however it is written."""

from __future__ import annotations

import pytest

from checks.source.activations import activations, table_keys
from checks.source.layers import class_layers


def names(init: str = "pass", call: str = "pass") -> list[str]:
    text = (
        f"class L:\n    def __init__(self, config):\n        {init}\n    def call(self, x):\n        {call}\n"
    )
    return [one.name for one in activations(class_layers(text)["L"])]


@pytest.mark.parametrize(
    ("init", "wanted"),
    [
        ("self.act = get_tf_activation(config.hidden_act)", ["config.hidden_act"]),
        ('self.act = ACT2FN["swish"]', ["silu"]),
        ("self.act = ACT2FN[config.act]()", ["config.act"]),
        ("self.act = nn.GELU()", ["gelu"]),
        ('self.act = nn.GELU(approximate="tanh")', ["gelu_new"]),
        ("self.act = keras.layers.ReLU()", ["relu"]),
        ('self.act = keras.layers.Activation("tanh")', ["tanh"]),
        ("self.act = tf.keras.layers.Activation(tf.nn.gelu)", ["gelu"]),
        ('self.dense = keras.layers.Dense(3, activation="tanh", name="dense")', ["tanh"]),
        ("self.dense = keras.layers.Dense(3, activation=None)", []),
        ("self.act_fn = nn.functional.relu", ["relu"]),
        ("self.act = table[config.act]", []),
        ("self.act = ACT2FN[config.act] if isinstance(config.act, str) else config.act", ["config.act"]),
    ],
)
def test_held(init: str, wanted: list[str]):
    assert names(init=init) == wanted


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("return tf.nn.gelu(x)", ["gelu"]),
        ("return tf.nn.gelu(x, approximate=True)", ["gelu_new"]),
        ("return torch.tanh(x)", ["tanh"]),
        ("return x.sigmoid()", ["sigmoid"]),
        ('return get_tf_activation("gelu")(x)', ["gelu"]),
        ("return ACT2FN[self.config.act](x)", ["config.act"]),
        ("return self.act(x)", []),
        ("return tf.nn.softmax(x)", []),
    ],
)
def test_called(call: str, wanted: list[str]):
    assert names(call=call) == wanted


def test_keys_of_the_table():
    assert table_keys('ACT2FN = {\n    "gelu": gelu,\n    "relu": tf.nn.relu,\n}\n') == {"gelu", "relu"}
    assert table_keys("") == frozenset()
