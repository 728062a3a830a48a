"""TensorFlow classes and their PyTorch twins, with what they are made of.

`TFX` belongs to `X`, `TFXMainLayer` to `XModel`; names and layers of a class's bases count as its own, those of other models' modules
included, as far as the imports tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from checks.conventions import MODELS, SOURCE, read
from checks.errors import Undecidable
from checks.port import Module, Port
from checks.source.layers import ClassLayers, Layer, Weight, class_layers
from checks.source.python import Class, ModuleFacts, module_facts

MOST_BASES = 50
"""Of one class, direct and indirect. Real ones have five."""


@dataclass(frozen=True)
class Pair:
    """A TensorFlow class of the port, and its twin.

    Attributes:
        module, facts, tensorflow: of the class.
        pytorch: the twin with its bases, itself first; empty where there is none.
        paths: of their modules, in the same order.
    """

    port: Port
    module: Module
    facts: Class
    tensorflow: ClassLayers
    pytorch: tuple[ClassLayers, ...]
    paths: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the TensorFlow class."""
        return self.facts.name

    @property
    def path(self) -> str:
        """Of the TensorFlow module."""
        return self.module.path

    @property
    def twin(self) -> ClassLayers | None:
        """The PyTorch class itself."""
        return self.pytorch[0] if self.pytorch else None

    @cached_property
    def pytorch_attributes(self) -> frozenset[str]:
        """What the twin and its bases assign on `self`."""
        return frozenset(name for found in self.pytorch for name in found.attributes)

    @cached_property
    def pytorch_layers(self) -> tuple[Layer, ...]:
        """What the twin makes; of its bases what no class before them makes under the same attribute."""
        layers: list[Layer] = []
        for found in self.pytorch:
            known = {layer.attribute for layer in layers}
            layers += [layer for layer in found.layers if layer.attribute not in known]
        return tuple(layers)

    @cached_property
    def pytorch_weights(self) -> tuple[Weight, ...]:
        """Parameters and buffers of the twin and its bases."""
        return tuple(weight for found in self.pytorch for weight in found.weights)

    def pytorch_of(self, name: str) -> tuple[Layer, ...]:
        """The twin's layers under an attribute."""
        return tuple(layer for layer in self.pytorch_layers if layer.attribute == name)


@lru_cache(maxsize=4)
def pairs(port: Port) -> tuple[Pair, ...]:
    """Every class of the port's TensorFlow modules with its twin, in the order of the text.

    Raises:
        checks.errors.Undecidable: a module can't be read or parsed.
    """
    return tuple(_pairs(port))


def _pairs(port: Port) -> Iterator[Pair]:
    for module in port.broken:
        raise Undecidable(f"{module.path.rsplit('/', 1)[-1]} cannot be parsed")
    made = {module.path: class_layers(port.text(module.path)) for module in port.modules}
    # Two modules may have classes of the same name (BLIP's embeddings of text), so port.classes would not do.
    for module, (name, found) in ((m, entry) for m in port.modules for entry in m.facts.classes.items()):
        tensorflow = made[module.path].get(name)
        if tensorflow is not None:
            chain = _twin(port, module, name)
            classes, paths = tuple(layers for _, layers in chain), tuple(path for path, _ in chain)
            yield Pair(port, module, found, tensorflow, classes, paths)


def twin_name(name: str) -> str:
    """Name of the PyTorch class: "BertLayer" of "TFBertLayer", "BertModel" of "TFBertMainLayer"."""
    bare = name.lstrip("_").removeprefix("TF")
    return f"{bare.removesuffix('MainLayer')}Model" if bare.endswith("MainLayer") else bare


def twin(port: Port, module: Module, name: str) -> tuple[ClassLayers, ...]:
    """The PyTorch class of a TensorFlow class's name, with its bases, nearest first; empty if there is none.

    Of a class that lives in another of the port's PyTorch modules (data2vec has three), that module's is taken.
    """
    return tuple(layers for _, layers in _twin(port, module, name))


def _twin(port: Port, module: Module, name: str) -> tuple[tuple[str, ClassLayers], ...]:
    wanted = twin_name(name)
    paths = [module.pytorch_path, *(other.pytorch_path for other in port.modules)]
    for path in dict.fromkeys(filter(None, paths)):
        found = pytorch_classes(port, path)
        for spelled in (wanted, name.removeprefix("TF").removesuffix("MainLayer")):
            if spelled in found:
                return with_bases(port, path, found[spelled])
    return ()


@lru_cache(maxsize=16)
def pytorch_classes(port: Port, path: str) -> dict[str, ClassLayers]:
    """The classes of a PyTorch module, of the head or else the base; none if it can't be read."""
    return class_layers(port.text(path) or read(port.base, path))


def with_bases(port: Port, path: str, found: ClassLayers) -> tuple[tuple[str, ClassLayers], ...]:
    """A PyTorch class of the module `path` and its bases, nearest first, each with the path of its module."""
    chain: list[tuple[str, ClassLayers]] = []
    seen: set[tuple[str, str]] = set()
    todo = [(path, found)]
    while todo and len(chain) < MOST_BASES:
        path, found = todo.pop()
        if (path, found.name) not in seen:
            seen.add((path, found.name))
            chain.append((path, found))
            todo += reversed([*_bases(port, path, found)])
    return tuple(chain)


def _bases(port: Port, path: str, found: ClassLayers) -> Iterator[tuple[str, ClassLayers]]:
    here = pytorch_classes(port, path)
    facts = port.known_facts(path, module_facts) or port.known_facts(path, module_facts, base=True)
    for base in found.bases:
        name = base.rsplit(".", 1)[-1]
        if name in here:
            yield path, here[name]
            continue
        origin = _imported_from(path, facts, name)
        there = pytorch_classes(port, origin) if origin else {}
        if name in there:
            yield origin, there[name]


def _imported_from(path: str, facts: ModuleFacts | None, name: str) -> str:
    """Path of another model's module that `name` comes from, "" if it is none."""
    found = facts.importing(name) if facts else None
    if found is None or not found.name:
        return ""
    dots = len(found.module) - len(found.module.lstrip("."))
    parts = found.module.lstrip(".").split(".")
    if dots:
        folder = path.split("/")[:-dots]
        target = "/".join([*folder, *parts]) + ".py"
    else:
        target = "/".join([SOURCE, *parts[1:]]) + ".py" if parts[0] == "transformers" else ""
    return target if target.startswith(f"{MODELS}/") else ""
