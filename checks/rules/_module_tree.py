"""PyTorch's tree of modules, as far as its source tells: what can stand under an attribute, an index of an `nn.Sequential`, and so on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from checks.pairs import Pair, pytorch_classes, with_bases
from checks.port import Port
from checks.rules._places import (
    OPAQUE,
    WEIGHTLESS,
    Leaf,
    Module,
    Opaque,
    Parameter,
    Place,
    Series,
    matches,
    of_leaf,
)
from checks.rules._series import Builder, is_self, sides
from checks.source.layers import ClassLayers, makes_layer, statements
from checks.source.python import dotted

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
            return of_leaf(place.kind, segment)
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
                        else of_leaf(last, segment)
                    )
                elif not _PLAIN_BASES.search(base) and all(last != other.name for _, other in place.chain):
                    plain = False
            matching = [name for name in layers.attributes if matches(name, segment)]
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
            for side in sides(value):
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
                                and is_self(target, target.attr)
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
        if len(parts) == 1 and dotted(parts[0]).endswith("OrderedDict"):
            yield OPAQUE
            return
        builder = Builder(lambda node: self.place(path, node, within), method)
        for part in parts:
            builder.add(part)
        if method is not None and name:
            builder.appended(method.body, lambda node: is_self(node, name), certain=True)
        yield builder.series(kind, call.lineno)

    # -- weights -------------------------------------------------------------------------------------------------------

    def weighted(self, place: Place) -> bool | None:
        """Whether a place has weights (or something below it); None if the source does not tell."""
        if isinstance(place, Opaque):
            return None
        if isinstance(place, Parameter):
            return True
        if isinstance(place, Leaf):
            return place.kind == "PReLU" or not WEIGHTLESS.search(place.kind)
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
            if any(weight.kind == "parameter" for weight in layers.weights):
                return True
            if any(weight.kind == "buffer" for weight in layers.weights):
                answers.append(None)
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
            values = (value for of in self._assigned(path, layers).values() for _, value in of)
            if self._is_open(path, layers) or any(map(_may_be_module, values)):
                answers.append(None)
        return True if True in answers else None if None in answers else False


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


_PLAIN_CALLS = frozenset(
    ["int", "float", "str", "bool", "len", "max", "min", "sum", "tuple", "range", "round", "getattr"]
)


def _may_be_module(value: ast.expr) -> bool:
    """Something that is handed in or made by a function, so that nobody can tell from here what it is."""
    if isinstance(value, ast.Call):
        return not (
            makes_layer(value)
            or is_weight(value)
            or dotted(value.func) in _PLAIN_CALLS
            or dotted(value).startswith("ACT")
        )
    if isinstance(value, ast.IfExp):
        return _may_be_module(value.body) or _may_be_module(value.orelse)
    return isinstance(value, ast.Name) and value.id != "config"


def is_weight(call: ast.Call) -> bool:
    """`nn.Parameter(…)`."""
    return dotted(call.func) in ("nn.Parameter", "torch.nn.Parameter", "Parameter")
