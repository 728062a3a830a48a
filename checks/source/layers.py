"""What the classes of a model module are made of: the layers that they create and hold, and their own weights. Of both frameworks.

`class_layers` reads Keras layers and PyTorch modules alike: a layer is whatever a class creates in a method and keeps on `self`, alone or in
a list. The syntax tree stays reachable (`ClassLayers.node`, `Layer.call`) for rules that look at more; it is shared, never change it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from checks.source.python import Problem, dotted, parse

Held = Literal["attribute", "list", "sequential", "dict"]
"""`self.x = Layer(…)`; an item of a list (`nn.ModuleList`); of an `nn.Sequential` or `keras.Sequential`; of a dict."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A call that makes a layer and keeps it.

    Attributes:
        attribute: "dense" of `self.dense = …`; of an item of a list, the list's attribute.
        kind: what is called, dotted, as written: "keras.layers.Dense", "nn.Linear", "TFBertLayer".
        call: the syntax node.
        name: of `name=…` (Keras) or `add_module(…)`: the literal; of an f-string its text with `{}` for each expression
            ("layer_._{}"); None if there is none, "" if it is an expression.
        held: how it is kept.
        index: position in a sequential or literal list, from 0; None where a loop makes them.
        looped: made in a loop or a comprehension, so that there are several.
        conditional: made only under an `if`, or one side of a conditional expression.
        method: name of the method that makes it.
    """

    attribute: str
    kind: str
    call: ast.Call
    name: str | None
    held: Held
    index: int | None
    looped: bool
    conditional: bool
    method: str

    @property
    def line(self) -> int:
        """Of the call, from 1."""
        return self.call.lineno

    @property
    def short(self) -> str:
        """Last part of `kind`: "Dense"."""
        return self.kind.rsplit(".", 1)[-1]

    @property
    def is_keras(self) -> bool:
        """A layer of Keras itself."""
        return self.kind.startswith(("tf.keras.layers.", "keras.layers.", "layers."))

    @property
    def is_nn(self) -> bool:
        """A module of `torch.nn` itself."""
        return self.kind.startswith(("nn.", "torch.nn."))

    def argument(self, name: str, position: int | None = None) -> ast.expr | None:
        """The argument with this keyword or (from 0) position; None if it is not given."""
        return argument(self.call, name, position)


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight of the class's own: `nn.Parameter`, `register_buffer` or `register_parameter`, `add_weight`.

    Attributes:
        attribute: of `self` ("" if it is kept nowhere).
        name: as for `Layer`; of PyTorch the attribute.
        kind: "parameter", "buffer" (persistent), "unsaved-buffer" or "add_weight".
        call: the node.
        method: that makes it.
        scopes: of `add_weight`: the texts of the `tf.name_scope(…)` around it.
        conditional: made only under an `if`, or one side of a conditional expression.
    """

    attribute: str
    name: str | None
    kind: Literal["parameter", "buffer", "unsaved-buffer", "add_weight"]
    call: ast.Call
    method: str
    scopes: tuple[str, ...] = ()
    conditional: bool = False

    @property
    def line(self) -> int:
        """Of the call, from 1."""
        return self.call.lineno


@dataclass(frozen=True, slots=True)
class ClassLayers:
    """One class of a module.

    Attributes:
        bases: dotted, as written.
        layers: in the order of the text.
        weights: its own weights.
        attributes: every name that some method assigns on `self` (also by `add_module`, `register_buffer`), or the class body.
    """

    name: str
    node: ast.ClassDef
    bases: tuple[str, ...]
    layers: tuple[Layer, ...] = ()
    weights: tuple[Weight, ...] = ()
    attributes: frozenset[str] = field(default_factory=frozenset[str])

    def method(self, name: str) -> ast.FunctionDef | None:
        """The method's node."""
        return next((n for n in self.node.body if isinstance(n, ast.FunctionDef) and n.name == name), None)

    def of(self, attribute: str) -> tuple[Layer, ...]:
        """The layers that an attribute holds (several, if branches or a list make them)."""
        return tuple(layer for layer in self.layers if layer.attribute == attribute)


