"""Each Keras layer of a port with the PyTorch module whose place it takes: what rules about arguments compare.

A layer's `name` says which attribute of the PyTorch twin it is, with an index for an item of a sequential; what has no weights, and so
mostly no name, is found by its own attribute.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from checks.conventions import read
from checks.pairs import Pair, pairs
from checks.port import Port
from checks.source.layers import ClassLayers, Layer, class_layers, module_functions
from checks.source.python import Class
from checks.source.values import ConfigFacts, Plain, Scope, Value, config_facts, scope


@dataclass(frozen=True)
class Side:
    """A layer with the class that makes it."""

    layer: Layer
    owner: ClassLayers
    path: str
    config: ConfigFacts

    @property
    def place(self) -> str:
        """ "src/…/modeling_bert.py:31", "" where the module is not known."""
        return f"{self.path}:{self.layer.line}" if self.path else ""

    @cached_property
    def scope(self) -> Scope:
        """Where its arguments stand."""
        return scope(self.owner, self.layer.method, self.config.synonyms)

    def value(self, name: str, position: int | None = None) -> Value | None:
        """What an argument amounts to."""
        return self.scope.value(self.layer.argument(name, position))


@dataclass(frozen=True)
class LayerPair:
    """A layer of the port and what it stands for.

    Attributes:
        pair: its class and the twin.
        tensorflow: the Keras layer.
        pytorch: the modules; several where branches make them, none where they are not known.
    """

    pair: Pair
    tensorflow: Side
    pytorch: tuple[Side, ...]

    @property
    def layer(self) -> Layer:
        """The Keras layer."""
        return self.tensorflow.layer

    @property
    def symbol(self) -> str:
        """ "TFBertLayer.dense"."""
        return f"{self.pair.name}.{self.layer.attribute}" if self.layer.attribute else self.pair.name

    def of(self, *kinds: str) -> tuple[Side, ...]:
        """The modules of `torch.nn` of these kinds ("Conv2d"), only if all of them are (but for an Identity that takes their place)."""
        real = [s for s in self.pytorch if s.layer.short != "Identity"]
        found = tuple(s for s in real if s.layer.short in kinds and (s.layer.is_nn or s.layer.kind in kinds))
        return found if len(found) == len(real) else ()


@lru_cache(maxsize=8)
def pairing(port: Port) -> Pairing:
    """The layers of a port and what they stand for, worked out once for all rules.

    Raises:
        checks.errors.Undecidable: a module can't be read or parsed.
    """
    texts = {module.path: port.text(module.path) for module in port.modules}
    return Pairing(pairs(port), _config(port), texts, _pytorch(port), tuple(_functions(port)))


@dataclass(frozen=True, eq=False)
class Pairing:
    """Classes and layers of one port with their twins.

    Attributes:
        pairs: the classes.
        config: what the model's configuration says.
        texts: of the TensorFlow modules, by path.
        pytorch: classes of the PyTorch modules, by path and name.
        functions: the functions of the modules that PyTorch has by the same name, as classes of which they are the only method.
    """

    pairs: tuple[Pair, ...]
    config: ConfigFacts
    texts: Mapping[str, str]
    pytorch: Mapping[str, Mapping[str, ClassLayers]]
    functions: tuple[Pair, ...] = ()

    def mentioning(self, *words: str) -> tuple[Pair, ...]:
        """The classes and functions of modules in whose text one of the words occurs: a first look, as most rules are about few classes."""
        paths = {path for path, text in self.texts.items() if any(word in text for word in words)}
        everything = (*self.pairs, *self.functions)
        return tuple(pair for pair in everything if pair.path in paths and self._mentions(pair, words))

    def _mentions(self, pair: Pair, words: tuple[str, ...]) -> bool:
        node = pair.tensorflow.node
        body = self._lines(pair.path)[node.lineno - 1 : node.end_lineno]
        return any(word in line for line in body for word in words)

    def _lines(self, path: str) -> list[str]:
        if path not in self._split:
            self._split[path] = self.texts[path].split("\n")
        return self._split[path]

    @cached_property
    def _split(self) -> dict[str, list[str]]:
        return {}

    @cached_property
    def layers(self) -> tuple[LayerPair, ...]:
        """Every layer that the port's classes make, in the order of the text."""
        return tuple(
            LayerPair(
                pair,
                Side(layer, pair.tensorflow, pair.path, self.config),
                tuple(self._sides(pair, layer)),
            )
            for pair in self.pairs
            for layer in pair.tensorflow.layers
        )

    @cached_property
    def keras(self) -> tuple[LayerPair, ...]:
        """Those that are layers of Keras itself."""
        return tuple(found for found in self.layers if is_keras(found.layer))

    def pytorch_class(self, pair: Pair, name: str) -> ClassLayers | None:
        """A class of the PyTorch modules of the port, that of the pair's own module first."""
        own = self.pytorch.get(pair.module.pytorch_path, {}).get(name)
        return own or next((found[name] for found in self.pytorch.values() if name in found), None)

    def tensorflow_class(self, name: str) -> ClassLayers | None:
        """A class of the port."""
        return self.classes.get(name)

    @cached_property
    def classes(self) -> dict[str, ClassLayers]:
        """The classes of the port by name."""
        return {pair.name: pair.tensorflow for pair in self.pairs}

    def path_of(self, found: ClassLayers) -> str:
        """Of the module of a PyTorch class."""
        for path, classes in self.pytorch.items():
            same = classes.get(found.name)
            if same is not None and same.node.lineno == found.node.lineno:
                return path
        for pair in self.functions:
            if found in pair.pytorch:
                return pair.paths[0]
        return ""

    def scope(self, found: ClassLayers, method: str) -> Scope:
        """The scope of a method of a class of either framework."""
        return scope(found, method, self.config.synonyms)

    def _side(self, layer: Layer, owner: ClassLayers) -> Side:
        return Side(layer, owner, self.path_of(owner), self.config)

    def _sides(self, pair: Pair, layer: Layer) -> Iterator[Side]:
        root, rest = split_name(layer.name or layer.attribute)
        if pair.twin is None:
            if root.isdigit():
                yield from (s for s in self._users.get(pair.name, ()) if s.layer.index == int(root))
            return
        for name in dict.fromkeys((root, layer.attribute)):
            owner = next((c for c in pair.pytorch if c.of(name)), None)
            if owner is None:
                continue
            found = owner.of(name)
            items = [item for item in found if item.held == "sequential"]
            if items and rest.isdigit():
                found = tuple(item for item in items if item.index == int(rest))
            elif items and not layer.name:
                continue  # self.activation of a class whose PyTorch twin has a sequential of that name
            elif items:
                return  # a class of ours stands for the sequential
            yield from (self._side(item, owner) for item in found)
            return

    @cached_property
    def _users(self) -> dict[str, tuple[Side, ...]]:
        """Class without a twin of its own -> the items of the sequential that it stands for."""
        found: dict[str, tuple[Side, ...]] = {}
        for pair in self.pairs:
            for layer in pair.tensorflow.layers:
                root, rest = split_name(layer.name or layer.attribute)
                if is_keras(layer) or rest:
                    continue
                owner = next((c for c in pair.pytorch if c.of(root)), None)
                items = [item for item in owner.of(root) if item.held == "sequential"] if owner else []
                if owner and items:
                    found.setdefault(layer.short, tuple(self._side(item, owner) for item in items))
        return found


