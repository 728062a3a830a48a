"""Padding of convolutions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from checks.layer_pairs import LayerPair, Pairing, Side, pairing
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._arguments import differs, set_arguments, skips_parameter, told, usable
from checks.source.values import Value, literal

_CONVOLUTIONS = {"Conv1D": "Conv1d", "Conv2D": "Conv2d", "Conv3D": "Conv3d", "DepthwiseConv2D": "Conv2d"}
_ONE = literal(1)


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    for found in paired.keras:
        kind = found.layer.short
        if kind in _CONVOLUTIONS:
            yield from _convolution(port, found, _CONVOLUTIONS[kind])
        elif kind.startswith("ZeroPadding"):
            yield from _zeros(port, paired, found)


def _convolution(port: Port, found: LayerPair, kind: str) -> Iterator[Finding]:
    node = found.layer.argument("padding", 3)
    mine = found.tensorflow.scope.value(node) if node is not None else literal("valid")
    if mine is None or not mine.is_literal:
        return
    sides = found.of(kind)
    side = sides[0] if len(sides) == 1 else None
    line = node.lineno if node is not None else found.layer.line
    if not isinstance(mine.plain, str):
        yield _finding(
            port,
            found,
            line,
            f'has padding={mine.text}, but Keras knows "valid" and "same" only',
            f"Pad with keras.layers.ZeroPadding2D(padding={mine.text}) before it, and leave padding out.",
        )
    elif mine.plain.lower() == "same":
        stride = found.layer.argument("strides", 2)
        value = found.tensorflow.scope.value(stride) if stride is not None else _ONE
        if side is not None and _is_other_stride(found, side, value):
            return  # that is what has to be mended, and layer-arguments says so
        if not _is(value, _ONE):
            yield _finding(
                port,
                found,
                line,
                f'has padding="same" with strides={ast.unparse(stride) if stride else 1}: Keras then pads only below and to the right',
                f'Use padding="valid", and keras.layers.ZeroPadding2D(padding={_padding(side)}) before it, as PyTorch pads both sides{told(side) if side else ""}.',
                {"padding": '"valid"'} if _pads(port, found) else None,
            )
        elif side is not None:
            yield from _same(port, found, side, line)
    elif side is not None and not _pads(port, found):
        theirs = side.layer.argument("padding", 4)
        value = side.scope.value(theirs)
        if theirs is not None and value is not None and not _is(value, literal(0)) and value.plain != "valid":
            yield _finding(
                port,
                found,
                line,
                f"does not pad; PyTorch has padding={value.text}",
                _instead(found, side),
            )


def _same(port: Port, found: LayerPair, side: Side, line: int) -> Iterator[Finding]:
    """`padding="same"` with stride 1 is PyTorch's padding only if that is half the kernel."""
    theirs = side.layer.argument("padding", 4)
    padding = side.scope.value(theirs) if theirs is not None else literal(0)
    kernel = found.tensorflow.value("kernel_size", 1)
    dilation = (
        found.tensorflow.value("dilation_rate", 5) if found.layer.argument("dilation_rate", 5) else _ONE
    )
    if padding is None or kernel is None or dilation is None:
        return
    p, k, d = padding.plain, kernel.plain, dilation.plain
    if not all(v.is_literal for v in (padding, kernel, dilation)):
        return
    if differs(kernel, [side.value("kernel_size", 2)]):
        return  # layer-arguments says so
    if isinstance(p, int) and isinstance(k, int) and isinstance(d, int) and 2 * p != d * (k - 1):
        yield _finding(
            port,
            found,
            line,
            f'has padding="same", which adds {d * (k - 1)} to the size; PyTorch has padding={p}, which adds {2 * p}',
            f'Use padding="valid"{f", and keras.layers.ZeroPadding2D(padding={p}) before it" if p else ""}, as in {side.owner.name}{told(side)}.',
        )


def _is_other_stride(found: LayerPair, side: Side, mine: Value | None) -> bool:
    node = side.layer.argument("stride", 3)
    theirs = side.scope.value(node) if node is not None else _ONE
    return differs(mine, [theirs]) or skips_parameter(found, mine, [theirs])


