"""What several rules ask about the classes of a port: models and main layers, inherited attributes, who owns weights."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from checks.conventions import read
from checks.pairs import MOST_BASES, Pair, pairs
from checks.port import Port
from checks.source.layers import Layer, class_layers
from checks.source.walk import Function, nodes

WEIGHTED = frozenset(
    {
        "BatchNormalization",
        "Bidirectional",
        "Conv1D",
        "Conv1DTranspose",
        "Conv2D",
        "Conv2DTranspose",
        "Conv3D",
        "Dense",
        "DepthwiseConv2D",
        "EinsumDense",
        "Embedding",
        "GRU",
        "GroupNormalization",
        "LSTM",
        "LayerNormalization",
        "MultiHeadAttention",
        "PReLU",
        "SeparableConv1D",
        "SeparableConv2D",
    }
)
"""Layers of Keras that have weights."""

NEEDS_CHANNELS = WEIGHTED - {"Embedding", "Bidirectional", "MultiHeadAttention", "EinsumDense"}
"""Those whose `build` fails without the size of the last axis."""


@lru_cache(maxsize=4)
def pairs_of(port: Port) -> tuple[Pair, ...]:
    """`checks.pairs.pairs`, made once for all rules.

    Raises:
        checks.errors.Undecidable: a module can't be read or parsed.
    """
    return pairs(port)


@lru_cache(maxsize=4)
def by_name(port: Port) -> dict[str, Pair]:
    """The pairs under the name of the TensorFlow class."""
    return {pair.name: pair for pair in pairs_of(port)}


@lru_cache(maxsize=4)
def _models(port: Port) -> frozenset[str]:
    return frozenset(pair.name for pair in pairs_of(port) if port.is_model(pair.facts))


def is_model(pair: Pair) -> bool:
    """The class is a `TFPreTrainedModel`."""
    return pair.name in _models(pair.port)


def is_main_layer(pair: Pair) -> bool:
    """By its name."""
    return pair.name.endswith("MainLayer")


def models(port: Port) -> tuple[Pair, ...]:
    """The classes that are `TFPreTrainedModel`s."""
    return tuple(pair for pair in pairs_of(port) if is_model(pair))


def layers(port: Port) -> tuple[Pair, ...]:
    """The Keras classes that are no models."""
    return tuple(pair for pair in pairs_of(port) if port.is_keras(pair.facts) and not is_model(pair))


def bases(pair: Pair) -> Iterator[Pair]:
    """The class and those of its bases that the port itself brings, nearest first."""
    seen: set[str] = set()
    queue = [pair]
    while queue and len(seen) < MOST_BASES:
        found = queue.pop(0)
        if found.name in seen:
            continue
        seen.add(found.name)
        yield found
        known = by_name(pair.port)
        queue += [known[base] for base in found.tensorflow.bases if base in known]


def method(pair: Pair, name: str) -> Function | None:
    """The method of the class or of a base that the port brings."""
    return next((found for owner in bases(pair) if (found := owner.tensorflow.method(name))), None)


def forward(pair: Pair) -> Function | None:
    """`forward` of the PyTorch twin, or of its bases."""
    return next((found for owner in pair.pytorch if (found := owner.method("forward"))), None)


def attribute(pair: Pair, name: str) -> str | None:
    """A class attribute as text (a literal or a dotted name), inherited ones included; None if none of the port's classes has it."""
    for owner in bases(pair):
        if name in owner.facts.attributes:
            return owner.facts.attributes[name][0]
    return None


def pytorch_attributes(pair: Pair) -> Iterator[tuple[str, str, int]]:
    """Name, value as text and line of the class attributes of the twin and its bases, the nearest only."""
    seen: set[str] = set()
    for owner in pair.pytorch:
        for part in owner.node.body:
            targets = part.targets if isinstance(part, ast.Assign) else []
            if isinstance(part, ast.AnnAssign):
                targets = [part.target]
            for target in targets:
                value = getattr(part, "value", None)
                if isinstance(target, ast.Name) and target.id not in seen and value is not None:
                    seen.add(target.id)
                    yield target.id, _quoted(value), part.lineno


def _quoted(value: ast.expr) -> str:
    """As the formatters write it, with double quotes."""
    text = ast.unparse(value)
    return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text and "\\" not in text else text


def prefix(pair: Pair) -> str:
    """The `base_model_prefix` that the model should have: PyTorch's, else its own; "" if it can't be told."""
    theirs = next((value for name, value, _ in pytorch_attributes(pair) if name == "base_model_prefix"), "")
    return theirs.strip("\"'") or attribute(pair, "base_model_prefix") or ""


def pytorch_place(pair: Pair, line: int) -> str:
    """ "modeling_bert.py:12"."""
    return f"{pair.module.pytorch_path.rsplit('/', 1)[-1]}:{line}"


@lru_cache(maxsize=4)
def weighted_classes(port: Port) -> frozenset[str]:
    """The port's classes that own weights, themselves or by their layers."""
    todo: list[str] = []
    users: dict[str, list[str]] = {}
    for pair in pairs_of(port):
        if pair.tensorflow.weights or any(_owns_directly(layer) for layer in pair.tensorflow.layers):
            todo.append(pair.name)
        for used in {*(layer.short for layer in pair.tensorflow.layers), *pair.tensorflow.bases}:
            users.setdefault(used, []).append(pair.name)
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += users.get(name, ())
    return frozenset(found)


def _owns_directly(layer: Layer) -> bool:
    return (layer.is_keras and layer.short in WEIGHTED) or layer.short in LIBRARY


LIBRARY = frozenset({"TFConv1D", "TFSharedEmbeddings"})
"""Layers of `modeling_tf_utils` with weights. `TFSequenceSummary` has some only for some configurations."""


def is_weighted(port: Port, layer: Layer) -> bool:
    """The layer surely has weights. (Of another model's class nobody knows.)"""
    return _owns_directly(layer) or layer.short in weighted_classes(port)


def configuration_text(port: Port) -> str:
    """Text of the model's configuration module, "" if there is none."""
    path = f"{port.folder}/configuration_{port.model}.py"
    return port.text(path) or read(port.base, path)


@lru_cache(maxsize=4)
def configuration_attributes(port: Port) -> frozenset[str]:
    """What the configuration classes set on `self`, take as parameters, or name in their bodies."""
    found = class_layers(configuration_text(port))
    names = {name for made in found.values() for name in made.attributes}
    for made in found.values():
        init = made.method("__init__")
        if init is not None:
            names |= {argument.arg for argument in [*init.args.args, *init.args.kwonlyargs]}
    return frozenset(names)


def signature_keys(function: Function) -> Iterator[ast.Constant]:
    """The texts that are keys of the dict that `input_signature` or `dummy_inputs` returns."""
    returned = [node.value for node in nodes(function) if isinstance(node, ast.Return)]
    names = {value.id for value in returned if isinstance(value, ast.Name)}
    dicts = [value for value in returned if isinstance(value, ast.Dict)]
    keys: list[ast.expr | None] = []
    for node in nodes(function):
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in names and isinstance(node.value, ast.Dict):
            dicts.append(node.value)
        elif (
            isinstance(target, ast.Subscript)
            and isinstance(target.value, ast.Name)
            and target.value.id in names
        ):
            keys.append(target.slice)
    keys += [key for found in dicts for key in found.keys]
    yield from (key for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
