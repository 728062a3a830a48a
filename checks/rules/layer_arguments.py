"""Kernel size, stride, groups, bias and width of layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._arguments import set_arguments, told, usable
from checks.rules._layer_arguments import Difference, all_differences, grouped, is_hard_coded
from checks.rules._misnamed import misnamed


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    # Who has another's name is compared with another's module: once the names are right, the arguments are looked at.
    wrong = {found.naming.pair.name for found in misnamed(port) if found.level == "error"}
    found = (one for one in all_differences(paired) if one.found.pair.name not in wrong)
    for group in grouped(one for one in found if not is_hard_coded(paired, one)):
        yield _finding(port, group)


def _finding(port: Port, group: list[Difference]) -> Finding:
    first = group[0]
    good = _text(first)
    names = ", ".join(one.found.layer.attribute for one in group)
    has = (
        f"{first.name}={first.mine.text}"
        if first.node is not None
        else f"no {first.name}, which means {first.mine.text}"
    )
    edits = [
        edit
        for one in group
        if _text(one)
        for edit in set_arguments(port, one.found.pair.path, one.found.layer.call, {one.name: _text(one)})
    ]
    return RULE.finding(
        first.found.pair.path,
        first.line,
        f"{first.found.pair.name}: {names} {'has' if len(group) == 1 else 'have'} {has}; PyTorch has {_theirs(first)}",
        f"Give it {first.name}={good or first.theirs.text}, as in {first.side.owner.name}{told(first.side)}.",
        symbol=first.found.symbol,
        locations=[Location(one.found.pair.path, one.line) for one in group[1:]],
        edits=edits if all(_text(one) for one in group) else (),
    )


def _theirs(one: Difference) -> str:
    return ast.unparse(one.expression) if one.expression is not None else f"{one.theirs.text}, its default"


def _text(one: Difference) -> str:
    if one.expression is None:
        return one.theirs.text
    return usable(one.theirs, one.expression, one.found)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="layer-arguments",
    level="error",
    summary="Layers have the size, stride, dilation, groups and bias of the PyTorch layer.",
    why=(
        "A layer with another width or kernel has weights of another shape, so PyTorch's do not load; one with another stride or without "
        "bias loads and computes something else. Defaults count: Keras pools by 2, PyTorch's AvgPool2d by what it is told."
    ),
    how=(
        "Carry over every argument of the PyTorch layer: `out_features`, `out_channels` → `units`, `filters`; `stride` → `strides`; `dilation` "
        "→ `dilation_rate`; `bias` → `use_bias`; `kernel_size` of a pool → `pool_size`."
    ),
    source="research into merged ports: none of them differs",
    check=check,
    examples=(
        Example(
            title="Another stride",
            path=_TF,
            good="keras.layers.Conv2D(config.hidden_size, kernel_size=3, strides=2, ",
            bad="keras.layers.Conv2D(config.hidden_size, kernel_size=3, strides=1, ",
            finds=(
                'self.convolution = keras.layers.Conv2D(config.hidden_size, kernel_size=3, strides=1, name="lens.0")',
            ),
            fixed=True,
        ),
        Example(
            title="The bias is gone",
            path=_TF,
            good="keras.layers.Conv2D(config.hidden_size, kernel_size=1, ",
            bad="keras.layers.Conv2D(config.hidden_size, kernel_size=1, use_bias=False, ",
            finds=(
                'self.projection = keras.layers.Conv2D(config.hidden_size, kernel_size=1, use_bias=False, name="lens.3")',
            ),
            edits_to="keras.layers.Conv2D(config.hidden_size, kernel_size=1, use_bias=True, ",
        ),
        Example(
            title="A dilation that PyTorch has not",
            path=_TF,
            good="keras.layers.Conv2D(config.hidden_size, kernel_size=1, ",
            bad="keras.layers.Conv2D(config.hidden_size, kernel_size=1, dilation_rate=config.num_hidden_layers, ",
            finds=(
                'self.projection = keras.layers.Conv2D(config.hidden_size, kernel_size=1, dilation_rate=config.num_hidden_layers, name="lens.3")',
            ),
            edits_to="keras.layers.Conv2D(config.hidden_size, kernel_size=1, dilation_rate=1, ",
        ),
        Example(
            title="The same width in other words",
            path=_TF,
            good="keras.layers.Conv2D(config.hidden_size, kernel_size=1, ",
            bad="keras.layers.Conv2D(filters=self.config.hidden_size, kernel_size=(1, 1), strides=1, ",
            silent=True,
        ),
    ),
)