def _zeros(port: Port, paired: Pairing, found: LayerPair) -> Iterator[Finding]:
    """A ZeroPadding layer pads as much as one of PyTorch's convolutions."""
    node = found.layer.argument("padding", 0)
    mine = found.tensorflow.scope.value(node) if node is not None else _ONE
    sides = [
        side
        for other in paired.keras
        if other.pair is found.pair and other.layer.short in (*_CONVOLUTIONS, "MaxPool2D", "AveragePooling2D")
        for side in other.pytorch
        if side.layer.argument("padding", 4 if side.layer.short.startswith("Conv") else 2) is not None
    ]
    values = [side.value("padding", 4 if side.layer.short.startswith("Conv") else 2) for side in sides]
    if not differs(mine, values) and not skips_parameter(found, mine, values):
        return
    theirs = sides[0].layer.argument("padding", 4)
    text = usable(values[0], theirs, found)
    yield RULE.finding(
        found.pair.path,
        node.lineno if node is not None else found.layer.line,
        f"{found.symbol} pads by {mine.text if mine else 1}; PyTorch pads by {values[0].text if values[0] else ''}",
        f"Write padding={text or 'what PyTorch has'}, as in {sides[0].owner.name}{told(sides[0])}.",
        symbol=found.symbol,
        edits=set_arguments(port, found.pair.path, found.layer.call, {"padding": text})
        if text and (node is None or found.layer.argument("padding") is not None)
        else (),
    )


def _is(value: Value | None, other: Value) -> bool:
    return value is not None and value.is_literal and value.equals(other)


def _padding(side: Side | None) -> str:
    node = side.layer.argument("padding", 4) if side else None
    return ast.unparse(node) if node is not None else "PyTorch's padding"


_PADS = re.compile(r"(?i)pad(?!ding\s*=)")


def _pads(port: Port, found: LayerPair) -> bool:
    """The class pads somehow: in a layer, by `tf.pad`, by something of its own of that name."""
    node = found.pair.tensorflow.node
    lines = port.text(found.pair.path).split("\n")[node.lineno : node.end_lineno]
    return any(_PADS.search(line) for line in lines)


def _instead(found: LayerPair, side: Side) -> str:
    stride, kernel = found.tensorflow.value("strides", 2), found.tensorflow.value("kernel_size", 1)
    padding = side.value("padding", 4)
    plain = [v.plain if v is not None and v.is_literal else None for v in (kernel, padding)]
    half = isinstance(plain[0], int) and plain[1] == plain[0] // 2 and plain[0] % 2
    if ((stride is None and found.layer.argument("strides", 2) is None) or _is(stride, _ONE)) and half:
        return f'Give it padding="same", which is the same for stride 1 and this kernel ({side.owner.name}{told(side)}).'
    return f"Pad with keras.layers.ZeroPadding2D(padding={_padding(side)}) before it, as {side.owner.name} does{told(side)}."


def _finding(
    port: Port, found: LayerPair, line: int, message: str, advice: str, wanted: dict[str, str] | None = None
) -> Finding:
    return RULE.finding(
        found.pair.path,
        line,
        f"{found.symbol} {message}",
        advice,
        symbol=found.symbol,
        edits=set_arguments(port, found.pair.path, found.layer.call, wanted) if wanted else (),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="same-padding",
    level="error",
    summary="Convolutions are padded as in PyTorch.",
    why=(
        'PyTorch pads all sides by the same number. Keras\'s "same" pads so that the size comes out right: with a stride of 2 and an even '
        "size only below and to the right, and then every output is shifted. The shapes agree, so nothing else tells."
    ),
    how=(
        'PyTorch\'s `padding=p` becomes `keras.layers.ZeroPadding2D(p)` and a convolution without padding. `"same"` is right only for stride 1 '
        "and an odd kernel with p = kernel_size // 2."
    ),
    source="measured: even input, kernel 3, stride 2 differ everywhere; no merged port does it",
    check=check,
    examples=(
        Example(
            title="Same with a stride",
            path=_TF,
            good="kernel_size=3, strides=2, name",
            bad='kernel_size=3, strides=2, padding="same", name',
            finds=(
                'self.convolution = keras.layers.Conv2D(config.hidden_size, kernel_size=3, strides=2, padding="same", name="lens.0")',
            ),
            edits_to='kernel_size=3, strides=2, padding="valid", name',
        ),
        Example(
            title="The number of PyTorch",
            path=_TF,
            good="kernel_size=3, strides=2, name",
            bad="kernel_size=3, strides=2, padding=1, name",
            finds=(
                'self.convolution = keras.layers.Conv2D(config.hidden_size, kernel_size=3, strides=2, padding=1, name="lens.0")',
            ),
        ),
        Example(
            title="Padded by another number",
            path=_TF,
            good="keras.layers.ZeroPadding2D(padding=1)",
            bad="keras.layers.ZeroPadding2D(padding=2)",
            finds=("self.padding = keras.layers.ZeroPadding2D(padding=2)",),
            fixed=True,
        ),
        Example(
            title="Same with stride 1 and a kernel of 1 pads nothing",
            path=_TF,
            good="kernel_size=1, name",
            bad='kernel_size=1, padding="same", name',
            silent=True,
        ),
    ),
)
