"""Places in PyTorch's tree of modules: what a path of attributes and indices leads to.

Where branches make different modules, a path leads to several places; what can't be told from the source is `OPAQUE`, and everything below
it is possible.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.source.layers import ClassLayers, Weight


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

WEIGHTLESS = re.compile(
    r"Dropout|Pool|Pad\d|ReLU|GELU|SiLU|Swish|Tanh|Sigmoid|Softmax|Softplus|Identity|Flatten|Upsampl|Pixel|Loss|Mish|CELU|ELU|"
    r"Fold|Unfold|CosineSimilarity|Activation|DropPath|Shuffle|SELU|InstanceNorm"
)
"""Modules of `torch.nn` without weights (`PReLU` has one; `InstanceNorm` has none unless told so)."""


def of_leaf(kind: str, segment: str) -> tuple[Place, ...]:
    """What can stand below a module of `torch.nn`."""
    if re.search(r"Attention|LSTM|GRU|RNN|Transformer|Parametri|ParameterList|ParameterDict", kind):
        return (OPAQUE,)
    statistics = (
        ("running_mean", "running_var", "moving_mean", "moving_variance") if "BatchNorm" in kind else ()
    )
    return (Parameter(),) if segment in ("weight", "bias", *statistics) else ()


def matches(name: str, segment: str) -> bool:
    """Two names, of which either may have `{}` for something computed."""
    if "{}" not in name and "{}" not in segment:
        return name == segment
    if "{}" in name and "{}" in segment:
        return name == segment
    fixed, other = (segment, name) if "{}" in segment else (name, segment)
    return re.fullmatch(re.escape(fixed).replace(r"\{\}", r"\w+"), other) is not None


def is_list(place: Place) -> bool:
    """An `nn.ModuleList`, or something that may be one."""
    return isinstance(place, Series) and place.kind == "ModuleList"


def is_sequential(place: Place) -> bool:
    """An `nn.Sequential`."""
    return isinstance(place, Series) and place.kind == "Sequential"


def described(place: Place) -> str:
    """A place in words: "nn.ReLU", "BertLayer", "an nn.ModuleList"."""
    if isinstance(place, Leaf):
        return f"nn.{place.kind}"
    if isinstance(place, Module):
        return place.layers.name
    if isinstance(place, Series):
        return f"an nn.{place.kind}"
    return "an nn.Parameter" if isinstance(place, Parameter) else "something else"


def line_of(place: Place) -> int:
    """Of a place in its file, 0 if unknown."""
    if isinstance(place, (Leaf, Series)):
        return place.line
    return place.weight.line if isinstance(place, Parameter) and place.weight else 0


def identity(place: Place) -> object:
    """Equal for places that are the same, whenever they were made."""
    return (
        (place.path, place.layers.name)
        if isinstance(place, Module)
        else ((place.kind, place.line) if isinstance(place, Series) else place)
    )