@lru_cache(maxsize=32)
def class_layers(text: str) -> dict[str, ClassLayers]:
    """The classes of a module's text by name; empty if it can't be parsed. Cached by text, as it keeps the tree alive."""
    tree = parse(text)
    if isinstance(tree, Problem):
        return {}
    found: dict[str, ClassLayers] = {}
    try:
        for node in _classes(tree.body):
            reader = _Reader()
            for part in node.body:
                if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    reader.method(part)
                else:
                    reader.attributes.update(t.id for t in _targets(part) if isinstance(t, ast.Name))
            found[node.name] = ClassLayers(
                node.name,
                node,
                tuple(filter(None, map(dotted, node.bases))),
                tuple(reader.layers),
                tuple(reader.weights),
                frozenset(reader.attributes),
            )
    except RecursionError:
        return {}
    return found


@lru_cache(maxsize=32)
def module_functions(text: str) -> dict[str, ClassLayers]:
    """The functions of a module's top level by name, each as a class of that name whose only method it is."""
    tree = parse(text)
    if isinstance(tree, Problem):
        return {}
    found: dict[str, ClassLayers] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            around = ast.ClassDef(
                name=node.name,
                bases=[],
                keywords=[],
                body=[node],
                decorator_list=[],
                lineno=node.lineno,
                end_lineno=node.end_lineno,
                col_offset=node.col_offset,
            )
            found[node.name] = ClassLayers(node.name, around, ())
    return found


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a block, those of its inner blocks included, in the order of the text; not what is within expressions."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body)


def argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """The argument of a call with this keyword or (from 0) position; None if it is not given."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if position is not None and position < len(call.args):
        found = call.args[position]
        return None if any(isinstance(a, ast.Starred) for a in call.args[: position + 1]) else found
    return None


def pattern(node: ast.expr | None) -> str | None:
    """A name as text: of an f-string, of `"…{}".format(…)` and of `"…" + str(…)` with `{}` for each expression; "" if it is something
    else, None if there is none."""
    if node is None:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [
            "{}" if isinstance(side, ast.Call) and dotted(side.func) == "str" else pattern(side)
            for side in (node.left, node.right)
        ]
        return "".join(map(str, sides)) if all(sides) else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        text = pattern(node.func.value) or ""
        return re.sub(r"\{[^{}]*\}", "{}", text)
    return ""


def _classes(body: list[ast.stmt]) -> Iterator[ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node
        elif isinstance(node, ast.If):
            yield from _classes(node.body)
            yield from _classes(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _classes(node.body)


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        flat: list[ast.expr] = []
        for target in node.targets:
            flat += target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        return flat
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return [node.target]
    return []


def _on_self(node: ast.expr) -> str:
    """ "x" of `self.x`, else ""."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return ""


_LISTS = ("ModuleList",)
_SEQUENTIALS = ("Sequential",)
_DICTS = ("ModuleDict",)
_NO_LAYERS = frozenset(
    [
        "len",
        "int",
        "float",
        "str",
        "bool",
        "list",
        "tuple",
        "dict",
        "set",
        "range",
        "sum",
        "max",
        "min",
        "getattr",
        "isinstance",
        "super",
        "zip",
        "enumerate",
        "reversed",
        "sorted",
    ]
)


def makes_layer(call: ast.Call) -> bool:
    """The callee is named as a class is, or it is an entry of a table of classes (`ACT2FN[…](…)` is not: it gives a function)."""
    name = dotted(call.func)
    last = name.rsplit(".", 1)[-1].lstrip("_")
    if not last or last in _NO_LAYERS or isinstance(call.func, ast.Subscript):
        return False
    return last[0].isupper() and not last.isupper()


