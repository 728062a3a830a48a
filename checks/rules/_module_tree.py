"""PyTorch's tree of modules, as far as its source tells: what can stand under an attribute, an index of an `nn.Sequential`, and so on.

A place is what one path leads to. Where branches make different modules, a path leads to several places; what can't be told from the
source is `OPAQUE`, and everything below it is possible.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from checks.pairs import Pair, pytorch_classes, with_bases
from checks.port import Port
from checks.source.layers import ClassLayers, Weight, makes_layer, statements
from checks.source.python import dotted


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that the source does not tell."""


OPAQUE = Opaque()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A module of `torch.nn`; `kind` without its package: "Linear"."""

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A weight."""

    weight: Weight | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Module:
    """A class of a PyTorch module, with its bases, each with the path of its file."""

    chain: tuple[tuple[str, ClassLayers], ...]

    @property
    def path(self) -> str:
        """Of the class's file."""
        return self.chain[0][0]

    @property
    def layers(self) -> ClassLayers:
        """The class itself."""
        return self.chain[0][1]


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """An `nn.Sequential` or `nn.ModuleList`.

    Attributes:
        items: the places of each item, in order, up to the first that repeats or that the source does not tell.
        rest: the places of all items from there on; None if there are none.
    """

    kind: str
    line: int
    items: tuple[tuple[Place, ...], ...]
    rest: tuple[Place, ...] | None


Place = Opaque | Leaf | Parameter | Module | Series

_WEIGHTLESS = re.compile(
    r"Dropout|Pool|Pad\d|ReLU|GELU|SiLU|Swish|Tanh|Sigmoid|Softmax|Softplus|Identity|Flatten|Upsampl|Pixel|Loss|Mish|CELU|ELU|"
    r"Fold|Unfold|CosineSimilarity|Activation|DropPath|Shuffle|SELU|InstanceNorm"
)
"""Modules of `torch.nn` without weights (`PReLU` has one; `InstanceNorm` has none unless told so)."""

_PLAIN_BASES = re.compile(r"(\.|^)(Module|ABC|object)$|PreTrainedModel$|Mixin$")