def _functions(port: Port) -> Iterator[Pair]:
    for module in port.modules:
        path = module.pytorch_path
        ours = module_functions(port.text(module.path))
        theirs = module_functions(port.text(path) or read(port.base, path)) if ours and path else {}
        for name, found in ours.items():
            if name in theirs:
                node = found.node
                end = node.end_lineno or node.lineno
                facts = Class(name, node.lineno, 1, end, node.lineno, (), (), {}, {})
                yield Pair(port, module, facts, found, (theirs[name],), (path,))


_IMPORTED = frozenset(
    [
        "Dense",
        "Dropout",
        "Embedding",
        "LayerNormalization",
        "BatchNormalization",
        "Conv1D",
        "Conv2D",
        "ReLU",
        "LeakyReLU",
        "Activation",
    ]
)


def is_keras(layer: Layer) -> bool:
    """A layer of Keras itself, also if it is imported by its bare name."""
    return layer.is_keras or layer.kind in _IMPORTED


def split_name(name: str) -> tuple[str, str]:
    """Root and rest of a layer's name: "layer", "0" of "bert___layer_._0" or "layer.0"."""
    parts = re.split(r"_\._|[./]", name.rsplit("___", 1)[-1], maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def _config(port: Port) -> ConfigFacts:
    synonyms: dict[str, str] = {}
    defaults: dict[str, tuple[Plain, ...]] = {}
    for suffix in dict.fromkeys((port.model, *(module.suffix for module in port.modules))):
        path = f"{port.folder}/configuration_{suffix}.py"
        found = config_facts(read(port.head, path) or read(port.base, path))
        synonyms.update(found.synonyms)
        for name, values in found.defaults.items():
            defaults[name] = (*defaults.get(name, ()), *values)
    return ConfigFacts(synonyms, defaults)


def _pytorch(port: Port) -> dict[str, dict[str, ClassLayers]]:
    paths = dict.fromkeys(m.pytorch_path for m in port.modules if m.pytorch_path)
    return {path: class_layers(port.text(path) or read(port.base, path)) for path in paths}


def arguments(call: ast.Call, made: ClassLayers) -> dict[str, ast.expr]:
    """The arguments of `X(…)` by the names of the parameters of `X.__init__`; nothing for what is passed by `*`."""
    init = made.method("__init__")
    if init is None or any(isinstance(a, ast.Starred) for a in call.args):
        return {}
    names = [a.arg for a in (*init.args.posonlyargs, *init.args.args)][1:]
    given = dict(zip(names, call.args, strict=False))
    given.update({k.arg: k.value for k in call.keywords if k.arg})
    return given


def defaults(made: ClassLayers) -> dict[str, ast.expr]:
    """The defaults of the parameters of `__init__`."""
    init = made.method("__init__")
    if init is None:
        return {}
    positional = [*init.args.posonlyargs, *init.args.args]
    found = dict(zip([a.arg for a in positional][::-1], init.args.defaults[::-1], strict=False))
    found.update(
        {a.arg: d for a, d in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True) if d is not None}
    )
    return found
