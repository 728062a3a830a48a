"""How the weights of a TensorFlow port are named, held against PyTorch's tree of modules.

Loading takes a variable's scopes apart as `convert_tf_weight_name_to_pt_weight_name` (modeling_tf_pytorch_utils.py) does: `x___` is dropped,
`/` and `_._` become a level, and a `.` in a name already is one. So a name is a path, and it has to lead from the PyTorch class to a module
with weights.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from checks.pairs import Pair, pairs, twin_name
from checks.port import Port
from checks.rules._module_tree import OPAQUE, Leaf, Module, Opaque, Parameter, Place, Series, Tree
from checks.source.layers import ClassLayers, Layer, Weight, argument, pattern
from checks.source.python import dotted

_FAMILIES = (
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
_KERAS_WEIGHTED = re.compile("|".join([*(keras for keras, _ in _FAMILIES), _OTHERS]))

SPELLED = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}
"""What the last part of a variable's name becomes in PyTorch."""

_UTILITIES = frozenset({"TFSharedEmbeddings", "TFConv1D", "BiasLayer"})
"""Layers of `modeling_tf_utils.py` with weights."""


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
        return tuple(sorted(found, key=lambda name: min(map(_line_of, self.torch_weighted[name]), default=0)))

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
                for node in ast.walk(part):
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
            if line := _line_of(place):
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


@lru_cache(maxsize=4)
def namings(port: Port) -> tuple[Naming, ...]:
    """All Keras classes of the port that have a place in PyTorch's tree, in the order of the text.

    Raises:
        checks.errors.Undecidable: a module can't be read or parsed.
    """
    return tuple(_Reader(port).read())


class _Reader:
    def __init__(self, port: Port) -> None:
        self._port = port
        self._pairs = {pair.name: pair for pair in pairs(port)}
        self._weighted: dict[str, bool | None] = {}
        self._elsewhere: dict[str, tuple[Place, ...]] = {}

    def read(self) -> Iterator[Naming]:
        tree = Tree(self._port)
        names = {
            name: tuple(self._names(pair))
            for name, pair in self._pairs.items()
            if self._port.is_keras(pair.facts)
        }
        places: dict[str, tuple[Place, ...]] = {}
        for name in names:
            twin = tree.twin(self._pairs[name])
            if twin is not None:
                places[name] = (twin,)
        paired = frozenset(places)
        for _ in range(4):  # helpers of helpers
            if not self._spread(tree, names, places, paired):
                break
        for name, found in names.items():
            yield Naming(
                self._pairs[name],
                tree,
                places.get(name, ()),
                name in paired,
                found,
                self._foreign(self._pairs[name].tensorflow),
                self._elsewhere.get(name, ()),
                tuple(n for base in self._bases(name, frozenset()) for n in names.get(base, ())),
            )

    def _spread(
        self,
        tree: Tree,
        names: dict[str, tuple[Name, ...]],
        places: dict[str, tuple[Place, ...]],
        paired: frozenset[str],
    ) -> bool:
        """Gives helpers without a twin the places where their users name them. Whether there was anything new."""
        new: dict[str, list[Place]] = {}
        for user, found in names.items():
            for name in found:
                if name.layer is None or name.layer.kind not in names:
                    continue
                reached: tuple[Place, ...] = (OPAQUE,)
                if user in places and name.segments:
                    naming = Naming(self._pairs[user], tree, places[user], user in paired, found, False)
                    reached, steps = naming.walk(name.segments)
                    if steps < len(name.segments) and user in self._elsewhere:
                        reached, steps = replace(naming, places=self._elsewhere[user]).walk(name.segments)
                    reached = reached if steps == len(name.segments) else (OPAQUE,)
                new.setdefault(name.layer.kind, []).extend(reached)
        changed = False
        for helper, reached in new.items():
            if helper in paired:
                own = {_identity(place) for place in places[helper]}
                known = {_identity(p): p for p in reached if not isinstance(p, Opaque)}
                others = tuple(p for key, p in known.items() if key not in own)
                if [*map(_identity, others)] != [*map(_identity, self._elsewhere.get(helper, ()))]:
                    self._elsewhere[helper] = others
                    changed = True
                continue
            merged = tuple({_identity(place): place for place in reached}.values())
            if [*map(_identity, merged)] != [*map(_identity, places.get(helper, ()))]:
                places[helper] = merged
                changed = True
        return changed

    def _foreign(self, layers: ClassLayers) -> bool:
        """A base is a layer or model of another file."""
        for base in layers.bases:
            last = base.rsplit(".", 1)[-1]
            if last in self._pairs:
                if last != layers.name and self._foreign(self._pairs[last].tensorflow):
                    return True
            elif last not in ("Layer", "Model", "TFPreTrainedModel") and not last.endswith(("Loss", "Mixin")):
                return True
        return False

    # -- names ---------------------------------------------------------------------------------------------------------

    def _names(self, pair: Pair) -> Iterator[Name]:
        for layer in pair.tensorflow.layers:
            yield self._of_layer(layer)
        for weight in pair.tensorflow.weights:
            if weight.kind == "add_weight":
                yield _of_weight(weight)

    def _bases(self, name: str, seen: frozenset[str]) -> Iterator[str]:
        """Bases of a class within the port."""
        for base in self._pairs[name].tensorflow.bases:
            last = base.rsplit(".", 1)[-1]
            if last in self._pairs and last not in seen | {name}:
                yield last
                yield from self._bases(last, seen | {name})

    def _of_layer(self, layer: Layer) -> Name:
        node = layer.argument("name")
        text = layer.name
        if text is None and layer.kind in self._pairs:
            position = self._name_position(layer.kind)
            node = layer.argument("name", position) if position is not None else None
            text = pattern(node)
            if text is None and self._names_itself(layer.kind):
                text = ""
        if text is None and any(keyword.arg is None for keyword in layer.call.keywords):
            text = ""
        segments = path_of(text) if text else ()
        return Name(
            layer.attribute, text, segments, node, layer.call, layer, None, self._layer_weighted(layer)
        )

    def _name_position(self, kind: str) -> int | None:
        """Position of a parameter `name` in the constructor."""
        init = self._pairs[kind].tensorflow.method("__init__")
        names = [argument.arg for argument in init.args.args[1:]] if init else []
        return names.index("name") if "name" in names else None

    def _names_itself(self, kind: str) -> bool:
        """The constructor hands a name to its base by itself."""
        init = self._pairs[kind].tensorflow.method("__init__")
        return (
            init is not None
            and any(
                isinstance(node, ast.Call)
                and dotted(node.func).endswith("__init__")
                and argument(node, "name") is not None
                for node in ast.walk(init)
            )
            and self._name_position(kind) is None
        )

    # -- weights -------------------------------------------------------------------------------------------------------

    def _layer_weighted(self, layer: Layer) -> bool | None:
        if layer.is_keras:
            return _KERAS_WEIGHTED.fullmatch(layer.short) is not None
        if layer.kind.startswith(("tf.", "keras.", "np.", "nn.", "torch.")):  # losses, initializers, PyTorch
            return False
        if layer.short in _UTILITIES:
            return True
        if layer.kind in self._pairs:
            # What a constructor adds stands in no scope, so that the layer's own name does not matter.
            made = self._pairs[layer.kind].tensorflow
            if made.weights and not made.layers and all(w.method == "__init__" for w in made.weights):
                return False
            return self._class_weighted(layer.kind)
        return None

    def _class_weighted(self, name: str) -> bool | None:
        if name in self._weighted:
            return self._weighted[name]
        self._weighted[name] = False  # a class that contains itself
        layers = self._pairs[name].tensorflow
        answers: list[bool | None] = [True for weight in layers.weights if weight.kind == "add_weight"]
        answers += map(self._layer_weighted, layers.layers)
        for base in layers.bases:
            last = base.rsplit(".", 1)[-1]
            if last in self._pairs and last != name:
                answers.append(self._class_weighted(last))
            elif base.startswith(("tf.keras.layers.", "keras.layers.", "layers.")):
                answers.append(_KERAS_WEIGHTED.fullmatch(last) is not None)
            elif last not in ("Layer", "Model", "TFPreTrainedModel") and not last.endswith(("Loss", "Mixin")):
                answers.append(None)
        found = True if True in answers else None if None in answers else False
        self._weighted[name] = found
        return found


