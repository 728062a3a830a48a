"""`build` methods: which sub-layers they build, in which scope, with which shape; and how a missing one would read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.errors import NotApplicable
from checks.pairs import Pair
from checks.port import Port
from checks.rules._structure import NEEDS_CHANNELS, bases, is_weighted
from checks.source.layers import ClassLayers, Layer, argument
from checks.source.python import dotted, walk
from checks.source.walk import Function, on_self


def demand_builds(port: Port) -> None:
    """
    Raises:
        checks.errors.NotApplicable: the base's layers have no explicit `build`.
    """
    if not port.conventions.builds:
        raise NotApplicable("in the base, layers are built by their first call")


@dataclass(frozen=True, slots=True)
class Built:
    """A call of a sub-layer's `build`.

    Attributes:
        attribute: of `self` that holds the layer, or the list it is an item of; "" if that is not seen.
        receiver: as written: "self.dense", "layer".
        scope: the innermost `tf.name_scope` around it; None if there is none.
        call: the call.
    """

    attribute: str
    receiver: str
    scope: ast.expr | None
    call: ast.Call

    @property
    def shape(self) -> ast.expr | None:
        """The argument."""
        return argument(self.call, "input_shape", 0)


def children(pair: Pair) -> dict[str, list[Layer]]:
    """The sub-layers with weights that the constructor makes, by attribute."""
    found: dict[str, list[Layer]] = {}
    for layer in pair.tensorflow.layers:
        if layer.method not in ("call", "build") and layer.attribute and is_weighted(pair.port, layer):
            found.setdefault(layer.attribute, []).append(layer)
    return found


def build_of(pair: Pair) -> tuple[Pair, Function] | None:
    """The `build` of the class or of a base that the port brings, with its owner."""
    for owner in bases(pair):
        found = owner.tensorflow.method("build")
        if found is not None:
            return owner, found
    return None


def built(function: Function) -> Iterator[Built]:
    """The `build` calls in a `build` method, in the order of the text."""
    yield from _built(function.body, None, {})


def _built(body: list[ast.stmt], scope: ast.expr | None, variables: dict[str, str]) -> Iterator[Built]:
    for node in body:
        if isinstance(node, ast.With):
            inner = scope
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and dotted(call.func).endswith("name_scope") and call.args:
                    inner = call.args[0]
            yield from _built(node.body, inner, variables)
        elif isinstance(node, ast.For):
            yield from _built(node.body, scope, {**variables, **_loop(node)})
        elif isinstance(node, ast.If):
            yield from _built(node.body, scope, variables)
            yield from _built(node.orelse, scope, variables)
        elif isinstance(node, ast.Try):
            yield from _built(node.body, scope, variables)
        elif isinstance(node, (ast.Expr, ast.Return)) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Attribute) and function.attr == "build":
                receiver = ast.unparse(function.value)
                attribute = _attribute(function.value) or variables.get(receiver, "")
                yield Built(attribute, receiver, scope, node.value)


def _loop(node: ast.For) -> dict[str, str]:
    """Loop variables -> the attribute that they run over: of `for i, layer in enumerate(self.layer)`."""
    targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
    sources = [node.iter]
    if isinstance(node.iter, ast.Call) and dotted(node.iter.func) in ("enumerate", "zip", "reversed", "list"):
        sources = list(node.iter.args)
        if dotted(node.iter.func) == "enumerate":
            targets = targets[1:]
    if len(sources) == 1:
        sources *= len(targets)
    return {
        ast.unparse(target): _attribute(source)
        for target, source in zip(targets, sources, strict=False)
        if _attribute(source)
    }


def _attribute(node: ast.expr) -> str:
    """ "x" of `self.x`, `self.x[0]`, `self.x.values()`."""
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.value if isinstance(node, ast.Subscript) else node.func
        if isinstance(node, ast.Attribute) and node.attr in ("values", "layers") and not on_self(node):
            node = node.value
    if isinstance(node, ast.Attribute) and node.attr == "layers" and on_self(node.value):
        return on_self(node.value)
    return on_self(node)


def mentioned(function: Function) -> set[str]:
    """What occurs as `self.<attribute>`, or as a string (of `getattr`)."""
    strings = (
        n.value for n in ast.walk(function) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )
    return {*map(on_self, ast.walk(function)), *strings} - {""}


# -- shapes ------------------------------------------------------------------------------------------------------------

_INPUT = {
    "Linear": ("in_features", 0),
    "Conv1d": ("in_channels", 0),
    "Conv2d": ("in_channels", 0),
    "Conv3d": ("in_channels", 0),
    "ConvTranspose2d": ("in_channels", 0),
    "LayerNorm": ("normalized_shape", 0),
    "BatchNorm1d": ("num_features", 0),
    "BatchNorm2d": ("num_features", 0),
    "GroupNorm": ("num_channels", 1),
    "Conv1D": ("nx", 1),
}
"""Where PyTorch's layers are told the size of the last axis of their input."""

