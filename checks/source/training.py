"""Where the training flag goes: which calls of a Keras class take it, and what they get."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from checks.source.calls import calls
from checks.source.layers import ClassLayers
from checks.source.python import dotted, walk

ALWAYS = frozenset(
    [
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "AlphaDropout",
        "GaussianDropout",
        "GaussianNoise",
        "BatchNormalization",
    ]
)
"""Layers of Keras that act differently in training."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A call of a layer that takes the training flag.

    Attributes:
        attribute: of `self` that holds the layer.
        kind: last part of what made it.
        node: the call.
        method: where it stands.
        given: what it gets; None if nothing.
    """

    attribute: str
    kind: str
    node: ast.Call
    method: str
    given: ast.expr | None


def takes_training(found: ClassLayers) -> bool:
    """Its `call` has the parameter."""
    call = found.method("call")
    return call is not None and "training" in parameters(call)


def parameters(method: ast.FunctionDef) -> list[str]:
    """Names of the parameters, `self` included."""
    arguments = method.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def flagged_layers(found: ClassLayers, classes: Mapping[str, ClassLayers]) -> dict[str, str]:
    """Attribute -> kind of the layers of a class that take the flag; `classes` are those of its port by name."""
    made: dict[str, str] = {}
    for layer in found.layers:
        own = classes.get(layer.short)
        if own is not None:
            if takes_training(own):
                made[layer.attribute] = layer.short
        elif layer.short in ALWAYS or layer.short.endswith(("DropPath", "StableDropout")):
            made[layer.attribute] = layer.short
    return made


def flagged_calls(found: ClassLayers, classes: Mapping[str, ClassLayers]) -> tuple[Flagged, ...]:
    """The calls of those layers, also of items of a list in a loop, in the order of the text."""
    kinds = tuple(sorted(flagged_layers(found, classes).items()))
    own = tuple((kind, classes[kind]) for kind in sorted({kind for _, kind in kinds}) if kind in classes)
    return _flagged_calls(found, kinds, own)


@lru_cache(maxsize=512)
def _flagged_calls(
    found: ClassLayers, kinds: tuple[tuple[str, str], ...], own_classes: tuple[tuple[str, ClassLayers], ...]
) -> tuple[Flagged, ...]:
    layers, classes = dict(kinds), dict(own_classes)
    if not layers:
        return ()
    loops: dict[str, dict[str, str]] = {}
    made: list[Flagged] = []
    for call in calls(found.node):
        name = call.name
        if name.startswith("self."):
            attribute = name[5:]
        elif name and "." not in name:
            if call.method not in loops:
                loops[call.method] = dict(_loops(found, call.method))
            attribute = loops[call.method].get(name, "")
        else:
            continue
        if attribute not in layers or any(k.arg is None for k in call.node.keywords):
            continue
        given = next((k.value for k in call.node.keywords if k.arg == "training"), None)
        own = classes.get(layers[attribute])
        if given is None:
            names = (
                parameters(method)[1:] if own and (method := own.method("call")) else ["inputs", "training"]
            )
            at = names.index("training") if "training" in names else len(names)
            if any(isinstance(a, ast.Starred) for a in call.node.args):
                continue
            given = call.node.args[at] if at < len(call.node.args) else None
        made.append(Flagged(attribute, layers[attribute], call.node, call.method, given))
    return tuple(made)


def _loops(found: ClassLayers, method: str) -> Iterator[tuple[str, str]]:
    """Name of a loop's variable -> the attribute that it runs over."""
    part = found.method(method)
    for node in walk(part) if part is not None else ():
        if not isinstance(node, (ast.For, ast.comprehension)):
            continue
        iterated = node.iter
        targets = [node.target]
        while isinstance(iterated, ast.Call) and dotted(iterated.func) == "enumerate" and iterated.args:
            iterated = iterated.args[0]
            targets = node.target.elts[1:] if isinstance(node.target, ast.Tuple) else []
        sources = [iterated]
        if isinstance(iterated, ast.Call) and dotted(iterated.func) == "zip":
            sources = list(iterated.args)
            whole = targets[0] if len(targets) == 1 else None
            targets = whole.elts if isinstance(whole, ast.Tuple) else targets
        for target, source in zip(targets, sources, strict=False):
            name = dotted(source)
            if isinstance(target, ast.Name) and name.startswith("self.") and name.count(".") == 1:
                yield target.id, name[5:]
