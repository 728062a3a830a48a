"""Reads what the classes of a port name, and where in PyTorch's tree they stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from checks.pairs import MOST_BASES, Pair, pairs
from checks.port import Port
from checks.rules._module_tree import Tree
from checks.rules._naming import KERAS_WEIGHTED, Name, Naming, path_of
from checks.rules._places import OPAQUE, Opaque, Place, identity
from checks.source.layers import Layer, Weight, argument, pattern
from checks.source.python import dotted, walk

_UTILITIES = frozenset({"TFSharedEmbeddings", "TFConv1D", "BiasLayer"})
"""Layers of `modeling_tf_utils.py` with weights."""

_SCOPE = re.compile(r"""f?(["'])(.*)\1""")


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
                self._foreign(name),
                self._elsewhere.get(name, ()),
                tuple(n for base in self._bases(name) for n in names.get(base, ())),
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
        for helper, found_at in new.items():
            if helper in paired:
                own = {identity(place) for place in places[helper]}
                known = {identity(p): p for p in found_at if not isinstance(p, Opaque)}
                others = tuple(p for key, p in known.items() if key not in own)
                if [*map(identity, others)] != [*map(identity, self._elsewhere.get(helper, ()))]:
                    self._elsewhere[helper] = others
                    changed = True
                continue
            merged = tuple({identity(place): place for place in found_at}.values())
            if [*map(identity, merged)] != [*map(identity, places.get(helper, ()))]:
                places[helper] = merged
                changed = True
        return changed

    def _foreign(self, name: str) -> bool:
        """A base is a layer or model of another file."""
        lasts = (
            base.rsplit(".", 1)[-1]
            for owner in (name, *self._bases(name))
            for base in self._pairs[owner].tensorflow.bases
        )
        return any(
            last not in self._pairs
            and last not in ("Layer", "Model", "TFPreTrainedModel")
            and not last.endswith(("Loss", "Mixin"))
            for last in lasts
        )

    # -- names ---------------------------------------------------------------------------------------------------------

    def _names(self, pair: Pair) -> Iterator[Name]:
        for layer in pair.tensorflow.layers:
            yield self._of_layer(layer)
        for weight in pair.tensorflow.weights:
            if weight.kind == "add_weight":
                yield of_weight(weight)

    def _bases(self, name: str) -> tuple[str, ...]:
        """Bases of a class within the port, direct and indirect."""
        seen = {name: None}
        todo = [name]
        while todo and len(seen) < MOST_BASES:
            for base in self._pairs[todo.pop()].tensorflow.bases:
                last = base.rsplit(".", 1)[-1]
                if last in self._pairs and last not in seen:
                    seen[last] = None
                    todo.append(last)
        return tuple(seen)[1:]

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
                for node in walk(init)
            )
            and self._name_position(kind) is None
        )

    # -- weights -------------------------------------------------------------------------------------------------------

    def _layer_weighted(self, layer: Layer) -> bool | None:
        if layer.is_keras:
            return KERAS_WEIGHTED.fullmatch(layer.short) is not None
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
                answers.append(KERAS_WEIGHTED.fullmatch(last) is not None)
            elif last not in ("Layer", "Model", "TFPreTrainedModel") and not last.endswith(("Loss", "Mixin")):
                answers.append(None)
        found = True if True in answers else None if None in answers else False
        self._weighted[name] = found
        return found


def of_weight(weight: Weight) -> Name:
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
