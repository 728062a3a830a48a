"""Literal `channels_first`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._arguments import place
from checks.source.calls import calls
from checks.source.layers import argument

_ORDERS = {"channels_first": "channels_last", "NCHW": "NHWC", "NCW": "NWC"}


def check(port: Port) -> Iterator[Finding]:
    for pair in pairing(port).mentioning(*_ORDERS):
        made = [
            layer.call for layer in pair.tensorflow.layers if layer.is_keras and "Global" not in layer.short
        ]
        made += [c.node for c in calls(pair.tensorflow.node) if c.name.startswith(("tf.", "keras.", "K."))]
        found = [
            node for call in made if (node := argument(call, "data_format")) is not None and _order(node)
        ]
        if found:
            found.sort(key=lambda node: node.lineno)
            lines = port.text(pair.path).split("\n")
            first = found[0]
            yield RULE.finding(
                pair.path,
                first.lineno,
                f'{pair.name} asks for data_format="{_order(first)}", which convolutions on a CPU mostly cannot do',
                f'Transpose once, where the pixels come in, and run everything "{_ORDERS[_order(first)]}", Keras\'s default: leave data_format out.',
                symbol=pair.name,
                column=place(lines, first.lineno, first.col_offset)[1],
                locations=[Location(pair.path, node.lineno) for node in found[1:]],
            )


def _order(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and node.value in _ORDERS else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="channels-first",
    level="warning",
    summary="Layers run channels-last.",
    why=(
        "Keras computes channels-last by default, and on a CPU TensorFlow has kernels for most convolutions and pools in that order only. The "
        "model's inputs stay channels-first, as PyTorch's."
    ),
    how=(
        "Transpose the pixels to (batch, height, width, channels) once, in the embeddings or the main layer, and all returned feature maps back. "
        "Leave `data_format` out."
    ),
    source="#22970; a literal channels_first fails or is slow on a CPU",
    check=check,
    examples=(
        Example(
            title="A convolution on channels-first",
            path=_TF,
            good="kernel_size=1, name",
            bad='kernel_size=1, data_format="channels_first", name',
            finds=(
                'self.projection = keras.layers.Conv2D(config.hidden_size, kernel_size=1, data_format="channels_first", name="lens.3")',
            ),
        ),
    ),
)