def path_of(text: str) -> tuple[str, ...]:
    """The path that a name stands for: "layer_._{}" -> ("layer", "{}"), "mlm___cls" -> ("cls",)."""
    levels = [level.rsplit("___", 1)[-1] for level in text.split("/")]
    return tuple(part for part in re.split(r"_\._|[/.]", "/".join(levels)) if part)


_SCOPE = re.compile(r"""f?(["'])(.*)\1""")


def _of_weight(weight: Weight) -> Name:
    node = argument(weight.call, "name", 0)
    scopes: list[str] = []
    known = True
    for scope in weight.scopes:
        literal = _SCOPE.fullmatch(scope)
        known = known and literal is not None
        scopes.append(re.sub(r"\{[^{}]*\}", "{}", literal[2]) if literal else "")
    segments: tuple[str, ...] = ()
    if weight.name and known:
        segments = tuple(part for scope in scopes for part in path_of(scope)) + path_of(weight.name)
    return Name(weight.attribute, weight.name, segments, node, weight.call, None, weight, True)


def fits(name: Name, place: Place, tree: Tree) -> bool:
    """The weights of a layer can come from a place; True where the source does not tell."""
    layer = name.layer
    if isinstance(place, Opaque) or layer is None:
        return True
    if not layer.is_keras:
        return not (name.weighted and tree.weighted(place) is False)
    family = next((torch for keras, torch in _FAMILIES if re.fullmatch(keras, layer.short)), None)
    if family is None or (layer.short.startswith("Separable") and isinstance(place, Module)):
        return True
    if isinstance(place, Leaf):
        return re.fullmatch(family, place.kind) is not None
    if isinstance(place, (Series, Parameter)):
        return False
    return bool(tree.step((place,), "weight")) or tree.weighted(place) is None


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


def _line_of(place: Place) -> int:
    if isinstance(place, (Leaf, Series)):
        return place.line
    return place.weight.line if isinstance(place, Parameter) and place.weight else 0


def _identity(place: Place) -> object:
    return (
        (place.path, place.layers.name)
        if isinstance(place, Module)
        else ((place.kind, place.line) if isinstance(place, Series) else place)
    )
