"""No Python branch on what is known only when the graph runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.python import dotted, walk
from checks.source.walk import Function, nodes

_VALUES = re.compile(
    r"\btf\.(math\.|debugging\.)?(reduce_\w+|equal|not_equal|greater|less|greater_equal|less_equal|size|argmax|argmin|norm|count_nonzero)\("
)


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        by_values: list[ast.stmt] = []
        by_sizes: list[ast.If] = []
        branches = [node for node in nodes(call) if isinstance(node, (ast.If, ast.While, ast.Assert))]
        sizes = _sizes(call) if any(isinstance(n, ast.If) and _raises(n) for n in branches) else set[str]()
        eager = [node for node in branches if "executing_eagerly" in ast.unparse(node.test)]
        for node in branches:
            if any(guard.lineno <= node.lineno <= (guard.end_lineno or 0) for guard in eager):
                continue
            if _depends_on_values(node.test):
                by_values.append(node)
            elif isinstance(node, ast.If) and _raises(node) and _compares_sizes(node.test, sizes):
                by_sizes.append(node)
        if by_values:
            yield _finding(
                pair,
                by_values,
                f"{pair.name}.call branches on the values of a tensor",
                "In a graph the values are not known when Python decides. Use tf.where, tf.cond or tf.debugging.assert_….",
            )
        if by_sizes:
            yield _finding(
                pair,
                by_sizes,
                f"{pair.name}.call raises by the size of its input: {_short(ast.unparse(by_sizes[0].test))}",
                "Ask only if tf.executing_eagerly() and …: in a graph the size may be unknown, and then this always raises.",
            )
    if not seen:
        raise NotBegun("no call() yet")


def _finding(pair: Pair, found: Sequence[ast.stmt], message: str, advice: str) -> Finding:
    return RULE.finding(
        pair.path,
        found[0].lineno,
        message,
        advice,
        symbol=f"{pair.name}.call",
        column=found[0].col_offset + 1,
        locations=[Location(pair.path, node.lineno) for node in found[1:]],
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"


def _depends_on_values(test: ast.expr) -> bool:
    """Only a plain tensor decides: `tf.is_tensor`, `len(tf.shape(x))` and sizes are known."""
    text = ast.unparse(test)
    if not _VALUES.search(f"{text} "):
        return False
    # Of `tf.greater(len(x), 0)` nothing is a tensor.
    return "len(" not in text and ".numpy()" not in text


def _raises(node: ast.If) -> bool:
    return any(isinstance(part, ast.Raise) for part in node.body)


def _sizes(call: Function) -> set[str]:
    """Local names that are sizes of a tensor: of `batch_size, seq_len = shape_list(x)[:2]`."""
    names: set[str] = set()
    for node in nodes(call):
        if isinstance(node, ast.Assign) and _is_shape(node.value):
            for target in node.targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                names |= {part.id for part in parts if isinstance(part, ast.Name)}
    return names


def _is_shape(node: ast.expr) -> bool:
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr == "shape"
    return isinstance(node, ast.Call) and dotted(node.func) in ("shape_list", "tf.shape")


def _compares_sizes(test: ast.expr, sizes: set[str]) -> bool:
    for node in walk(test):
        if isinstance(node, ast.Compare) and not any(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops):
            sides = [node.left, *node.comparators]
            if any(_is_size(side, sizes) for side in sides) and not any(
                "len(" in ast.unparse(side) for side in sides
            ):
                return True
    return False


def _is_size(node: ast.expr, sizes: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in sizes
    if isinstance(node, ast.Tuple):
        return any(_is_size(part, sizes) for part in node.elts)
    if isinstance(node, ast.BinOp):
        return _is_size(node.left, sizes) or _is_size(node.right, sizes)
    return _is_shape(node)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_LENS = "        pixel_values = tf.transpose(pixel_values, perm=(0, 2, 3, 1))\n"

RULE = Rule(
    slug="symbolic-branches",
    level="warning",
    summary="`call` does not branch in Python on values of tensors, nor raises by sizes that a graph may not know.",
    why=(
        "In fit(), in a SavedModel and under XLA, `call` is traced into a graph. A condition on a tensor raises an error then, and a size that is "
        "None differs from whatever it is compared with."
    ),
    how="`if tf.executing_eagerly() and num_channels != self.num_channels: raise …`, `tf.debugging.assert_equal`, `tf.where`.",
    source="asked for in review, #26870 and #25558",
    check=check,
    examples=(
        Example(
            title="A size is checked without a guard",
            path=_TF,
            good=_LENS,
            bad="        num_channels = pixel_values.shape[1]\n        if num_channels != self.config.num_channels:\n"
            '            raise ValueError("Another number of channels than the configuration has.")\n'
            + _LENS,
            finds=("if num_channels != self.config.num_channels:",),
        ),
        Example(
            title="With a guard",
            path=_TF,
            good=_LENS,
            bad="        num_channels = pixel_values.shape[1]\n        if tf.executing_eagerly() and num_channels != self.config.num_channels:\n"
            '            raise ValueError("Another number of channels than the configuration has.")\n'
            + _LENS,
            silent=True,
        ),
        Example(
            title="A branch on values",
            path=_TF,
            good=_LENS,
            bad="        if tf.reduce_max(pixel_values) > 1.0:\n            pixel_values = pixel_values / 255.0\n"
            + _LENS,
            finds=("if tf.reduce_max(pixel_values) > 1.0:",),
        ),
    ),
)
