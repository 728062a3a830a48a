"""Negative indices in `tf.gather`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source.calls import calls
from checks.source.layers import argument
from checks.source.python import walk


def check(port: Port) -> Iterator[Finding]:
    for pair in pairing(port).mentioning("tf.gather"):
        for call in calls(pair.tensorflow.node):
            if call.name not in ("tf.gather", "tf.gather_nd"):
                continue
            node = argument(call.node, "indices", 1)
            if node is not None and any(
                map(_is_negative, walk(node) if isinstance(node, ast.List) else [node])
            ):
                yield RULE.finding(
                    pair.path,
                    node.lineno,
                    f"{pair.name}: {call.name} does not count from the end; {ast.unparse(node)} fails on a CPU and gives zeros on a GPU",
                    "Slice instead (x[:, -1]), or count from the front: tf.shape(x)[axis] - 1.",
                    symbol=f"{pair.name}.{call.method}",
                )


def _is_negative(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="gather-index",
    level="error",
    summary="`tf.gather` gets no negative index.",
    why="PyTorch counts negative indices from the end. `tf.gather` raises on a CPU, and on a GPU gives zeros without a word.",
    how="Slice (`x[:, -1]`), or compute the index from `tf.shape`.",
    source="TensorFlow's documentation",
    check=check,
    examples=(
        Example(
            title="The last position",
            path=_TF,
            good="        return self.dense(hidden_states[:, 0])",
            bad="        return self.dense(tf.gather(hidden_states, -1, axis=1))",
            finds=("return self.dense(tf.gather(hidden_states, -1, axis=1))",),
        ),
    ),
)