class Tree:
    """The PyTorch modules of one port."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._weighted: dict[str, bool | None] = {}
        self._below: dict[tuple[str, str, str], tuple[Place, ...]] = {}
        self._chains: dict[tuple[str, str], Module] = {}
        self._open: dict[tuple[str, str], bool] = {}
        self._values: dict[tuple[str, str], dict[str, list[tuple[ast.FunctionDef, ast.expr]]]] = {}

    def twin(self, pair: Pair) -> Module | None:
        """The place of a class's twin."""
        return Module(tuple(zip(pair.paths, pair.pytorch, strict=True))) if pair.pytorch else None

    # -- walking -------------------------------------------------------------------------------------------------------

    def step(self, places: Iterable[Place], segment: str) -> tuple[Place, ...]:
        """Where one more segment of a path leads; empty if there is no such thing.

        Args:
            segment: an attribute or index; `{}` stands for whatever an f-string has there.
        """
        found: list[Place] = []
        for place in places:
            found += self._step(place, segment)
        return tuple(dict.fromkeys(found))

    def _step(self, place: Place, segment: str) -> tuple[Place, ...]:
        if isinstance(place, Opaque):
            return (OPAQUE,)
        if isinstance(place, Parameter):
            return ()
        if isinstance(place, Leaf):
            return _of_leaf(place.kind, segment)
        if isinstance(place, Series):
            return self._item(place, segment)
        key = (place.path, place.layers.name, segment)
        if key not in self._below:
            self._below[key] = tuple(self._child(place, segment))
        return self._below[key]

    def _item(self, place: Series, segment: str) -> tuple[Place, ...]:
        if segment == "{}":
            return tuple(p for item in (*place.items, place.rest or ()) for p in item)
        if not segment.isdigit():
            # A list within a list: f"blocks.{i}.attention" of a class that keeps no list of its own.
            return ()
        number = int(segment)
        if number < len(place.items):
            return place.items[number]
        return place.rest or ()

    def _child(self, place: Module, segment: str) -> Iterator[Place]:
        plain = True
        for path, layers in place.chain:
            for base in layers.bases:
                last = base.rsplit(".", 1)[-1]
                if base.startswith(("nn.", "torch.nn.")) and last != "Module":
                    yield from (
                        (OPAQUE,)
                        if last in ("Sequential", "ModuleList", "ModuleDict")
                        else _of_leaf(last, segment)
                    )
                elif not _PLAIN_BASES.search(base) and all(last != other.name for _, other in place.chain):
                    plain = False
            matching = [name for name in layers.attributes if _matches(name, segment)]
            if matching:
                for name in matching:
                    yield from self._attribute(path, layers, name)
                return
        if not plain or any(self._is_open(path, layers) for path, layers in place.chain):
            yield OPAQUE

    def _is_open(self, path: str, layers: ClassLayers) -> bool:
        key = (path, layers.name)
        if key not in self._open:
            self._open[key] = is_open(layers)
        return self._open[key]

    def _attribute(self, path: str, layers: ClassLayers, name: str) -> Iterator[Place]:
        """The places that an attribute holds."""
        known = False
        for weight in layers.weights:
            if weight.attribute == name:
                known = True
                yield Parameter(weight)
        for layer in layers.of(name):  # of add_module, too
            if layer.held == "attribute":
                known = True
                yield from self.place(path, layer.call, layers)
        for method, value in self._assigned(path, layers).get(name, ()):
            for side in _sides(value):
                if isinstance(side, ast.Call) and dotted(side.func).rsplit(".", 1)[-1] in (
                    "Sequential",
                    "ModuleList",
                ):
                    known = True
                    yield from self._of_call(path, side, layers, method, name)
                elif isinstance(side, ast.Call) and (is_weight(side) or makes_layer(side)):
                    continue
                elif not (isinstance(side, ast.Constant) and known):
                    known = True
                    yield OPAQUE
        if not known:
            yield OPAQUE

    def _assigned(self, path: str, layers: ClassLayers) -> dict[str, list[tuple[ast.FunctionDef, ast.expr]]]:
        """What the methods of a class assign to its attributes."""
        key = (path, layers.name)
        if key not in self._values:
            found: dict[str, list[tuple[ast.FunctionDef, ast.expr]]] = {}
            for method in layers.node.body:
                if isinstance(method, ast.FunctionDef) and method.name != "forward":
                    for node in statements(method.body):
                        targets = (
                            node.targets
                            if isinstance(node, ast.Assign)
                            else [node.target]
                            if isinstance(node, ast.AnnAssign)
                            else []
                        )
                        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
                        for target in targets:
                            if (
                                value is not None
                                and isinstance(target, ast.Attribute)
                                and _is_self(target, target.attr)
                            ):
                                found.setdefault(target.attr, []).append((method, value))
            self._values[key] = found
        return self._values[key]

    def place(self, path: str, node: ast.expr, within: ClassLayers | None = None) -> tuple[Place, ...]:
        """What an expression of the module `path` makes."""
        if isinstance(node, ast.IfExp):
            return (*self.place(path, node.body, within), *self.place(path, node.orelse, within))
        if isinstance(node, ast.Subscript) or (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript)
        ):
            return (Leaf("Activation", node.lineno),) if dotted(node).startswith("ACT") else (OPAQUE,)
        if isinstance(node, ast.Constant):
            return ()
        if not isinstance(node, ast.Call):
            return (OPAQUE,)
        kind = dotted(node.func)
        last = kind.rsplit(".", 1)[-1]
        if last in ("Sequential", "ModuleList"):
            return tuple(self._of_call(path, node, within)) or (OPAQUE,)
        here = pytorch_classes(self._port, path)
        if kind in here:
            if (path, kind) not in self._chains:
                self._chains[path, kind] = Module(with_bases(self._port, path, here[kind]))
            return (self._chains[path, kind],)
        if kind.startswith(("nn.", "torch.nn.")) and last not in ("ModuleDict", "ParameterList"):
            return (Leaf(last, node.lineno),)
        if last in (
            "Linear",
            "Conv1D",
            "Conv2d",
            "Conv1d",
            "LayerNorm",
            "Embedding",
            "Dropout",
            "BatchNorm2d",
        ):
            return (Leaf(last, node.lineno),)
        return (OPAQUE,)

    # -- lists and sequentials -----------------------------------------------------------------------------------------

    def _of_call(
        self,
        path: str,
        call: ast.Call,
        within: ClassLayers | None,
        method: ast.FunctionDef | None = None,
        name: str = "",
    ) -> Iterator[Series | Opaque]:
        kind = dotted(call.func).rsplit(".", 1)[-1]
        parts: list[ast.expr] = list(call.args)
        if len(parts) == 1 and isinstance(parts[0], (ast.List, ast.Tuple)):
            parts = list(parts[0].elts)
        elif len(parts) == 1 and kind == "ModuleList":
            parts = [ast.Starred(parts[0])]
        if len(parts) == 1 and isinstance(parts[0], ast.Call):
            if dotted(parts[0].func).rsplit(".", 1)[-1] == "OrderedDict":
                yield OPAQUE
                return
        builder = _Builder(self, path, within, method)
        for part in parts:
            builder.add(part)
        if method is not None and name:
            builder.appended(method.body, lambda node: _is_self(node, name), certain=True)
        yield builder.series(kind, call.lineno)

    # -- weights -------------------------------------------------------------------------------------------------------

    def weighted(self, place: Place) -> bool | None:
        """Whether a place has weights (or something below it); None if the source does not tell."""
        if isinstance(place, Opaque):
            return None
        if isinstance(place, Parameter):
            return True
        if isinstance(place, Leaf):
            return place.kind == "PReLU" or not _WEIGHTLESS.search(place.kind)
        if isinstance(place, Series):
            return self.any_weighted(p for item in (*place.items, place.rest or ()) for p in item)
        key = f"{place.path}:{place.layers.name}"
        if key not in self._weighted:
            self._weighted[key] = False  # a class that contains itself
            self._weighted[key] = self._class_weighted(place)
        return self._weighted[key]

    def any_weighted(self, places: Iterable[Place]) -> bool | None:
        """Of several places."""
        answers = [self.weighted(place) for place in places]
        return True if True in answers else None if None in answers else False

    def _class_weighted(self, place: Module) -> bool | None:
        answers: list[bool | None] = []
        for path, layers in place.chain:
            if any(weight.kind != "unsaved-buffer" for weight in layers.weights):
                return True
            for base in layers.bases:
                last = base.rsplit(".", 1)[-1]
                if base.startswith("nn.") and last not in (
                    "Module",
                    "Sequential",
                    "ModuleList",
                    "ModuleDict",
                ):
                    answers.append(self.weighted(Leaf(last, 0)))
            for layer in layers.layers:
                answers += map(self.weighted, self.place(path, layer.call, layers))
        return True if True in answers else None if None in answers else False


