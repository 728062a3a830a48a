"""Data types that work in half precision."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.layers import argument
from checks.source.python import dotted, walk
from checks.source.walk import Function, calls, nodes, parameters


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for pair in pairs_of(port):
        if not port.is_keras(pair.facts):
            continue
        for function in pair.tensorflow.node.body:
            if not isinstance(function, ast.FunctionDef) or function.name in ("__init__", "build"):
                continue
            seen = True
            if function.name == "call":
                yield from _random(port, pair, function)
    if not seen:
        raise NotBegun("no call() yet")


def _random(port: Port, pair: Pair, call: Function) -> Iterator[Finding]:
    if not any(name == "training" for name in parameters(call)):
        return
    for node in calls(call):
        name = dotted(node.func)
        if name not in ("tf.random.uniform", "tf.random.normal", "tf.random.truncated_normal"):
            continue
        if argument(node, "dtype", 3) is not None or not _meets_input(call, node):
            continue
        first = next(iter(parameters(call)))
        yield RULE.finding(
            pair.path,
            node.lineno,
            f"{name} in {pair.name}.call has no dtype, so it is float32 whatever {first} is",
            f"Add dtype={first}.dtype, or mixed precision raises an error in training.",
            symbol=f"{pair.name}.call",
            column=node.col_offset + 1,
            edits=_edits(port, pair, node, first),
        )


def _meets_input(call: Function, node: ast.Call) -> bool:
    """What is drawn is multiplied with something later, as in stochastic depth (and not sorted, as in masking)."""
    names = {
        target.id
        for part in nodes(call)
        if isinstance(part, (ast.Assign, ast.AugAssign)) and any(inner is node for inner in walk(part))
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Name)
    }
    for part in nodes(call):
        if (
            isinstance(part, ast.Assign)
            and isinstance(part.value, ast.Call)
            and dotted(part.value.func) == "tf.floor"
        ):
            names |= {target.id for target in part.targets if isinstance(target, ast.Name)}
    return any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Mult)
        and any(isinstance(side, ast.Name) and side.id in names for side in (part.left, part.right))
        for part in nodes(call)
    )


def _edits(port: Port, pair: Pair, node: ast.Call, first: str) -> tuple[Edit, ...]:
    line = port.text(pair.path).split("\n")[node.lineno - 1]
    if node.end_col_offset is None or node.end_lineno != node.lineno or not line.isascii():
        return ()
    place = (node.lineno, node.end_col_offset)
    return (Edit(pair.path, place, place, f", dtype={first}.dtype"),)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_LAYER = "    def call(self, hidden_states: tf.Tensor, training: bool = False) -> tf.Tensor:\n        scores"

RULE = Rule(
    slug="mixed-precision",
    level="suggestion",
    summary="Random numbers have the dtype of what they meet.",
    why="With `mixed_float16`, activations are float16: float32 numbers that meet them raise an error.",
    how="`tf.random.uniform(shape, 0, 1, dtype=hidden_states.dtype)`.",
    source="#22267 (CvT), #32618 (DeBERTa)",
    check=check,
    examples=(
        Example(
            title="Stochastic depth in float32",
            path=_TF,
            good=_LAYER,
            bad="    def call(self, hidden_states: tf.Tensor, training: bool = False) -> tf.Tensor:\n"
            "        noise = tf.random.uniform(tf.shape(hidden_states), 0, 1)\n        hidden_states = hidden_states * noise\n        scores",
            finds=("noise = tf.random.uniform(tf.shape(hidden_states), 0, 1)",),
            edits_to="    def call(self, hidden_states: tf.Tensor, training: bool = False) -> tf.Tensor:\n"
            "        noise = tf.random.uniform(tf.shape(hidden_states), 0, 1, dtype=hidden_states.dtype)\n"
            "        hidden_states = hidden_states * noise\n        scores",
        ),
    ),
)
