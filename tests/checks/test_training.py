"""Which calls of a class take the training flag."""

from __future__ import annotations

from checks.source.layers import class_layers
from checks.source.training import flagged_calls

_TEXT = """
class Inner:
    def call(self, x, mask=None, training=False):
        return x

class Plain:
    def call(self, x):
        return x

class Outer:
    def __init__(self, config):
        self.dropout = keras.layers.Dropout(0.1)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)
        self.inner = Inner(name="inner")
        self.plain = Plain(name="plain")
        self.layer = [Inner(name=f"layer_._{i}") for i in range(3)]
        self.paths = [TFDropPath(0.1) for i in range(3)]

    def call(self, x, training=False):
        x = self.dropout(x)
        x = self.dropout(x, training)
        x = self.inner(x, None, training)
        x = self.plain(self.norm(x))
        x = self.layer[0](x, training=False)
        for i, layer in enumerate(self.layer):
            x = layer(x)
        for layer, path in zip(self.layer, self.paths):
            x = path(x)
        return self.inner(x, **kwargs)
"""


def test_calls():
    classes = class_layers(_TEXT)
    found = flagged_calls(classes["Outer"], classes)
    assert [(call.attribute, call.kind, call.given is not None) for call in found] == [
        ("dropout", "Dropout", False),
        ("dropout", "Dropout", True),
        ("inner", "Inner", True),
        ("layer", "Inner", True),
        ("layer", "Inner", False),
        ("paths", "TFDropPath", False),
    ]
