"""Small changes of a function's source, one at a time: what a person would try who looks for the difference."""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

from ..where import Function

ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "tanh", "sigmoid", "quick_gelu", "mish", "linear")
RESIZES = ("bilinear", "nearest", "bicubic", "area")
PADDINGS = ("same", "valid")
REDUCTIONS = ("reduce_mean", "reduce_sum", "reduce_max", "reduce_min")
FUNCTIONS = ("relu", "relu6", "gelu", "silu", "swish", "tanh", "sigmoid", "softplus", "elu")

EXACT = ("wrong-variable", "missing-term", "scale", "operator", "constant")
"""Kinds that may mend a tiny model by chance: two sizes that happen to be equal, a factor that happens to be two."""

Change = Tuple[int, int, int, int, str]
"""First line, first column, last line, last column (lines of the file from 1, columns in characters from 0), new text."""


@dataclass
class Variant:
    """One change of a function.

    Attributes:
        kind: of the cause, if the change mends the difference.
        text: the cause in words.
        rank: the lower, the sooner it is tried.
    """

    kind: str
    text: str
    changes: List[Change]
    rank: int

    @property
    def line(self) -> int:
        return self.changes[0][0]


def variants(
    function: Function, layers: Sequence[str] = (), numbers: Sequence[Any] = (), twin: str = ""
) -> List[Variant]:
    """All variants of a function, the most probable first.

    Args:
        layers: attributes of `self` that are layers.
        numbers: attributes of `self` that are numbers, each with its value.
        twin: source of the PyTorch class: what it does not mention is improbable.
    """
    found = list(_Maker(function, list(layers), list(numbers)).all())
    words = set(re.findall(r"\w+", twin))
    for variant in found:
        new = {word for change in variant.changes for word in re.findall(r"\w+", change[4])}
        numbers_new = {word for word in new if word.isdigit()}
        if twin and variant.kind in EXACT and not (new - numbers_new <= words):
            variant.rank += 1
        if variant.kind in ("scale", "constant") and numbers_new and not numbers_new & words:
            variant.rank += 1
    return sorted(found, key=lambda variant: variant.rank)