class _Reader:
    """Collects what the methods of one class make."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.weights: list[Weight] = []
        self.attributes: set[str] = set()
        self._locals: dict[str, list[Layer]] = {}
        self._method = ""

    def method(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._method, self._locals = node.name, {}
        self._block(node.body, looped=False, conditional=False, scopes=())

    def _block(
        self, body: list[ast.stmt], *, looped: bool, conditional: bool, scopes: tuple[str, ...]
    ) -> None:
        for node in body:
            if isinstance(node, ast.If):
                for part in (node.body, node.orelse):
                    self._block(part, looped=looped, conditional=True, scopes=scopes)
            elif isinstance(node, (ast.For, ast.While)):
                self._block(node.body, looped=True, conditional=conditional, scopes=scopes)
            elif isinstance(node, ast.With):
                inner = tuple(_scope(item.context_expr) for item in node.items)
                self._block(
                    node.body,
                    looped=looped,
                    conditional=conditional,
                    scopes=(*scopes, *filter(None, inner)),
                )
            elif isinstance(node, ast.Try):
                for part in (node.body, *(h.body for h in node.handlers), node.orelse, node.finalbody):
                    self._block(part, looped=looped, conditional=conditional, scopes=scopes)
            else:
                self._statement(node, looped=looped, conditional=conditional, scopes=scopes)

    def _statement(self, node: ast.stmt, *, looped: bool, conditional: bool, scopes: tuple[str, ...]) -> None:
        targets = _targets(node)
        for target in targets:
            if name := _on_self(target):
                self.attributes.add(name)
        value = getattr(node, "value", None)
        if not isinstance(value, ast.expr):
            return
        attribute = next((name for target in targets if (name := _on_self(target))), "")
        weight = self._weight(value, attribute, scopes, conditional)
        if weight is not None:
            self.weights.append(weight)
            return
        if isinstance(node, ast.Expr):
            self._call(value, looped=looped, conditional=conditional)
            return
        made = list(self._made(value, "", "attribute", looped=looped, conditional=conditional))
        if attribute:
            if isinstance(value, ast.Name):  # self.layers = layers, filled before
                made = self._locals.pop(value.id, [])
            self.layers += [_moved(layer, attribute) for layer in made]
        elif targets and isinstance(targets[0], ast.Name):
            if isinstance(node, ast.AugAssign):
                self._locals.setdefault(targets[0].id, []).extend(made)
            elif made or isinstance(value, ast.List):
                self._locals[targets[0].id] = made

    def _call(self, value: ast.expr, *, looped: bool, conditional: bool) -> None:
        """`self.x.append(Layer(…))`, `x.append(…)`, `self.add_module("x", …)`."""
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
            return
        verb, receiver = value.func.attr, value.func.value
        if verb == "add_module" and isinstance(receiver, ast.Name) and len(value.args) == 2:
            name = pattern(value.args[0]) or ""
            self.attributes.add(name)
            made = self._made(value.args[1], name, "attribute", looped=looped, conditional=conditional)
            self.layers += list(made)
        elif verb in ("append", "extend", "insert") and value.args:
            made = self._made(value.args[-1], "", "list", looped=looped, conditional=conditional)
            found = [
                _moved(layer, layer.attribute, "list" if layer.held == "attribute" else None)
                for layer in made
            ]
            if not found and isinstance(value.args[-1], ast.Name):
                found = [_moved(layer, "", "list") for layer in self._locals.pop(value.args[-1].id, [])]
            if name := _on_self(receiver):
                self.layers += [_moved(layer, name) for layer in found]
            elif isinstance(receiver, ast.Name):
                self._locals.setdefault(receiver.id, []).extend(found)

    def _weight(
        self, value: ast.expr, attribute: str, scopes: tuple[str, ...], conditional: bool
    ) -> Weight | None:
        if isinstance(value, ast.IfExp):
            sides = (self._weight(side, attribute, scopes, True) for side in (value.body, value.orelse))
            return next(filter(None, sides), None)
        if not isinstance(value, ast.Call):
            return None
        callee = dotted(value.func)
        if callee in ("nn.Parameter", "torch.nn.Parameter", "Parameter") and attribute:
            return Weight(attribute, attribute, "parameter", value, self._method, (), conditional)
        if callee in ("self.register_buffer", "self.register_parameter"):
            name = pattern(argument(value, "name", 0)) or ""
            self.attributes.add(name)
            persistent = argument(value, "persistent", 2)
            saved = not (isinstance(persistent, ast.Constant) and persistent.value is False)
            kind = "parameter" if callee.endswith("parameter") else "buffer" if saved else "unsaved-buffer"
            return Weight(name, name, kind, value, self._method, (), conditional)
        if callee == "self.add_weight":
            name = argument(
                value, "name", 0 if value.args and isinstance(value.args[0], ast.Constant) else None
            )
            return Weight(attribute, pattern(name), "add_weight", value, self._method, scopes, conditional)
        return None

    def _made(
        self, value: ast.expr, attribute: str, held: Held, *, looped: bool, conditional: bool
    ) -> Iterator[Layer]:
        """The layers that an expression makes."""
        if isinstance(value, ast.IfExp):
            for side in (value.body, value.orelse):
                yield from self._made(side, attribute, held, looped=looped, conditional=True)
        elif isinstance(value, (ast.List, ast.Tuple)):
            yield from self._items(value.elts, attribute, "list", looped, conditional)
        elif isinstance(value, (ast.ListComp, ast.GeneratorExp)):
            yield from self._made(value.elt, attribute, "list", looped=True, conditional=conditional)
        elif isinstance(value, ast.Dict):
            for entry in value.values:
                yield from self._made(entry, attribute, "dict", looped=looped, conditional=conditional)
        elif isinstance(value, ast.DictComp):
            yield from self._made(value.value, attribute, "dict", looped=True, conditional=conditional)
        elif isinstance(value, ast.BinOp):
            for side in (value.left, value.right):
                yield from self._made(side, attribute, held, looped=looped, conditional=conditional)
        elif isinstance(value, ast.Name):
            kept = self._locals.get(value.id, [])
            yield from (_moved(layer, attribute, held if held != "attribute" else None) for layer in kept)
        elif isinstance(value, ast.Call):
            last = dotted(value.func).rsplit(".", 1)[-1]
            if last in (*_LISTS, *_SEQUENTIALS, *_DICTS) and makes_layer(value):
                inner: Held = "list" if last in _LISTS else "dict" if last in _DICTS else "sequential"
                parts = value.args
                if len(parts) == 1 and isinstance(parts[0], (ast.List, ast.Tuple)):
                    parts = parts[0].elts
                yield from self._items(parts, attribute, inner, looped, conditional)
                if inner == "sequential" and not dotted(value.func).startswith(("nn.", "torch.")):
                    yield self._layer(value, attribute, held, None, looped, conditional)
            elif makes_layer(value):
                yield self._layer(value, attribute, held, None, looped, conditional)

    def _items(
        self, parts: list[ast.expr], attribute: str, held: Held, looped: bool, conditional: bool
    ) -> Iterator[Layer]:
        for number, part in enumerate(parts):
            element = part.value if isinstance(part, ast.Starred) else part
            for layer in self._made(element, attribute, held, looped=looped, conditional=conditional):
                plain = layer.held == held and not layer.looped and not isinstance(part, ast.Starred)
                yield (
                    Layer(
                        layer.attribute,
                        layer.kind,
                        layer.call,
                        layer.name,
                        held,
                        number if plain or layer.index is None else layer.index,
                        layer.looped,
                        layer.conditional,
                        layer.method,
                    )
                    if plain or layer.held == "attribute"
                    else layer
                )

    def _layer(
        self, call: ast.Call, attribute: str, held: Held, index: int | None, looped: bool, conditional: bool
    ) -> Layer:
        name = pattern(argument(call, "name"))
        return Layer(attribute, dotted(call.func), call, name, held, index, looped, conditional, self._method)


def _moved(layer: Layer, attribute: str, held: Held | None = None) -> Layer:
    return Layer(
        attribute or layer.attribute,
        layer.kind,
        layer.call,
        layer.name,
        held or layer.held,
        layer.index,
        layer.looped,
        layer.conditional,
        layer.method,
    )


def _scope(node: ast.expr) -> str:
    """ "self.dense.name" of `tf.name_scope(self.dense.name)`, else ""."""
    if isinstance(node, ast.Call) and dotted(node.func).endswith("name_scope") and node.args:
        return ast.unparse(node.args[0])
    return ""
