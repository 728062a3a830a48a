"""The axis of softmax."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import Pairing, pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._arguments import place
from checks.source.calls import calls
from checks.source.layers import ClassLayers, argument

_OURS = ("softmax", "stable_softmax", "log_softmax")


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    for pair in paired.mentioning("softmax(", "Softmax("):
        for call in calls(pair.tensorflow.node):
            if call.short in _OURS and not call.name.startswith("self."):
                yield from _of(port, paired, pair, call.node, call.method)
        for layer in pair.tensorflow.layers:
            if layer.is_keras and layer.short == "Softmax":
                yield from _of(port, paired, pair, layer.call, layer.method)


def _of(port: Port, paired: Pairing, pair: Pair, call: ast.Call, method: str) -> Iterator[Finding]:
    node = argument(call, "axis", 0 if method == "__init__" else 1)
    mine = -1 if node is None else _integer(node)
    theirs = [found for owner in pair.pytorch for found in _dims(owner)]
    dims = {dim for _, _, dim in theirs}
    if mine is None or not dims or None in dims or mine in dims:
        return
    # Channels lie elsewhere in TensorFlow, so that only axes from the end can be compared; the last one is -1 in any layout.
    if (mine >= 0 and dims != {-1}) or (mine < 0 and not any(dim is not None and dim < 0 for dim in dims)):
        return
    owner, other, dim = theirs[0]
    at = paired.path_of(owner)
    lines = port.text(pair.path).split("\n")
    edits: tuple[Edit, ...] = ()
    if node is not None and len(dims) == 1:
        start = place(lines, node.lineno, node.col_offset)
        end = place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
        edits = (Edit(pair.path, start, end, str(dim)),)
    yield RULE.finding(
        pair.path,
        node.lineno if node is not None else call.lineno,
        f"{pair.name}: the softmax axis is {mine}{'' if node is not None else ' by default'}; PyTorch has dim={dim}",
        f"Write axis={dim}, as in {owner.name}{f' ({at}:{other.lineno})' if at else ''}.",
        symbol=f"{pair.name}.{method}",
        edits=edits,
    )


def _dims(owner: ClassLayers) -> Iterator[tuple[ClassLayers, ast.expr, int | None]]:
    for call in calls(owner.node):
        if call.short in ("softmax", "log_softmax") and not call.name.startswith("self."):
            method = not call.name.startswith(("nn.", "torch.", "F."))
            node = argument(call.node, "dim", 0 if method else 1)
            yield owner, call.node, _integer(node) if node is not None else None
        elif call.short in ("Softmax", "LogSoftmax") and not isinstance(call.node.func, ast.Call):
            node = argument(call.node, "dim", 0)
            yield owner, call.node, _integer(node) if node is not None else None
    for layer in owner.layers:
        if layer.short in ("Softmax", "LogSoftmax"):
            node = layer.argument("dim", 0)
            yield owner, layer.call, _integer(node) if node is not None else None


def _integer(node: ast.expr) -> int | None:
    sign = -1 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1
    bare = node.operand if isinstance(node, ast.UnaryOp) else node
    if isinstance(bare, ast.Constant) and isinstance(bare.value, int):
        return sign * bare.value
    return None


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="softmax-axis",
    level="error",
    summary="Softmax runs over the axis that it has in PyTorch.",
    why="Over another axis the shapes agree and all attention is wrong.",
    how="Write `axis=` with PyTorch's `dim`, counted from the end where it is; `tf.nn.softmax` and `stable_softmax` take the last axis if none is given.",
    source="57 of 57 in merged ports agree",
    check=check,
    examples=(
        Example(
            title="Another axis",
            path=_TF,
            good="stable_softmax(scores, axis=-1)",
            bad="stable_softmax(scores, axis=-2)",
            finds=("attention = stable_softmax(scores, axis=-2)",),
            fixed=True,
        ),
        Example(
            title="The last axis is the default",
            path=_TF,
            good="stable_softmax(scores, axis=-1)",
            bad="stable_softmax(scores)",
            silent=True,
        ),
    ),
)
