"""Which argument of a Keras layer is which argument of the PyTorch module, and where the two say different things."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from checks.layer_pairs import LayerPair, Pairing, Side, arguments, defaults, is_keras
from checks.rules._arguments import differs, rescales, skips_parameter
from checks.source.layers import ClassLayers
from checks.source.values import Plain, Value, literal


@dataclass(frozen=True, slots=True)
class Same:
    """One argument in both frameworks: name, position, default. A default of None means that it has to be given."""

    keras: str
    position: int
    keras_default: Plain
    torch: str
    torch_position: int
    torch_default: Plain


_CONV = (
    Same("filters", 0, None, "out_channels", 1, None),
    Same("kernel_size", 1, None, "kernel_size", 2, None),
    Same("strides", 2, 1, "stride", 3, 1),
    Same("dilation_rate", 5, 1, "dilation", 5, 1),
    Same("groups", 6, 1, "groups", 6, 1),
    Same("use_bias", 8, True, "bias", 7, True),
)
_TRANSPOSED = (
    Same("filters", 0, None, "out_channels", 1, None),
    Same("kernel_size", 1, None, "kernel_size", 2, None),
    Same("strides", 2, 1, "stride", 3, 1),
    Same("use_bias", 8, True, "bias", 7, True),
)
_POOL = (Same("pool_size", 0, 2, "kernel_size", 0, None), Same("strides", 1, None, "stride", 1, None))

ARGUMENTS: dict[str, tuple[tuple[str, ...], tuple[Same, ...]]] = {
    "Dense": (
        ("Linear",),
        (
            Same("units", 0, None, "out_features", 1, None),
            Same("use_bias", 2, True, "bias", 2, True),
        ),
    ),
    "Conv1D": (("Conv1d",), _CONV),
    "Conv2D": (("Conv2d",), _CONV),
    "Conv3D": (("Conv3d",), _CONV),
    "Conv1DTranspose": (("ConvTranspose1d",), _TRANSPOSED),
    "Conv2DTranspose": (("ConvTranspose2d",), _TRANSPOSED),
    "MaxPool2D": (("MaxPool2d",), _POOL),
    "MaxPooling2D": (("MaxPool2d",), _POOL),
    "AveragePooling2D": (("AvgPool2d",), _POOL),
    "AvgPool2D": (("AvgPool2d",), _POOL),
    "Embedding": (
        ("Embedding",),
        (
            Same("input_dim", 0, None, "num_embeddings", 0, None),
            Same("output_dim", 1, None, "embedding_dim", 1, None),
        ),
    ),
}
"""Keras layer -> the modules of `torch.nn` that it may stand for, and their arguments."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An argument that says something else than PyTorch's.

    Attributes:
        found: the layer.
        name: of the argument.
        node: what stands there; None if it is left out.
        mine: what it amounts to.
        side: the PyTorch module.
        theirs: what that has.
        expression: how PyTorch writes it; None if it leaves it out.
    """

    found: LayerPair
    name: str
    node: ast.expr | None
    mine: Value
    side: Side
    theirs: Value
    expression: ast.expr | None

    @property
    def is_literal(self) -> bool:
        """A number or text on one side, the configuration on the other."""
        known = self.mine.is_known and self.theirs.is_known
        return known and self.mine.is_literal != self.theirs.is_literal

    @property
    def line(self) -> int:
        """Where it has to be changed."""
        return self.node.lineno if self.node is not None else self.found.layer.line


def differences(found: LayerPair) -> Iterator[Difference]:
    """The arguments of a Keras layer that differ from PyTorch's."""
    if found.layer.short not in ARGUMENTS or not is_keras(found.layer):
        return
    kinds, same = ARGUMENTS[found.layer.short]
    sides = found.of(*kinds)
    for one in same if sides else ():
        node = found.layer.argument(one.keras, one.position)
        mine = _given(found.tensorflow, node, one.keras_default)
        theirs = [
            _given(s, s.layer.argument(one.torch, one.torch_position), one.torch_default) for s in sides
        ]
        wrong = differs(mine, theirs) or skips_parameter(found, mine, theirs)
        wrong = wrong or all(
            rescales(found, side, mine, value) for side, value in zip(sides, theirs, strict=True)
        )
        if not wrong and not _is_stray(one, mine, node, sides):
            continue
        assert mine is not None
        assert theirs[0] is not None
        expression = sides[0].layer.argument(one.torch, one.torch_position)
        yield Difference(found, one.keras, node, mine, sides[0], theirs[0], expression)