class _Maker:
    def __init__(self, function: Function, layers: List[str], numbers: List[Any]) -> None:
        self.function, self.layers, self.numbers = function, layers, numbers
        self.parents: Dict[int, Any] = {}
        for node in ast.walk(function.node):
            for child in ast.iter_child_nodes(node):
                self.parents[id(child)] = node
        self.body = [node for statement in function.node.body for node in ast.walk(statement)]
        arguments = function.node.args
        self.locals: List[str] = [a.arg for a in arguments.args + arguments.kwonlyargs if a.arg != "self"]
        self.types: Set[int] = {
            id(n) for s in self.body if isinstance(s, ast.AnnAssign) for n in ast.walk(s.annotation)
        }
        for node in self.body:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in self.locals:
                self.locals.append(node.id)

    def text(self, node: Any) -> str:
        lines = self.function.lines
        if node.lineno == node.end_lineno:
            return lines[node.lineno - 1][node.col_offset : node.end_col_offset]
        middle = lines[node.lineno : node.end_lineno - 1]
        return "\n".join(
            [
                lines[node.lineno - 1][node.col_offset :],
                *middle,
                lines[node.end_lineno - 1][: node.end_col_offset],
            ]
        )

    def put(self, node: Any, text: str) -> Change:
        return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text)

    def one(self, kind: str, node: Any, text: str, rank: int, why: str = "") -> Variant:
        before = " ".join(self.text(node).split())[:80]
        return Variant(
            kind, why or f"`{before}` should be `{' '.join(text.split())[:80]}`", [self.put(node, text)], rank
        )

    def all(self) -> Iterator[Variant]:
        for node in self.body:
            if id(node) in self.types:
                continue
            name = "_" + type(node).__name__.lower()
            maker = getattr(self, name, None)
            if maker is not None:
                yield from maker(node)
        yield from self._swapped_layers()
        for statement in self.body:
            if isinstance(statement, (ast.Assign, ast.Return)) and statement.value is not None:
                yield from self._inserted(statement)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _context(self, node: Any) -> Tuple[str, Any]:
        parent = self.parents.get(id(node))
        if isinstance(parent, ast.UnaryOp):
            parent = self.parents.get(id(parent))
        if isinstance(parent, ast.keyword):
            return "keyword", parent
        inner = parent
        while isinstance(
            inner, (ast.Tuple, ast.List, ast.Slice, ast.Index if hasattr(ast, "Index") else ast.Slice)
        ):
            inner = self.parents.get(id(inner))
        if isinstance(inner, ast.Subscript) and inner.slice is not None and self._inside(node, inner.slice):
            return "index", inner
        if isinstance(inner, ast.keyword):
            return "keyword", inner
        return ("operator", parent) if isinstance(parent, ast.BinOp) else ("", parent)

    def _inside(self, node: Any, holder: Any) -> bool:
        return any(inner is node for inner in ast.walk(holder))

    def _constant(self, node: Any) -> Iterator[Variant]:
        value = node.value
        if isinstance(value, bool):
            context, parent = self._context(node)
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
        context, parent = self._context(node)
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
            left if self._simple(node.left) else f"({left})",
            1,
            f"`{sign} {right[:60]}` is too much",
        )
        yield self.one(
            kind,
            node,
            right if self._simple(node.right) else f"({right})",
            2,
            f"`{left[:60]} {sign}` is too much",
        )
        if sign in "*/" and isinstance(node.right, (ast.Name, ast.Attribute)):
            yield self.one("scale", node, f"{left} {sign} {right} ** 0.5", 2)
            yield self.one("scale", node, f"{left} {sign} {right} ** 2", 2)

    def _simple(self, node: Any) -> bool:
        return isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.Subscript))

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
        for group, kind in ((REDUCTIONS, "reduction"), (FUNCTIONS, "activation")):
            if name in group:
                for other in group:
                    if other != name:
                        prefix = self.text(node.func)[: -len(name)]
                        yield self.one(kind, node.func, prefix + other, 1)
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

    # -- statements ----------------------------------------------------------------------------------------------------

    def _swapped_layers(self) -> Iterator[Variant]:
        uses: Dict[str, List[Any]] = {}
        for node in self.body:
            if (
                isinstance(node, ast.Attribute)
                and node.attr in self.layers
                and getattr(node.value, "id", "") == "self"
            ):
                uses.setdefault(node.attr, []).append(node)
        for one, other in itertools.combinations(uses, 2):
            changes = [self.put(n, f"self.{other}") for n in uses[one]] + [
                self.put(n, f"self.{one}") for n in uses[other]
            ]
            yield Variant("swapped-projections", f"`self.{one}` and `self.{other}` are swapped", changes, 0)

    def _inserted(self, statement: Any) -> Iterator[Variant]:
        value = statement.value
        if isinstance(value, (ast.Tuple, ast.Constant)) or (
            isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name)
        ):
            return
        text = self.text(value)
        whole = text if self._simple(value) else f"({text})"
        used = {
            n.attr for n in self.body if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "self"
        }
        for layer in self.layers:
            if layer not in used:
                yield self.one(
                    "skipped-operation",
                    value,
                    f"self.{layer}({text})",
                    0,
                    f"`self.{layer}` is made but never called",
                )
        spots = [value]
        if isinstance(value, ast.Call):
            spots += [a for a in value.args if isinstance(a, (ast.Name, ast.Call, ast.BinOp))][:1]
            spots += [
                k.value
                for k in value.keywords
                if isinstance(k.value, (ast.Name, ast.Call, ast.BinOp)) and k.arg != "training"
            ][:1]
        for spot in spots:
            inner = self.text(spot)
            safe = inner if self._simple(spot) else f"({inner})"
            # Adding what is in the sum already is only another way to double it.
            names = {n.id for n in ast.walk(spot) if isinstance(n, ast.Name)}
            for name in self.locals:
                if (
                    name not in ("training", "return_dict", "output_attentions", "output_hidden_states")
                    and name not in names
                ):
                    yield self.one(
                        "missing-term",
                        spot,
                        f"{inner} + {name}",
                        2,
                        f"`+ {name}` (a residual) is missing after `{' '.join(inner.split())[:60]}`",
                    )
            for name, _ in self.numbers:
                unused = 3 if name not in used and re.search("scal|factor|offset|temperature", name) else 0
                for factor, words in (
                    (f"self.{name}", f"self.{name}"),
                    (f"(self.{name} ** 0.5)", f"sqrt(self.{name})"),
                ):
                    for sign in "*/":
                        yield self.one(
                            "scale",
                            spot,
                            f"{safe} {sign} {factor}",
                            3 - unused,
                            f"`{sign} {words}` is missing after `{' '.join(inner.split())[:60]}`",
                        )
            for offset in ("+ 1", "- 1", "+ 2"):
                yield self.one(
                    "offset",
                    spot,
                    f"{safe} {offset}",
                    3,
                    f"`{offset}` is missing after `{' '.join(inner.split())[:60]}`",
                )
            yield self.one("sign", spot, f"1.0 - {safe}", 3)
        if isinstance(statement, ast.Assign):
            target = statement.targets[0].id
            names = [n for n in used if n in self.layers]
            for layer in names:
                yield self.one(
                    "skipped-operation",
                    value,
                    f"self.{layer}({whole})",
                    4,
                    f"`self.{layer}` is skipped for `{target}`",
                )
