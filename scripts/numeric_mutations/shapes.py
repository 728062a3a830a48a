"""Defects of axes, orders and reductions in `call`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from scripts.numeric_mutations.code import Code, keyword, number
from scripts.numeric_mutations.defect import Defect, Planter, defect_at


def softmax_axis(code: Code) -> Iterator[Defect]:
    """Probabilities that sum to one over the queries."""
    for call, name in code.calls(forward=True):
        axis = keyword(call, "axis")
        if name.endswith("softmax") and axis is not None and number(axis.value) == -1:
            yield defect_at(
                code,
                call,
                "softmax-axis",
                ("axis", "softmax-axis"),
                "axis -2",
                code.replace(axis.value, "-2"),
            )


def transposed(code: Code) -> Iterator[Defect]:
    """A transposition that is left out where the next thing reshapes, and scores the other way round."""
    for call, name in code.calls(forward=True):
        if name not in ("tf.transpose", "tf.matmul") or not call.args:
            continue
        if name == "tf.matmul" and keyword(call, "transpose_b") is not None and len(call.args) == 2:
            one, other = (code.source(a) for a in call.args)
            if re.search(r"quer|q$|^q", one) and re.search(r"key|k$|^k", other):
                yield defect_at(
                    code,
                    call,
                    "transposed-scores",
                    ("transpose", "swapped", "axis"),
                    "scores the other way round",
                    code.replace(call.args[0], other),
                    code.replace(call.args[1], one),
                )
        perm = keyword(call, "perm")
        order = perm.value if perm is not None else call.args[1] if len(call.args) > 1 else None
        heads = isinstance(order, (ast.Tuple, ast.List)) and [number(e) for e in order.elts] == [0, 2, 1, 3]
        if name == "tf.transpose" and heads and "reshape" not in code.source(call.args[0]):
            before = code.source(call.args[0])
            yield defect_at(
                code, call, "transpose", ("transpose", "shape"), "not transposed", code.replace(call, before)
            )


def resize(code: Code) -> Iterator[Defect]:
    """Another way to interpolate."""
    for call, name in code.calls(forward=True):
        method = keyword(call, "method")
        if name.endswith("image.resize") and method is not None and isinstance(method.value, ast.Constant):
            new = '"nearest"' if method.value.value != "nearest" else '"bilinear"'
            yield defect_at(
                code, call, "resize", ("resize",), f"resized by {new}", code.replace(method.value, new)
            )


def reduction(code: Code) -> Iterator[Defect]:
    """Another reduction, or one without its square."""
    swaps = {
        "tf.reduce_mean": "tf.reduce_max",
        "tf.math.reduce_mean": "tf.math.reduce_sum",
        "tf.reduce_max": "tf.reduce_mean",
    }
    for call, name in code.calls(forward=True):
        if name in swaps and "loss" not in code.source(code.statement(call)) and code.owner(call):
            yield defect_at(
                code,
                call,
                "reduction",
                ("reduction", "pooling", "scale"),
                swaps[name],
                code.replace(call.func, swaps[name]),
            )
        if name in ("tf.math.square", "tf.square") and call.args:
            inner = code.source(call.args[0])
            yield defect_at(
                code,
                call,
                "square",
                ("square", "reduction", "power"),
                "not squared",
                code.replace(call, f"tf.abs({inner})"),
            )
        if name == "tf.norm" and (order := keyword(call, "ord")) is not None:
            yield defect_at(
                code,
                call,
                "square",
                ("square", "reduction", "power"),
                "the sum of absolutes",
                code.replace(order.value, "1"),
            )


def order(code: Code) -> Iterator[Defect]:
    """Halves that are put together the other way round."""
    for call, name in code.calls(forward=True):
        if name != "tf.concat":
            continue
        values = keyword(call, "values")
        parts = values.value if values is not None else call.args[0] if call.args else None
        if not isinstance(parts, (ast.List, ast.Tuple)) or len(parts.elts) != 2:
            continue
        one, other = (code.source(e) for e in parts.elts)
        if re.search(r"past|labels", one + other) or "\n" in one + other or one == other:
            continue
        yield defect_at(
            code,
            call,
            "order",
            ("order", "permutation", "halves"),
            f"{other[:30]} before {one[:30]}",
            code.replace(parts.elts[0], other),
            code.replace(parts.elts[1], one),
        )


def roll(code: Code) -> Iterator[Defect]:
    """Windows that are shifted the other way."""
    for call, name in code.calls(forward=True):
        shift = keyword(call, "shift")
        if name == "tf.roll" and shift is not None and isinstance(shift.value, ast.Tuple):
            parts = [
                code.source(e.operand) if isinstance(e, ast.UnaryOp) else f"-{code.source(e)}"
                for e in shift.value.elts
            ]
            yield defect_at(
                code,
                call,
                "roll",
                ("roll", "order", "permutation"),
                "rolled the other way",
                code.replace(shift.value, f"({', '.join(parts)})"),
            )


PLANTERS: tuple[Planter, ...] = (softmax_axis, transposed, resize, reduction, order, roll)
