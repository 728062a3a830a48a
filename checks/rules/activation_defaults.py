"""Arguments of activation functions whose defaults differ."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._arguments import set_arguments, spelled
from checks.source.calls import calls
from checks.source.layers import ClassLayers, argument
from checks.source.values import Scope, scope

_OURS = ("LeakyReLU", "leaky_relu", "PReLU", "hard_sigmoid")


def check(port: Port) -> Iterator[Finding]:
    for pair in pairing(port).mentioning(*_OURS):
        for call, method in _uses(pair.tensorflow):
            last = _last(call)
            if last in ("LeakyReLU", "leaky_relu"):
                yield from _slope(port, pair, call, method)
            elif last == "PReLU" and argument(call, "alpha_initializer", 0) is None:
                yield RULE.finding(
                    pair.path,
                    call.lineno,
                    f"{pair.name}: PReLU starts with a slope of 0; PyTorch's starts with 0.25",
                    "Give it alpha_initializer=keras.initializers.Constant(0.25).",
                    symbol=f"{pair.name}.{method}",
                    level="warning",
                )
            elif last == "hard_sigmoid":
                yield RULE.finding(
                    pair.path,
                    call.lineno,
                    f"{pair.name}: Keras's hard_sigmoid is 0.2 * x + 0.5; PyTorch's is x / 6 + 0.5",
                    "Write tf.nn.relu6(x + 3.0) / 6.0.",
                    symbol=f"{pair.name}.{method}",
                )


def _uses(found: ClassLayers) -> Iterator[tuple[ast.Call, str]]:
    for layer in found.layers:
        yield layer.call, layer.method
    for call in calls(found.node):
        if not call.name.startswith("self."):
            yield call.node, call.method


def _last(call: ast.Call) -> str:
    node = call.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _slope(port: Port, pair: Pair, call: ast.Call, method: str) -> Iterator[Finding]:
    """Keras has 0.3, `tf.nn` 0.2, PyTorch 0.01."""
    is_layer = _last(call) == "LeakyReLU"
    node = argument(call, "alpha", 0 if is_layer else 1) or argument(call, "negative_slope")
    mine = _number(scope(pair.tensorflow, method), node) if node is not None else 0.3 if is_layer else 0.2
    slopes = [found for owner in pair.pytorch for found in _slopes(owner)]
    known = {slope for slope in slopes if slope is not None}
    if len(known) > 1 or None in slopes or mine is None or mine in known or (node is not None and not known):
        return
    wanted = spelled(known.pop()) if known else "0.01"
    yield RULE.finding(
        pair.path,
        node.lineno if node is not None else call.lineno,
        f"{pair.name}: the slope of {_last(call)} is {spelled(mine)}{'' if node is not None else ' by default'}; PyTorch's is {wanted}",
        f"Write alpha={wanted}.",
        symbol=f"{pair.name}.{method}",
        edits=set_arguments(port, pair.path, call, {"alpha": wanted})
        if node is None or argument(call, "alpha") is not None
        else (),
    )


def _slopes(owner: ClassLayers) -> Iterator[float | None]:
    for call, method in _uses(owner):
        if _last(call) in ("LeakyReLU", "leaky_relu"):
            node = argument(call, "negative_slope", 0 if _last(call) == "LeakyReLU" else 1)
            yield _number(scope(owner, method), node) if node is not None else 0.01


def _number(here: Scope, node: ast.expr) -> float | None:
    value = here.value(node)
    plain = value.plain if value is not None and value.is_literal else None
    return float(plain) if isinstance(plain, (int, float)) else None


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="activation-defaults",
    level="error",
    summary="Activations whose defaults differ between the frameworks have theirs given.",
    why=(
        "The slope of LeakyReLU is 0.3 in Keras, 0.2 in `tf.nn.leaky_relu` and 0.01 in PyTorch; Keras's hard sigmoid is another function; "
        "PReLU starts from 0 instead of 0.25."
    ),
    how="Give PyTorch's number: `alpha=0.01`, `alpha_initializer=keras.initializers.Constant(0.25)`; write the hard sigmoid as `tf.nn.relu6(x + 3.0) / 6.0`.",
    source="measured with TensorFlow 2.15",
    check=check,
    examples=(
        Example(
            title="The slope of Keras",
            path=_TF,
            good="hidden_states = self.dropout(inputs=hidden_states, training=training)\n        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)\n\n        return hidden_states",
            bad="hidden_states = self.dropout(inputs=hidden_states, training=training)\n        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)\n        hidden_states = tf.nn.leaky_relu(hidden_states)\n\n        return hidden_states",
            finds=("hidden_states = tf.nn.leaky_relu(hidden_states)",),
            edits_to="hidden_states = self.dropout(inputs=hidden_states, training=training)\n        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)\n        hidden_states = tf.nn.leaky_relu(hidden_states, alpha=0.01)\n\n        return hidden_states",
        ),
    ),
)
