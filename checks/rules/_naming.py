"""How the weights of a TensorFlow port are named, held against PyTorch's tree of modules.

Loading takes a variable's scopes apart as `convert_tf_weight_name_to_pt_weight_name` (modeling_tf_pytorch_utils.py) does: `x___` is dropped,
`/` and `_._` become a level, and a `.` in a name already is one. So a name is a path, and it has to lead from the PyTorch class to a module
with weights.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from checks.pairs import Pair, twin_name
from checks.rules._module_tree import Tree
from checks.rules._places import Leaf, Module, Opaque, Parameter, Place, Series, line_of
from checks.source.layers import Layer, Weight
from checks.source.python import walk

FAMILIES = (
    (r"Dense|EinsumDense", r"Linear|Conv1D|Conv[123]d"),
    (
        r"(Depthwise|Separable)?Conv[123]D(Transpose)?|Convolution[123]D",
        r"Conv(Transpose)?[123]d|Linear|Conv1D",
    ),
    (r"LayerNormalization", r"\w*LayerNorm|RMSNorm"),
    (r"BatchNormalization|SyncBatchNormalization", r"\w*BatchNorm(1d|2d|3d)?"),
    (r"GroupNormalization", r"GroupNorm|InstanceNorm\w*"),
    (r"Embedding", r"Embedding(Bag)?"),
    (r"PReLU", r"PReLU"),
)
"""Keras layers with weights, and the modules of `torch.nn` whose weights fit them."""

_OTHERS = r"LSTM|GRU|SimpleRNN|Bidirectional|MultiHeadAttention|TimeDistributed|Attention|AdditiveAttention"

KERAS_WEIGHTED = re.compile("|".join([*(keras for keras, _ in FAMILIES), _OTHERS]))

SPELLED = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}
"""What the last part of a variable's name becomes in PyTorch."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a class gives: of a layer or of a weight.

    Attributes:
        attribute: of `self`.
        text: as written, `{}` for each expression; None if there is none, "" if the source does not tell.
        segments: the path that it stands for.
        node: of the name, else of the call.
        layer, weight: which of both it is.
        weighted: the layer carries weights; None if the source does not tell.
    """

    attribute: str
    text: str | None
    segments: tuple[str, ...]
    node: ast.expr | None
    call: ast.Call
    layer: Layer | None
    weight: Weight | None
    weighted: bool | None

    @property
    def line(self) -> int:
        """Of the name, or of the call where there is none."""
        return (self.node or self.call).lineno

    @property
    def shown(self) -> str:
        """As written, for people: "layer_._{i}"."""
        if not isinstance(self.node, ast.JoinedStr):
            return self.text or ""
        parts = (
            str(part.value)
            if isinstance(part, ast.Constant)
            else ast.unparse(part).removeprefix("f").strip("\"'")
            for part in self.node.values
        )
        return "".join(parts)

    @property
    def root(self) -> str:
        """First part of the path."""
        return self.segments[0] if self.segments else ""


@dataclass(frozen=True, eq=False)
class Naming:
    """One TensorFlow class, what it names, and where in PyTorch's tree it stands.

    Attributes:
        places: the twin's place; of a helper without a twin where its users name it. Empty if nobody tells.
        paired: it has a twin.
        elsewhere: PyTorch modules other than the twin that its users name it as.
        names: of its layers and weights.
        inherited: those of its bases.
        foreign: a base comes from elsewhere, so that there may be more.
    """

    pair: Pair
    tree: Tree
    places: tuple[Place, ...]
    paired: bool
    names: tuple[Name, ...]
    foreign: bool
    elsewhere: tuple[Place, ...] = ()
    inherited: tuple[Name, ...] = ()

    @cached_property
    def torch_names(self) -> frozenset[str]:
        """Attributes of the PyTorch class (of all that it may be)."""
        modules = [place for place in self.places if isinstance(place, Module)]
        return frozenset(name for m in modules for _, layers in m.chain for name in layers.attributes)

    @cached_property
    def torch_weighted(self) -> dict[str, tuple[Place, ...]]:
        """Attributes of the PyTorch class that surely carry weights -> what they hold."""
        found: dict[str, tuple[Place, ...]] = {}
        for name in sorted(self.torch_names):
            places = self.tree.step(self.places, name)
            if self.tree.any_weighted(places):
                found[name] = places
        return found

    @cached_property
    def roots(self) -> frozenset[str]:
        """First parts of all paths that the class names."""
        return frozenset(name.root for name in self.names if name.segments)

    @cached_property
    def free(self) -> tuple[str, ...]:
        """Weighted attributes of the PyTorch class that nothing here is named after, in the order of its text."""
        found = [name for name in self.torch_weighted if name not in self.roots]
        return tuple(sorted(found, key=lambda name: min(map(line_of, self.torch_weighted[name]), default=0)))

    def walk(self, segments: tuple[str, ...]) -> tuple[tuple[Place, ...], int]:
        """Where a path leads, and how many of its parts could be followed."""
        places, listed = self.places, False
        for number, segment in enumerate(segments):
            following = self.tree.step(places, segment)
            if not following and listed and (segment == "{}" or segment.isdigit()):
                continue  # the items of a list within a list
            if not following:
                return places, number
            listed = any(isinstance(place, Series) for place in places)
            places = following
        return places, len(segments)

    @cached_property
    def complete(self) -> bool:
        """The class itself holds what PyTorch's does: it is no wrapper around a layer that does (a model around its main layer)."""
        torch = self.pair.twin
        return not any(
            name.layer is not None
            and (
                name.layer.kind.endswith("MainLayer")
                or twin_name(name.layer.kind) == (torch.name if torch else "")
            )
            for name in self.names
        )

    def mentions(self, attribute: str) -> bool:
        """The class names something so, or has it in a string (a scope, a name that it computes)."""
        spelled = {attribute, *(tf for tf, torch in SPELLED.items() if torch == attribute)}
        return bool(spelled & (self.roots | self._strings))

    @cached_property
    def _strings(self) -> frozenset[str]:
        found: set[str] = set()
        for name in self.inherited:
            found.update(name.segments)
        for part in self.pair.tensorflow.node.body:
            if isinstance(part, ast.FunctionDef) and part.name in ("__init__", "build", "_build"):
                for node in walk(part):
                    if (
                        isinstance(node, ast.Constant)
                        and isinstance(node.value, str)
                        and len(node.value) < 100
                    ):
                        found.update(path_of(node.value))
        return frozenset(found)

    def leads(self, name: Name) -> bool:
        """The path of a name is one of PyTorch's; True where there is none to follow."""
        return not name.segments or self.walk(name.segments)[1] == len(name.segments)

    @cached_property
    def torch(self) -> str:
        """Name of the PyTorch class for people, "" if it is none."""
        return next((p.layers.name for p in self.places if isinstance(p, Module)), "")

    def where(self, places: tuple[Place, ...] | None = None) -> str:
        """ "modeling_bert.py:210" of a PyTorch place (default: the class), "" if unknown."""
        module = next((p for p in self.places if isinstance(p, Module)), None)
        for place in places if places is not None else self.places:
            if isinstance(place, Module):
                return f"{place.path.rsplit('/', 1)[-1]}:{place.layers.node.lineno}"
            if line := line_of(place):
                return f"{module.path.rsplit('/', 1)[-1]}:{line}" if module else ""
        return ""

    def attribute_line(self, name: str) -> str:
        """ "modeling_bert.py:212" of `self.<name> = …` in the PyTorch class, "" if unknown."""
        for place in self.places:
            if isinstance(place, Module):
                for path, layers in place.chain:
                    lines = [layer.line for layer in layers.of(name)]
                    lines += [weight.line for weight in layers.weights if weight.attribute == name]
                    if lines:
                        return f"{path.rsplit('/', 1)[-1]}:{min(lines)}"
        return ""


def path_of(text: str) -> tuple[str, ...]:
    """The path that a name stands for: "layer_._{}" -> ("layer", "{}"), "mlm___cls" -> ("cls",)."""
    levels = [level.rsplit("___", 1)[-1] for level in text.split("/")]
    return tuple(part for part in re.split(r"_\._|[/.]", "/".join(levels)) if part)


def fits(name: Name, place: Place, tree: Tree) -> bool:
    """The weights of a layer can come from a place; True where the source does not tell."""
    layer = name.layer
    if isinstance(place, Opaque) or layer is None:
        return True
    if not layer.is_keras:
        return not (name.weighted and tree.weighted(place) is False)
    family = next((torch for keras, torch in FAMILIES if re.fullmatch(keras, layer.short)), None)
    if family is None or (layer.short.startswith("Separable") and isinstance(place, Module)):
        return True
    if isinstance(place, Leaf):
        return re.fullmatch(family, place.kind) is not None
    if isinstance(place, (Series, Parameter)):
        return False
    return bool(tree.step((place,), "weight")) or tree.weighted(place) is None