_RANK = {"Conv2D": 4, "Conv2DTranspose": 4, "DepthwiseConv2D": 4, "SeparableConv2D": 4, "Conv3D": 5}


def resolve(node: ast.expr | None, found: ClassLayers | None) -> str:
    """A size as `config.x`, if it is that: directly, by an attribute, or by a local variable of the constructor; a number as its text;
    "" otherwise."""
    seen: set[str] = set()
    while node is not None:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, int)
            and not isinstance(node.value, bool)
        ):
            return str(node.value)
        if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == 1:
            node = node.elts[0]
            continue
        text = ast.unparse(node)
        plain = text.removeprefix("self.")
        if re.fullmatch(r"config\.\w+", plain):
            return plain
        if text in seen or found is None:
            return ""
        seen.add(text)
        node = _assigned(found, text)
    return ""


def _assigned(found: ClassLayers, target: str) -> ast.expr | None:
    """What the constructor assigns to a name or attribute, if it does so once."""
    init = found.method("__init__")
    if init is None:
        return None
    values: list[ast.expr] = []
    for node in walk(init):
        if isinstance(node, ast.Assign):
            values += [node.value for t in node.targets if ast.unparse(t) == target]
            if any(isinstance(t, ast.Tuple) and target in map(ast.unparse, t.elts) for t in node.targets):
                return None
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)) and ast.unparse(node.target) == target:
            return None
    return values[0] if len(values) == 1 else None


def input_size(pair: Pair, layer: Layer) -> tuple[ast.expr, ClassLayers, int] | None:
    """The expression that PyTorch's layer of the same name is told as size of its input, its class and line; None if there is none or
    several."""
    if not layer.name or "{" in layer.name:
        return None
    root = layer.name.split(".")[0].split("/")[0]
    index = layer.name.removeprefix(f"{root}.") if layer.name != root else ""
    found: list[tuple[ast.expr, ClassLayers, int]] = []
    for owner in pair.pytorch:
        for theirs in owner.of(root):
            if index and str(theirs.index) != index:
                continue
            if not index and theirs.held != "attribute":
                continue
            name, position = _INPUT.get(theirs.short, ("", 0))
            size = theirs.argument(name, position) if name else None
            if size is not None:
                found.append((size, owner, theirs.line))
        if found:
            break
    return found[0] if len(found) == 1 else None


def is_channels_first(layer: Layer) -> bool:
    """Its channels are not on the last axis, or nobody can tell."""
    return any(
        keyword.arg in ("data_format", "axis") and ast.unparse(keyword.value) not in ("'channels_last'", "-1")
        for keyword in layer.call.keywords
    )


def last_axis(shape: ast.expr | None) -> ast.expr | None:
    """The last entry of a literal shape; of a bare number or name itself."""
    if isinstance(shape, (ast.List, ast.Tuple)):
        return shape.elts[-1] if shape.elts else None
    return shape


def shape_for(pair: Pair, layer: Layer) -> str:
    """The shape to build a sub-layer with, as text; "" if it can't be told."""
    if not layer.is_keras or layer.short not in NEEDS_CHANNELS:
        return "None"
    found = input_size(pair, layer)
    size = resolve(found[0], found[1]) if found else ""
    if size.startswith("config."):
        if not any("config" in owner.tensorflow.attributes for owner in bases(pair)):
            return ""
        size = f"self.{size}"
    if not size:
        return ""
    rank = _RANK.get(layer.short, 3)
    if layer.short == "BatchNormalization":
        theirs = [t for owner in pair.pytorch for t in owner.layers if t.short == "BatchNorm2d"]
        rank = 4 if theirs else 3
    return f"[{'None, ' * (rank - 1)}{size}]"


def block(pair: Pair, attribute: str, made: list[Layer]) -> str:
    """The lines of a `build` for one attribute; "" if its shape can't be told."""
    shapes = {shape_for(pair, layer) for layer in made}
    if len(shapes) != 1 or "" in shapes or any(layer.held not in ("attribute", "list") for layer in made):
        return ""
    shape = shapes.pop()
    if any(layer.held == "list" for layer in made):
        variable = "layer"
        return (
            f'        if getattr(self, "{attribute}", None) is not None:\n'
            f"            for {variable} in self.{attribute}:\n"
            f"                with tf.name_scope({variable}.name):\n"
            f"                    {variable}.build({shape})\n"
        )
    return (
        f'        if getattr(self, "{attribute}", None) is not None:\n'
        f"            with tf.name_scope(self.{attribute}.name):\n"
        f"                self.{attribute}.build({shape})\n"
    )
