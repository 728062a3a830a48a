"""Padding of pools."""

from __future__ import annotations

from collections.abc import Iterator

from checks.layer_pairs import LayerPair, Side, pairing
from checks.port import Port
from checks.report import Finding, Level
from checks.rules import Example, Rule
from checks.rules._arguments import told
from checks.source.activations import activations
from checks.source.values import Value, literal

_MAX = ("MaxPool2D", "MaxPooling2D", "MaxPool1D", "MaxPooling1D")
_MEAN = ("AveragePooling2D", "AvgPool2D", "AveragePooling1D", "AvgPool1D")


def check(port: Port) -> Iterator[Finding]:
    for found in pairing(port).keras:
        if found.layer.short in (*_MAX, *_MEAN):
            yield from _of(port, found)


def _of(port: Port, found: LayerPair) -> Iterator[Finding]:
    node = found.layer.argument("padding", 2)
    mine = found.tensorflow.scope.value(node) if node is not None else literal("valid")
    sides = found.of("MaxPool2d", "AvgPool2d", "MaxPool1d", "AvgPool1d")
    is_max = found.layer.short in _MAX
    if is_max and not sides and _pads_zeros(found):
        yield _finding(found, *_ZEROS, "suggestion")
    if mine is None or not isinstance(mine.plain, str) or len(sides) != 1:
        return
    side, same = sides[0], mine.plain.lower() == "same"
    padding = _argument(side, "padding", 2, 0)
    ceil = _argument(side, "ceil_mode", 5 if is_max else 3, False)
    if padding is None or ceil is None:
        return
    none = padding.equals(literal(0))
    if same and none and ceil.plain is False:
        yield _finding(found, 'has padding="same"; PyTorch pads nothing', f'Use padding="valid"{told(side)}.')
    elif not same and none and ceil.plain is True:
        yield _finding(
            found,
            "drops what does not fill a window; PyTorch keeps it (ceil_mode=True)",
            f'Use padding="same", which rounds up too{told(side)}.',
            "warning",
        )
    elif same and not none:
        yield from _same(found, side)
    elif not none and is_max and _pads_zeros(found):
        yield _finding(found, *_ZEROS, "warning")
    elif not none and "pad" not in _body(port, found):
        yield _finding(
            found,
            f"does not pad; PyTorch has padding={padding.text}",
            f"Pad before it, with the smallest number for a maximum, with zeros for a mean{told(side)}.",
        )


_ZEROS = (
    "takes the maximum with zeros that ZeroPadding2D put there; PyTorch pads with minus infinity",
    "Pad by tf.pad(…, constant_values=…) with the smallest number, unless no input is negative.",
)


def _same(found: LayerPair, side: Side) -> Iterator[Finding]:
    stride = found.tensorflow.value("strides", 1)
    if stride is None or not stride.equals(literal(1)):
        yield _finding(
            found,
            'has padding="same" with a stride: Keras then pads only below and to the right',
            f'Pad both sides by hand and use padding="valid", as PyTorch does{told(side)}.',
        )
    elif found.layer.short in _MEAN:
        counted = _argument(side, "count_include_pad", 4, True)
        if counted is not None and counted.plain is True:
            yield _finding(
                found,
                'has padding="same", which leaves the padding out of the mean; PyTorch counts it (count_include_pad=True)',
                f'Use ZeroPadding2D and padding="valid"{told(side)}.',
            )


def _argument(side: Side, name: str, position: int, default: float | bool) -> Value | None:
    node = side.layer.argument(name, position)
    return side.scope.value(node) if node is not None else literal(default)


def _pads_zeros(found: LayerPair) -> bool:
    made = found.pair.tensorflow
    zeros = any(layer.short.startswith("ZeroPadding") for layer in made.layers)
    return zeros and not any(one.name in ("relu", "sigmoid") for one in activations(made))


def _body(port: Port, found: LayerPair) -> str:
    node = found.pair.tensorflow.node
    lines = port.text(found.pair.path).split("\n")[node.lineno : node.end_lineno]
    return "\n".join(line.replace("padding=", "") for line in lines)


def _finding(found: LayerPair, message: str, advice: str, level: Level = "error") -> Finding:
    node = found.layer.argument("padding", 2)
    return RULE.finding(
        found.pair.path,
        node.lineno if node is not None else found.layer.line,
        f"{found.symbol} {message}",
        advice,
        symbol=found.symbol,
        level=level,
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="pooling-padding",
    level="error",
    summary="Pools are padded as in PyTorch.",
    why=(
        "PyTorch pads a maximum with minus infinity and counts padded zeros in a mean; Keras's ZeroPadding2D puts zeros into the maximum, and "
        'its "same" leaves the padding out of the mean and shifts windows where there is a stride.'
    ),
    how=(
        "Pad a maximum by `tf.pad` with the smallest number (zeros will do behind a ReLU), a mean by ZeroPadding2D, and pool with "
        '`padding="valid"`. `padding="same"` is right for a mean with `count_include_pad=False` and stride 1.'
    ),
    source="measured with TensorFlow 2.15",
    check=check,
    examples=(
        Example(
            title="Zeros in a maximum",
            path=_TF,
            good='            activation="tanh",\n            name="dense",\n        )\n\n    def call(self, hidden_states: tf.Tensor) -> tf.Tensor:\n        return self.dense(hidden_states[:, 0])',
            bad='            activation="tanh",\n            name="dense",\n        )\n        self.edge = keras.layers.ZeroPadding2D(1)\n        self.pool = keras.layers.MaxPool2D(3, 2)\n\n    def call(self, hidden_states: tf.Tensor) -> tf.Tensor:\n        hidden_states = self.pool(self.edge(hidden_states))\n        return self.dense(hidden_states[:, 0])',
            finds=("self.pool = keras.layers.MaxPool2D(3, 2)",),
        ),
    ),
)
