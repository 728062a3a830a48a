"""Changes of single expressions: another number, sign, order, axis, function, variable."""

from __future__ import annotations

import ast
import itertools
import re
from typing import Any, Iterator, List

from .variant import Maker, Variant

ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "tanh", "sigmoid", "quick_gelu", "mish", "linear")
RESIZES = ("bilinear", "nearest", "bicubic", "area")
PADDINGS = ("same", "valid")
REDUCTIONS = ("reduce_mean", "reduce_sum", "reduce_max", "reduce_min")
POWERS = ("square", "abs", "sqrt", "rsqrt", "exp", "log")
FUNCTIONS = ("relu", "relu6", "gelu", "silu", "swish", "tanh", "sigmoid", "softplus", "elu")


class Expressions(Maker):
    """The variants of each expression."""

    def of_expressions(self) -> Iterator[Variant]:
        """All of them."""
        for node in self.body:
            if id(node) in self.types:
                continue
            name = "_" + type(node).__name__.lower()
            maker = getattr(self, name, None)
            if maker is not None:
                yield from maker(node)

    def _constant(self, node: Any) -> Iterator[Variant]:
        value = node.value
        if isinstance(value, bool):
            context, parent = self.context(node)
            name = parent.arg if context == "keyword" else ""
            if name == "training" and "training" in self.locals:
                yield self.one(
                    "dropout",
                    node,
                    "training",
                    0,
                    f"`training={value}` is fixed: the caller's flag does not arrive, dropout is on at inference",
                )
            yield self.one("transpose" if "transpose" in (name or "") else "flag", node, str(not value), 1)
        elif isinstance(value, (int, float)):
            yield from self._number(node, value)
        elif isinstance(value, str):
            for kind, choice, rank in (
                ("activation", ACTIVATIONS, 1),
                ("resize", RESIZES, 0),
                ("padding", PADDINGS, 0),
            ):
                if value.lower() in choice:
                    for other in choice:
                        if other != value.lower():
                            yield self.one(kind, node, f'"{other}"', rank)

    def _number(self, node: Any, value: Any) -> Iterator[Variant]:
        context, parent = self.context(node)
        negated = self.parents.get(id(node))
        target = negated if isinstance(negated, ast.UnaryOp) and isinstance(negated.op, ast.USub) else node
        actual = -value if target is not node else value
        if context == "keyword" and parent.arg == "perm":
            return  # a negative axis there ends TensorFlow's whole process; orders are tried as a whole
        if context == "keyword" and parent.arg in ("axis", "dim", "axes"):
            for other in (-1, -2, 1, 2, 0, 3, -3):
                if other != actual:
                    yield self.one("axis", target, str(other), 0)
        elif context == "index" and isinstance(value, int):
            for other in (0, -1, 1, actual + 1, actual - 1, -actual):
                if other != actual:
                    yield self.one("token", target, str(other), 1)
        elif abs(value) >= 100:
            for other in (-10000.0, -1e9):
                if other != actual:
                    yield self.one("mask-value", target, repr(other), 1)
            yield self.one("mask-sign", target, repr(-actual), 0)
        else:
            kind = {"operator": "constant", "keyword": "constant"}.get(context, "constant")
            if isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.Div)):
                kind = "scale"
            elif isinstance(parent, ast.BinOp):
                kind = "offset"
            elif isinstance(parent, ast.Call) and self.text(parent.func).endswith("constant"):
                kind = "mask-value"
            others: List[Any] = [-actual, actual + 1, actual - 1, actual * 2, actual / 2, 0, 1, 2, 0.5, -1]
            if isinstance(value, int):
                others = [int(o) for o in others if o == int(o)]
            if kind in ("mask-value", "scale") or (isinstance(value, float)):
                others += [-10000.0, -1e9]
            if isinstance(parent, (ast.Call, ast.Assign)) or kind == "scale":
                for name, _ in self.numbers:
                    yield self.one("wrong-variable", target, f"self.{name}", 1)
            if 0 < abs(value) < 0.1:
                kind, others = "epsilon", [1e-5, 1e-6, 1e-12, 1e-3, 1e-7, 1e-8]
            if context != "operator" and kind not in ("mask-value", "scale"):
                others = [o for o in others if o >= 0]  # a negative size ends TensorFlow's whole process
            for other in dict.fromkeys(o for o in others if o != actual):
                big = abs(other) >= 1e4
                yield self.one(
                    "mask-value" if big else kind,
                    target,
                    repr(other),
                    1 if big or kind in ("epsilon", "offset") else 2,
                )

    def _binop(self, node: Any) -> Iterator[Variant]:
        left, right = self.text(node.left), self.text(node.right)
        signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Pow: "**"}
        sign = signs.get(type(node.op))
        if sign is None:
            return
        for other in {"+": "-*", "-": "+", "*": "/+", "/": "*", "//": "", "**": ""}[sign]:
            kind = (
                "scale"
                if other in "*/" and sign in "*/"
                else "sign"
                if sign in "+-" and other in "+-"
                else "operator"
            )
            yield self.one(kind, node, f"{left} {other} {right}", 1)
        if sign in ("-", "/", "**"):
            yield self.one("sign", node, f"{right} {sign} {left}", 1)
        big = re.fullmatch(r"-?\d+(\.\d*)?(e\d+)?|.*\.min|.*LARGE_NEGATIVE", right)
        if (
            sign == "*"
            and big
            and not (isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Sub))
        ):
            why = f"the mask `{left[:60]}` is not inverted before `* {right[:30]}`"
            yield self.one("mask", node, f"(1.0 - ({left})) * {right}", 0 if "mask" in left else 2, why)
        kind = {"+": "extra-term", "-": "offset", "*": "scale", "/": "scale"}.get(sign, "operator")
        yield self.one(
            kind,
            node,
            left if self.simple(node.left) else f"({left})",
            1,
            f"`{sign} {right[:60]}` is too much",
        )
        yield self.one(
            kind,
            node,
            right if self.simple(node.right) else f"({right})",
            2,
            f"`{left[:60]} {sign}` is too much",
        )
        if sign in "*/" and isinstance(node.right, (ast.Name, ast.Attribute)):
            yield self.one("scale", node, f"{left} {sign} {right} ** 0.5", 2)
            yield self.one("scale", node, f"{left} {sign} {right} ** 2", 2)

    def _unaryop(self, node: Any) -> Iterator[Variant]:
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            yield self.one("sign", node, self.text(node.operand), 0)

    def _call(self, node: Any) -> Iterator[Variant]:
        name = self.text(node.func).rsplit(".", 1)[-1]
        given = [a for a in node.args if not isinstance(a, (ast.Constant, ast.Starred))]
        first = given[0] if given and given[0] is node.args[0] else None
        if (
            first is None
            and node.keywords
            and node.keywords[0].arg in ("inputs", "input", "hidden_states", "x", "logits")
        ):
            first = node.keywords[0].value
        if first is not None and not isinstance(first, (ast.List, ast.Tuple)):
            yield self.one(
                "extra-operation",
                node,
                self.text(first),
                1,
                f"`{self.text(node.func)}(…)` is not in PyTorch's code here",
            )
        for group, kind in ((REDUCTIONS, "reduction"), (FUNCTIONS, "activation"), (POWERS, "function")):
            if name in group and not (group is POWERS and self.text(node.func).startswith("math.")):
                for other in group:
                    if other != name:
                        prefix = self.text(node.func)[: -len(name)]
                        yield self.one(kind, node.func, prefix + other, 1)
        if name in REDUCTIONS and first is not None and "tf" in self.text(node.func):
            for power in POWERS[:2]:
                inner = self.text(first)
                why = f"`{' '.join(inner.split())[:60]}` is not put through `tf.math.{power}`"
                yield self.one("function", first, f"tf.math.{power}({inner})", 1, why)
        if len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args):
            for a, b in itertools.combinations(node.args[:3], 2):
                yield Variant(
                    "swapped",
                    f"`{self.text(a)[:50]}` and `{self.text(b)[:50]}` are swapped",
                    [self.put(a, self.text(b)), self.put(b, self.text(a))],
                    1,
                )
        named = {k.arg for k in node.keywords}
        if name == "roll":
            yield from self._rolled(node)
        if name == "matmul":
            for flag in ("transpose_b", "transpose_a"):
                if flag not in named:
                    yield self._added(node, f"{flag}=True", "transpose", 1)
        if (
            name in ("softmax", "stable_softmax", "reduce_mean", "reduce_sum", "reduce_max", "concat")
            and "axis" not in named
        ):
            for axis in (-1, -2, 1, 0):
                yield self._added(node, f"axis={axis}", "axis", 1)
        if "training" in self.locals and "training" not in named and self.text(node.func).startswith("self."):
            yield self._added(node, "training=training", "dropout", 2)
        for attribute in self.locals:
            if (
                attribute in ("attention_mask", "head_mask", "position_bias")
                and attribute not in named
                and name in self.layers
            ):
                yield self._added(node, f"{attribute}={attribute}", "missing-argument", 2)

    def _rolled(self, node: Any) -> Iterator[Variant]:
        """The other way, along all axes."""
        spots = [k.value for k in node.keywords if k.arg == "shift"] + node.args[1:2]
        for spot in spots[:1]:
            parts = spot.elts if isinstance(spot, (ast.Tuple, ast.List)) else [spot]
            minus = [isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub) for e in parts]
            changes = [
                self.put(e, self.text(e.operand) if negative else f"-{self.text(e)}")
                for e, negative in zip(parts, minus)
            ]
            yield Variant("roll", f"`{self.text(node)[:80]}` rolls the other way", changes, 0)

    def _added(self, node: Any, text: str, kind: str, rank: int) -> Variant:
        anchor = [*node.args, *[k.value for k in node.keywords]]
        if not anchor:
            change = (
                node.end_lineno,
                node.end_col_offset - 1,
                node.end_lineno,
                node.end_col_offset - 1,
                text,
            )
        else:
            end = max(anchor, key=lambda n: (n.end_lineno, n.end_col_offset))
            change = (end.end_lineno, end.end_col_offset, end.end_lineno, end.end_col_offset, f", {text}")
        return Variant(kind, f"`{self.text(node.func)}(…)` lacks `{text}`", [change], rank)

    def _name(self, node: Any) -> Iterator[Variant]:
        if isinstance(node.ctx, ast.Load) and node.id in self.locals:
            parent = self.parents.get(id(node))
            if isinstance(parent, ast.Call) and parent.func is node:
                return
            for other in self.locals:
                if other != node.id:
                    yield self.one("wrong-variable", node, other, 3)

    def _attribute(self, node: Any) -> Iterator[Variant]:
        if getattr(node.value, "id", "") == "self" and isinstance(node.ctx, ast.Load):
            pool = (
                self.layers
                if node.attr in self.layers
                else [n for n, _ in self.numbers]
                if node.attr in dict(self.numbers)
                else []
            )
            for other in pool:
                if other != node.attr:
                    kind = "wrong-layer" if node.attr in self.layers else "wrong-variable"
                    yield self.one(kind, node, f"self.{other}", 2)

        elif getattr(node.value, "id", "") == "config" and isinstance(node.ctx, ast.Load):
            for name, _ in self.numbers:
                yield self.one("wrong-variable", node, f"self.{name}", 2)

    def _subscript(self, node: Any) -> Iterator[Variant]:
        if isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load):
            whole = self.text(node.value)
            yield self.one(
                "slice", node, whole, 1, f"`{self.text(node)[:60]}` leaves out a part of `{whole[:60]}`"
            )

    def _tuple(self, node: Any) -> Iterator[Variant]:
        elements = node.elts
        numbers = all(isinstance(e, ast.Constant) and isinstance(e.value, int) for e in elements)
        if (
            numbers
            and 2 <= len(elements) <= 5
            and sorted(e.value for e in elements) == list(range(len(elements)))
        ):
            for order in itertools.permutations(range(len(elements))):
                if list(order) != [e.value for e in elements]:
                    body = ", ".join(map(str, order))
                    ends = self.text(node)[0], self.text(node)[-1]
                    text = f"{ends[0]}{body}{ends[1]}" if ends[0] in "([" else body
                    yield self.one("transpose", node, text, 1)
        elif 2 <= len(elements) <= 4:
            kind = "swapped"
            for a, b in itertools.combinations(elements, 2):
                if (
                    self.text(a) != self.text(b)
                    and not isinstance(a, ast.Starred)
                    and not isinstance(b, ast.Starred)
                ):
                    why = f"`{self.text(a)[:50]}` and `{self.text(b)[:50]}` are swapped"
                    odd = (
                        isinstance(node.ctx, ast.Store)
                        or isinstance(a, ast.Slice)
                        or isinstance(b, ast.Slice)
                    )
                    changes = [self.put(a, self.text(b)), self.put(b, self.text(a))]
                    yield Variant(kind, why, changes, 3 if odd else 1)

    _list = _tuple

    def _if(self, node: Any) -> Iterator[Variant]:
        test = self.text(node.test)
        yield self.one("condition", node.test, f"not ({test})", 2)

    def _ifexp(self, node: Any) -> Iterator[Variant]:
        yield self.one("condition", node, self.text(node.body), 2)
        yield self.one("condition", node, self.text(node.orelse), 2)
