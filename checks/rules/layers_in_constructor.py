"""Layers with weights are made in the constructor."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._structure import LIBRARY, WEIGHTED, pairs_of, weighted_classes
from checks.source.python import dotted
from checks.source.walk import calls


def check(port: Port) -> Iterator[Finding]:
    weighted = weighted_classes(port)
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        made: list[tuple[str, ast.Call]] = []
        for node in calls(call):
            kind = dotted(node.func) if isinstance(node.func, (ast.Attribute, ast.Name)) else ""
            last = kind.rsplit(".", 1)[-1]
            if last in weighted or last in LIBRARY or (last in WEIGHTED and "layers." in kind):
                made.append((kind, node))
        if made:
            yield RULE.finding(
                pair.path,
                made[0][1].lineno,
                f"{pair.name}.call makes a new {made[0][0]} each time it is called",
                "Make it in __init__ and keep it on self: new weights in call are never trained, saved or loaded, and fail in a "
                "tf.function.",
                symbol=f"{pair.name}.call",
                column=made[0][1].col_offset + 1,
                locations=[Location(pair.path, node.lineno) for _, node in made[1:]],
            )
    if not seen:
        raise NotBegun("no call() yet")


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="layers-in-constructor",
    level="error",
    summary="Layers with weights are made in `__init__`, never in `call`.",
    why="Keras tracks the layers that a constructor keeps on `self`. A layer of `call` has new random weights in every call.",
    how="`self.dense = keras.layers.Dense(…)` in `__init__`, `self.dense(x)` in `call`.",
    guide="Step 4: layers are created in __init__.",
    check=check,
    examples=(
        Example(
            title="A layer of the moment",
            path=_TF,
            good="        hidden_states = self.encoder(hidden_states, training=training)\n",
            bad='        hidden_states = TFLanternPooler(self.config, name="dim")(self.encoder(hidden_states, training=training))\n',
            finds=(
                'hidden_states = TFLanternPooler(self.config, name="dim")(self.encoder(hidden_states, training=training))',
            ),
        ),
    ),
)
