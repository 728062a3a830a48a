"""Variance, standard deviation, norms: reductions whose defaults differ."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import Pairing, pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._arguments import place, spelled
from checks.source.calls import Call, calls
from checks.source.layers import ClassLayers, argument
from checks.source.python import walk

_SPREADS = ("reduce_variance", "reduce_std")
_NORMALISERS = ("tf.math.l2_normalize", "tf.nn.l2_normalize", "tf.linalg.l2_normalize", "tf.linalg.normalize")
_WORDS = ("reduce_variance", "reduce_std", "normalize(", "1e-", "epsilon")


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    for pair in paired.mentioning(*_WORDS):
        made = calls(pair.tensorflow.node)
        for call in made:
            if call.short in _SPREADS:
                yield from _spread(paired, pair, call)
            elif call.name in _NORMALISERS:
                yield from _normalised(port, paired, pair, call)
        yield from _small_number(port, paired, pair)


def _spread(paired: Pairing, pair: Pair, call: Call) -> Iterator[Finding]:
    """PyTorch divides by n - 1, if it is not told otherwise."""
    for owner in pair.pytorch:
        for other in calls(owner.node):
            if other.short not in ("var", "std"):
                continue
            told = argument(other.node, "unbiased"), argument(other.node, "correction")
            if any(isinstance(node, ast.Constant) and not node.value for node in told):
                return
            yield RULE.finding(
                pair.path,
                call.line,
                f"{pair.name}: tf.math.{call.short} divides by n; PyTorch's {other.short} by n - 1",
                f"Multiply by n / (n - 1){_at(paired, owner, other.node)}{' under the root' if other.short == 'std' else ''}.",
                symbol=f"{pair.name}.{call.method}",
                level="warning",
            )
            return


def _normalised(port: Port, paired: Pairing, pair: Pair, call: Call) -> Iterator[Finding]:
    axis = argument(call.node, "axis", 2 if call.name == "tf.linalg.normalize" else 1)
    axis = axis or argument(call.node, "dim")  # the old name, which l2_normalize still knows
    theirs = [
        (owner, other)
        for owner in pair.pytorch
        for other in calls(owner.node)
        if other.name
        in ("normalize", "F.normalize", "nn.functional.normalize", "torch.nn.functional.normalize")
    ]
    if not theirs:
        return
    owner, other = theirs[0]
    dims = {
        _integer(argument(o.node, "dim", 2)) if argument(o.node, "dim", 2) is not None else 1
        for _, o in theirs
    }
    mine = _integer(axis)
    if axis is not None and (
        mine is None or mine in dims or None in dims or mine >= 0 or max(d or 0 for d in dims) > 0
    ):
        return
    dim = min(d for d in dims if d is not None) if None not in dims else None
    lines = port.text(pair.path).split("\n")
    edits: tuple[Edit, ...] = ()
    if axis is not None:
        start = place(lines, axis.lineno, axis.col_offset)
        end = place(lines, axis.end_lineno or axis.lineno, axis.end_col_offset or 0)
        edits = (Edit(pair.path, start, end, str(dim)),)
    yield RULE.finding(
        pair.path,
        axis.lineno if axis is not None else call.line,
        f"{pair.name} normalises over {f'axis {mine}' if axis is not None else 'all axes at once'}; PyTorch over dim {dim}",
        f"Write axis={dim}{_at(paired, owner, other.node)}.",
        symbol=f"{pair.name}.{call.method}",
        edits=edits,
    )


def _small_number(port: Port, paired: Pairing, pair: Pair) -> Iterator[Finding]:
    """An epsilon written into a formula: `x / (mean + 1e-6)`."""
    mine = list(_numbers(pair.tensorflow, "call"))
    theirs = [(owner, node) for owner in pair.pytorch[:1] for node in _numbers(owner, "forward")]
    here, there = {_value(node) for node in mine}, {_value(node) for _, node in theirs}
    if len(here) != 1 or len(there) != 1 or here == there:
        return
    owner, other = theirs[0]
    lines = port.text(pair.path).split("\n")
    wanted = spelled(there.pop())
    edits = [
        Edit(
            pair.path,
            place(lines, node.lineno, node.col_offset),
            place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0),
            wanted,
        )
        for node in mine
    ]
    yield RULE.finding(
        pair.path,
        mine[0].lineno,
        f"{pair.name}.call adds {spelled(here.pop())}; PyTorch adds {wanted}",
        f"Write {wanted}{_at(paired, owner, other)}.",
        symbol=f"{pair.name}.call",
        edits=edits,
    )


def _numbers(found: ClassLayers, method: str) -> Iterator[ast.Constant]:
    """Small numbers that are added to something."""
    part = found.method(method)
    for node in walk(part) if part is not None else ():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for side in (node.left, node.right):
                if (
                    isinstance(side, ast.Constant)
                    and isinstance(side.value, float)
                    and 0 < side.value <= 1e-3
                ):
                    yield side


def _value(node: ast.Constant) -> float:
    return node.value if isinstance(node.value, float) else 0.0


def _integer(node: ast.expr | None) -> int | None:
    sign = -1 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1
    bare = node.operand if isinstance(node, ast.UnaryOp) else node
    return sign * bare.value if isinstance(bare, ast.Constant) and isinstance(bare.value, int) else None


def _at(paired: Pairing, owner: ClassLayers, node: ast.AST) -> str:
    path = paired.path_of(owner)
    return f", as in {owner.name} ({path}:{getattr(node, 'lineno', 1)})" if path else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="reduction-defaults",
    level="error",
    summary="Variances, norms and the small numbers in formulas are PyTorch's.",
    why=(
        "`x.var()` divides by n - 1, `tf.math.reduce_variance` by n. `tf.linalg.normalize` without an axis takes the norm of the whole tensor. "
        "An epsilon in a formula counts as much as that of a norm."
    ),
    how="Multiply the variance by n / (n - 1), give `axis=` PyTorch's `dim`, and copy small numbers digit by digit.",
    source="measured with TensorFlow 2.15",
    check=check,
    examples=(
        Example(
            title="Another small number",
            path=_TF,
            good="keepdims=True) + 1e-6)",
            bad="keepdims=True) + 1e-12)",
            finds=("light = light / (tf.norm(light, axis=-1, keepdims=True) + 1e-12)",),
            fixed=True,
        ),
    ),
)