def _is_stray(one: Same, mine: Value | None, node: ast.expr | None, sides: tuple[Side, ...]) -> bool:
    """PyTorch has no dilation and no groups here, TensorFlow has something that is named otherwise: `dilation_rate=stride`."""
    word = _RARE.get(one.keras)
    if word is None or mine is None or node is None or mine.is_literal:
        return False
    if any(s.layer.argument(one.torch, one.torch_position) is not None for s in sides):
        return False
    return all(word not in name for name in mine.parameters | mine.attributes)


_RARE = {"dilation_rate": "dilat", "groups": "group"}
"""Arguments that PyTorch mostly leaves out, and what a value is called that is meant for them."""


def _given(side: Side, node: ast.expr | None, default: Plain) -> Value | None:
    if node is not None:
        return side.scope.value(node)
    return None if default is None else literal(default)


_NOT_COMPARED = frozenset(
    {
        "self",
        "config",
        "name",
        "kwargs",
        "args",
        "in_channels",
        "in_features",
        "padding",
        "data_format",
        "dtype",
    }
)


def own_differences(paired: Pairing, found: LayerPair) -> Iterator[Difference]:
    """The arguments of `TFX(…)` that differ from those of `X(…)` in the twin, defaults included."""
    made = paired.tensorflow_class(found.layer.short)
    sides = [side for side in found.pytorch if f"TF{side.layer.short}" == found.layer.short]
    if made is None or not sides or len(sides) != len(found.pytorch):
        return
    twin = paired.pytorch_class(found.pair, sides[0].layer.short)
    if twin is None:
        return
    given, usual = arguments(found.layer.call, made), defaults(made)
    for name in (n for n in _parameters(made) if n in set(_parameters(twin)) - _NOT_COMPARED):
        mine = found.tensorflow.scope.value(given[name]) if name in given else _default(usual, name)
        theirs: list[Value | None] = []
        for side in sides:
            there = arguments(side.layer.call, twin)
            theirs.append(side.scope.value(there[name]) if name in there else _default(defaults(twin), name))
        if not differs(mine, theirs) and not all(
            rescales(found, side, mine, value) for side, value in zip(sides, theirs, strict=True)
        ):
            continue
        assert mine is not None
        assert theirs[0] is not None
        expression = arguments(sides[0].layer.call, twin).get(name)
        yield Difference(found, name, given.get(name), mine, sides[0], theirs[0], expression)


def _parameters(made: ClassLayers) -> list[str]:
    init = made.method("__init__")
    return [a.arg for a in (*init.args.args, *init.args.kwonlyargs)] if init else []


def _default(usual: dict[str, ast.expr], name: str) -> Value | None:
    node = usual.get(name)
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str)):
        return literal(node.value)
    return None


@lru_cache(maxsize=8)
def all_differences(paired: Pairing) -> tuple[Difference, ...]:
    """Those of every layer of a port, in the order of the text."""
    return tuple(one for p in paired.layers for one in (*differences(p), *own_differences(paired, p)))


def is_hard_coded(paired: Pairing, one: Difference) -> bool:
    """A literal that may be right for the usual configuration: a matter of where values come from, not of what they are."""
    if not one.is_literal:
        return False
    if (
        one.name in _RARE
        and one.expression is None
        and all(_RARE[one.name] not in n for n in one.mine.attributes)
    ):
        return False
    reads = one.theirs if one.mine.is_literal else one.mine
    written = one.mine if one.mine.is_literal else one.theirs
    known = paired.config.defaults.get(reads.attribute, ())
    return not known or any(written.equals(literal(default)) for default in known)


def grouped(found: Iterable[Difference]) -> list[list[Difference]]:
    """Those of one class that are the same mistake together, in the order of the text."""
    groups: dict[tuple[str, str, Plain, Plain], list[Difference]] = {}
    for one in found:
        groups.setdefault((one.found.pair.name, one.name, one.mine.plain, one.theirs.plain), []).append(one)
    return list(groups.values())
