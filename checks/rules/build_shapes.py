"""Sub-layers are built with shapes that they can be built with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._build import (
    Built,
    built,
    demand_builds,
    input_size,
    is_channels_first,
    last_axis,
    resolve,
    shape_for,
)
from checks.rules._structure import NEEDS_CHANNELS, pairs_of, pytorch_place
from checks.source.layers import Layer


def check(port: Port) -> Iterator[Finding]:
    demand_builds(port)
    seen = False
    for pair in pairs_of(port):
        build = pair.tensorflow.method("build")
        if build is None or not port.is_keras(pair.facts):
            continue
        seen = True
        for call in built(build):
            layers = pair.tensorflow.of(call.attribute) if call.attribute else ()
            if layers and all(layer.is_keras and layer.short in NEEDS_CHANNELS for layer in layers):
                yield from _check(port, pair, call, layers)
    if not seen:
        raise NotBegun("no build() yet")


def _check(port: Port, pair: Pair, call: Built, layers: tuple[Layer, ...]) -> Iterator[Finding]:
    if any(map(is_channels_first, layers)):
        return
    axis = last_axis(call.shape)
    conditional = any(layer.conditional for layer in layers)
    if axis is None or (isinstance(axis, ast.Constant) and axis.value is None):
        shape = shape_for(pair, layers[0])
        yield RULE.finding(
            pair.path,
            call.call.lineno,
            f"{pair.name}.build builds {call.receiver}, a {layers[0].short}, without the size of the last axis, which raises an error",
            f"Write {call.receiver}.build({shape or '[None, None, …]'}), with what PyTorch's layer takes as input.",
            symbol=f"{pair.name}.build",
            edits=_edits(port, pair, call, shape),
            level="warning" if conditional else None,
        )
        return
    # A list's items differ; one layer has one size.
    if len(layers) != 1 or layers[0].held != "attribute":
        return
    theirs = input_size(pair, layers[0])
    if theirs is None:
        return
    wanted, ours = resolve(theirs[0], theirs[1]), resolve(axis, pair.tensorflow)
    if wanted and ours and wanted != ours and wanted.startswith("config.") == ours.startswith("config."):
        shape = shape_for(pair, layers[0])
        yield RULE.finding(
            pair.path,
            call.call.lineno,
            f"{pair.name}.build builds {call.receiver} for an input of {ours}, in PyTorch it is {wanted} "
            f"({pytorch_place(pair, theirs[2])})",
            f"Write {call.receiver}.build({shape or wanted}), or the weight has another shape than the checkpoint's.",
            symbol=f"{pair.name}.build",
            edits=_axis_edit(port, pair, axis, wanted),
        )


def _edits(port: Port, pair: Pair, call: Built, shape: str) -> tuple[Edit, ...]:
    given = call.shape
    if not shape or shape == "None" or given is None:
        return ()
    return _replaced(port, pair, given, shape)


def _axis_edit(port: Port, pair: Pair, axis: ast.expr, wanted: str) -> tuple[Edit, ...]:
    if wanted.startswith("config.") and "config" not in pair.tensorflow.attributes:
        return ()
    return _replaced(port, pair, axis, f"self.{wanted}" if wanted.startswith("config.") else wanted)


def _replaced(port: Port, pair: Pair, node: ast.expr, text: str) -> tuple[Edit, ...]:
    line = port.text(pair.path).split("\n")[node.lineno - 1]
    if node.end_lineno != node.lineno or node.end_col_offset is None or not line.isascii():
        return ()
    return (
        Edit(pair.path, (node.lineno, node.col_offset + 1), (node.lineno, node.end_col_offset + 1), text),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_KEY = "                self.key.build([None, None, self.config.hidden_size])\n"

RULE = Rule(
    slug="build-shapes",
    level="error",
    summary="`build` of a Dense, convolution or normalisation gets the size of the last axis, the one that PyTorch's layer has.",
    why=(
        "`Dense.build(None)` raises an error, and with another size than PyTorch's the weight of the checkpoint does not fit. Layers of our "
        "own and embeddings take None."
    ),
    how="`self.dense.build([None, None, self.config.hidden_size])` where PyTorch has `nn.Linear(config.hidden_size, …)`.",
    since="4.37 (050e0b44f)",
    source="IDEFICS: None being passed as shape, #26870",
    check=check,
    examples=(
        Example(
            title="No shape",
            path=_TF,
            good=_KEY,
            bad="                self.key.build(None)\n",
            finds=("self.key.build(None)",),
            fixed=True,
        ),
        Example(
            title="Another size than PyTorch's",
            path=_TF,
            good=_KEY,
            bad="                self.key.build([None, None, self.config.num_channels])\n",
            finds=("self.key.build([None, None, self.config.num_channels])",),
            fixed=True,
        ),
    ),
)
