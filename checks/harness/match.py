"""Pairs TensorFlow's layers with PyTorch's modules: by their weights, their class names, their attributes, their order."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Sequence, Set

from .record import Module

KINDS = {
    "norm": ("norm",),
    "dense": ("dense", "linear", "conv1d"),
    "conv": ("conv",),
    "dropout": ("dropout", "droppath"),
    "activation": ("activation", "gelu", "relu", "silu", "tanh", "sigmoid"),
    "embedding": ("embedding",),
    "pool": ("pool",),
}


@dataclass
class Layer:
    """A TensorFlow layer as the matching sees it.

    Attributes:
        own: PyTorch's names of the weights that the layer itself owns.
        below: those of all weights in it and below it.
        built: it has its weights already.
    """

    path: str
    kind: str
    own: List[str] = field(default_factory=list)
    below: List[str] = field(default_factory=list)
    built: bool = True


def match(layers: Sequence[Layer], modules: Sequence[Module], main_prefix: str = "") -> Dict[str, str]:
    """Module paths by layer paths.

    Args:
        layers: parents before children, the model itself first.
        main_prefix: PyTorch's attribute for the base model ("bert").
    """
    known = {module.path: module for module in modules}
    found: Dict[str, str] = {"": ""}
    claims: List[tuple] = []
    for layer in layers:
        if not layer.path:
            continue
        for rank, path in _by_weights(layer, known):
            claims.append((rank, -layer.path.count("."), layer.path, path))
    used: Set[str] = {""}
    for _, _, layer_path, path in sorted(claims):
        if layer_path not in found and path not in used:
            found[layer_path] = path
            used.add(path)
    for layer in layers:
        free = layer.path not in found and main_prefix in known and main_prefix not in used
        if free and layer.kind.endswith("MainLayer"):
            found[layer.path] = main_prefix
            used.add(main_prefix)
    if main_prefix not in known:
        # PyTorch's base model has no such part: it is what TensorFlow keeps in its main layer.
        mains = [one for one in layers if one.path == main_prefix and one.kind.endswith("MainLayer")]
        found.update({one.path: "" for one in mains if one.path not in found})
    _by_attribute(layers, known, found, used)
    for _ in range(3):  # what is inside can be paired once what holds it is
        _by_kind(layers, known, found, used)
        _by_attribute(layers, known, found, used)
    _by_order(layers, known, found, used)
    return found


def bare(kind: str) -> str:
    """A class's name without what only TensorFlow's has."""
    name = kind[2:] if kind.startswith("TF") else kind
    return name.replace("MainLayer", "Model").lower()


def sort(kind: str) -> str:
    """norm, dense, conv, …; "" for what is none of these."""
    lowered = re.sub(r"(?<=pool)(ing)?\dd$|(?<=norm)(alization)?(\dd)?$|(?<=.conv)2d$", "", kind.lower())
    for name, words in KINDS.items():
        if any(lowered.endswith(word) or lowered.startswith(word) for word in words):
            return name
    return ""


def _by_weights(layer: Layer, known: Mapping[str, Module]):
    """(rank, path) of modules that hold the layer's weights, the lower the rank the surer."""
    owners = Counter(name.rsplit(".", 1)[0] for name in layer.own)
    if len(owners) == 1:
        owner = next(iter(owners))
        way = _way(owner)
        for path in way:
            if path in known and bare(known[path].kind) == bare(layer.kind):
                yield 0, path
        if owner in known and known[owner].parameters and set(layer.below) == set(layer.own):
            yield 1, owner
    elif layer.below:
        prefix = _common([name.rsplit(".", 1)[0] for name in layer.below])
        for path in _way(prefix):
            if path in known and bare(known[path].kind) == bare(layer.kind):
                yield 0, path
        if prefix in known and not known[prefix].parameters and not layer.own:
            yield 2, prefix


def _way(path: str) -> List[str]:
    """The path and what encloses it, innermost first; not the model itself."""
    parts = path.split(".")
    return [".".join(parts[:size]) for size in range(len(parts), 0, -1)]


def _common(paths: Sequence[str]) -> str:
    split = [path.split(".") for path in paths]
    shared: List[str] = []
    for parts in zip(*split):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)


def _fits(layer: Layer, module: Module) -> bool:
    """Never a layer that owns weights with a module that has none. A layer that is not built yet may own any."""
    if bool(layer.own) and not module.parameters:
        return False
    if layer.built and not layer.below and module.parameters:
        return False
    one, other = sort(layer.kind), sort(module.kind)
    return one == other or not one or not other


def _enclosing(path: str, found: Mapping[str, str]) -> str:
    while path:
        path = path.rpartition(".")[0]
        if path in found:
            return path
    return ""


def _by_attribute(
    layers: Sequence[Layer], known: Mapping[str, Module], found: Dict[str, str], used: Set[str]
) -> None:
    for layer in layers:
        if layer.path in found:
            continue
        parent = _enclosing(layer.path, found)
        relative = layer.path[len(parent) + 1 :] if parent else layer.path
        path = f"{found[parent]}.{relative}" if found[parent] else relative
        if path in known and path not in used and _fits(layer, known[path]):
            found[layer.path] = path
            used.add(path)


def _by_kind(
    layers: Sequence[Layer], known: Mapping[str, Module], found: Dict[str, str], used: Set[str]
) -> None:
    """Same class name, same number below a matched parent: paired in their order."""
    ours: Dict[tuple, List[Layer]] = {}
    for layer in layers:
        if layer.path not in found and layer.kind.startswith("TF"):
            ours.setdefault((_enclosing(layer.path, found), bare(layer.kind)), []).append(layer)
    backwards = {path: layer for layer, path in found.items()}
    theirs: Dict[tuple, List[str]] = {}
    for path, module in known.items():
        if path not in used:
            parent = backwards[_enclosing(path, backwards)]
            theirs.setdefault((parent, bare(module.kind)), []).append(path)
    for key, some in ours.items():
        others = theirs.get(key, [])
        if len(some) == len(others) and all(_fits(a, known[b]) for a, b in zip(some, others)):
            for layer, path in zip(some, others):
                found[layer.path] = path
                used.add(path)


def _by_order(
    layers: Sequence[Layer], known: Mapping[str, Module], found: Dict[str, str], used: Set[str]
) -> None:
    """Same sort, same number below a matched parent: paired in their order."""
    open_layers: Dict[tuple, List[str]] = {}
    for layer in layers:
        if layer.path not in found and sort(layer.kind):
            parent = _enclosing(layer.path, found)
            open_layers.setdefault((parent, sort(layer.kind), bool(layer.own)), []).append(layer.path)
    backwards = {path: layer for layer, path in found.items()}
    open_modules: Dict[tuple, List[str]] = {}
    for path, module in known.items():
        if path not in used and sort(module.kind):
            parent = _enclosing(path, backwards)
            key = (backwards[parent], sort(module.kind), bool(module.parameters))
            open_modules.setdefault(key, []).append(path)
    for key, paths in open_layers.items():
        others = open_modules.get(key, [])
        if len(others) == len(paths):
            for layer_path, path in zip(paths, others):
                found[layer_path] = path
                used.add(path)