@dataclass(slots=True)
class _Builder:
    """Reads the items of a list in the order in which they get there."""

    tree: Tree
    path: str
    within: ClassLayers | None
    method: ast.FunctionDef | None
    items: list[tuple[Place, ...]]
    rest: list[Place]
    open: bool

    def __init__(
        self, tree: Tree, path: str, within: ClassLayers | None, method: ast.FunctionDef | None
    ) -> None:
        self.tree, self.path, self.within, self.method = tree, path, within, method
        self.items, self.rest, self.open = [], [], False

    def add(self, node: ast.expr, *, certain: bool = True) -> None:
        """One argument: an item, `*items`, or a comprehension."""
        if isinstance(node, ast.Starred):
            self._spread(node.value, certain)
            return
        if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
            self._spread(node, certain)
            return
        places = self.tree.place(self.path, self._resolved(node), self.within)
        if certain and not self.open:
            self.items.append(places)
        else:
            self.open = True
            self.rest += places

    def _spread(self, node: ast.expr, certain: bool) -> None:
        if isinstance(node, (ast.List, ast.Tuple)):
            for part in node.elts:
                self.add(part, certain=certain)
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            self.add(node.elt, certain=False)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            self._spread(node.left, certain)
            self._spread(node.right, certain)
        elif isinstance(node, ast.Name) and self.method is not None:
            self._local(node.id)
        else:
            self.open = True
            self.rest.append(OPAQUE)

    def _local(self, name: str) -> None:
        """`layers = […]`, `layers.append(…)` before `nn.Sequential(*layers)`."""
        assert self.method is not None
        if sum(_assigns(node, name) for node in ast.walk(self.method)) != 1:
            self.open = True
            self.rest.append(OPAQUE)
            return
        self.appended(
            self.method.body, lambda node: isinstance(node, ast.Name) and node.id == name, certain=True
        )

    def appended(self, body: list[ast.stmt], is_list: Callable[[ast.expr], bool], *, certain: bool) -> None:
        """What the statements put into a list, in order; under a condition or in a loop it is not certain where."""
        for node in body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and is_list(node.targets[0]):
                if isinstance(node.value, (ast.List, ast.Tuple, ast.ListComp, ast.BinOp)):
                    self._spread(node.value, certain)
            elif isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
                for part in ("body", "orelse", "finalbody"):
                    inner: list[ast.stmt] = getattr(node, part, [])
                    self.appended(inner, is_list, certain=certain and isinstance(node, ast.With))
            elif isinstance(node, ast.AugAssign) and is_list(node.target):
                self._spread(node.value, certain)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                call = node.value
                if isinstance(call.func, ast.Attribute) and is_list(call.func.value) and call.args:
                    if call.func.attr == "append":
                        self.add(call.args[0], certain=certain)
                    elif call.func.attr == "extend":
                        self._spread(call.args[0], certain)
                    else:  # insert, add_module
                        self.open = True
                        self.rest.append(OPAQUE)

    def _resolved(self, node: ast.expr) -> ast.expr:
        """The value of a local name that is assigned once."""
        if isinstance(node, ast.Name) and self.method is not None:
            values = [
                n.value for n in ast.walk(self.method) if isinstance(n, ast.Assign) and _assigns(n, node.id)
            ]
            if len(values) == 1:
                return values[0]
        return node

    def series(self, kind: str, line: int) -> Series:
        rest = tuple(dict.fromkeys(self.rest)) if self.open else None
        return Series(kind, line, tuple(self.items), rest)


def is_open(layers: ClassLayers) -> bool:
    """The class makes attributes by computed names."""
    return any(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and dotted(node.value.func) in ("setattr", "self.__setattr__")
        for part in layers.node.body
        if isinstance(part, ast.FunctionDef) and part.name != "forward"
        for node in statements(part.body)
    )


def is_weight(call: ast.Call) -> bool:
    """`nn.Parameter(…)`."""
    return dotted(call.func) in ("nn.Parameter", "torch.nn.Parameter", "Parameter")


def _of_leaf(kind: str, segment: str) -> tuple[Place, ...]:
    if re.search(r"Attention|LSTM|GRU|RNN|Transformer|Parametri|ParameterList|ParameterDict", kind):
        return (OPAQUE,)
    statistics = (
        ("running_mean", "running_var", "moving_mean", "moving_variance") if "BatchNorm" in kind else ()
    )
    return (Parameter(),) if segment in ("weight", "bias", *statistics) else ()


def _matches(name: str, segment: str) -> bool:
    """Two names, of which either may have `{}` for something computed."""
    if "{}" not in name and "{}" not in segment:
        return name == segment
    if "{}" in name and "{}" in segment:
        return name == segment
    fixed, other = (segment, name) if "{}" in segment else (name, segment)
    return re.fullmatch(re.escape(fixed).replace(r"\{\}", r"\w+"), other) is not None


def _is_self(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == name for t in node.targets
    )


def _sides(node: ast.expr) -> tuple[ast.expr, ...]:
    return (*_sides(node.body), *_sides(node.orelse)) if isinstance(node, ast.IfExp) else (node,)
