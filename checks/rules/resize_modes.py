"""Interpolation of images and feature maps."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import Pairing, pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._arguments import place
from checks.source.calls import Call, calls
from checks.source.layers import argument
from checks.source.values import Scope

_SAME = {
    "linear": "bilinear",
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest": "nearest",
    "area": "area",
}


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    for pair in paired.mentioning("image.resize"):
        for call in calls(pair.tensorflow.node):
            if call.name in (
                "tf.image.resize",
                "tf.compat.v1.image.resize",
                "tf.compat.v1.image.resize_bilinear",
            ):
                yield from _of(port, paired, pair, call)


def _of(port: Port, paired: Pairing, pair: Pair, call: Call) -> Iterator[Finding]:
    theirs = list(_interpolations(paired, pair, call))
    if not theirs:
        return
    symbol = f"{pair.name}.{call.method}"
    place_of, first, here = theirs[0]
    corners = [_constant(c, h, "align_corners", 4, False) for _, c, h in theirs]
    compat = call.name.startswith("tf.compat")
    mine_aligned = compat and _constant(
        call.node, paired.scope(pair.tensorflow, call.method), "align_corners", 3, False
    )
    if not compat and all(found is True for found in corners):
        yield RULE.finding(
            pair.path,
            call.line,
            f"{pair.name}: tf.image.resize never aligns corners; PyTorch interpolates with align_corners=True",
            f"Use tf.compat.v1.image.resize(…, align_corners=True), which is equal to PyTorch's{place_of}.",
            symbol=symbol,
        )
    elif mine_aligned is True and all(found is False for found in corners):
        yield RULE.finding(
            pair.path,
            call.line,
            f"{pair.name} aligns corners; PyTorch does not",
            f"Use tf.image.resize, which is equal to PyTorch's interpolate with align_corners=False{place_of}.",
            symbol=symbol,
        )
    scope = paired.scope(pair.tensorflow, call.method)
    node = argument(call.node, "method", 2)
    mine = _mode(node, scope) if node is not None else "bilinear"
    modes = {
        _mode(argument(c, "mode", 3), h) if argument(c, "mode", 3) is not None else "nearest"
        for _, c, h in theirs
    }
    if mine and "" not in modes and mine not in modes:
        wanted = _mode(argument(first, "mode", 3), here) or "nearest"
        lines = port.text(pair.path).split("\n")
        plain = isinstance(node, ast.Constant)
        edits: tuple[Edit, ...] = ()
        if node is not None and plain:
            start = place(lines, node.lineno, node.col_offset)
            end = place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
            edits = (Edit(pair.path, start, end, f'"{wanted}"'),)
        yield RULE.finding(
            pair.path,
            node.lineno if node is not None else call.line,
            f"{pair.name} resizes by {mine}{'' if node is not None else ' by default'}; PyTorch by {wanted}",
            f'Write method="{wanted}"{place_of}.',
            symbol=symbol,
            edits=edits,
        )
    elif mine == "bicubic" and modes == {"bicubic"}:
        yield RULE.finding(
            pair.path,
            call.line,
            f"{pair.name}: TensorFlow's bicubic has other weights than PyTorch's (a = -0.5; PyTorch's is -0.75), results differ by up to 0.07",
            f"Say in a comment that it is accepted, or resize with PyTorch's weights{place_of}.",
            symbol=symbol,
            level="warning",
        )
    elif mine == "nearest" and modes == {"nearest"} and not compat:
        yield RULE.finding(
            pair.path,
            call.line,
            f"{pair.name}: nearest takes another pixel than PyTorch's, unless the size grows by a whole number",
            f"If it does not, use tf.compat.v1.image.resize, or gather the pixels that PyTorch takes{place_of}.",
            symbol=symbol,
            level="suggestion",
        )


def _interpolations(paired: Pairing, pair: Pair, call: Call) -> Iterator[tuple[str, ast.Call, Scope]]:
    """The calls that it may stand for: of `forward`, or of the method of the same name if there is one."""
    for owner in pair.pytorch:
        found = [c for c in calls(owner.node) if c.short in ("interpolate", "upsample", "grid_sample")]
        same = [c for c in found if c.method == call.method or (call.method, c.method) == ("call", "forward")]
        at = paired.path_of(owner)
        for other in same or found:
            if other.short == "interpolate":
                yield f" ({at}:{other.line})" if at else "", other.node, paired.scope(owner, other.method)


def _constant(call: ast.Call, here: Scope, name: str, position: int, default: bool) -> bool | None:
    node = argument(call, name, position)
    if node is None:
        return default
    value = here.value(node)
    return bool(value.plain) if value is not None and isinstance(value.plain, (bool, type(None))) else None


def _mode(node: ast.expr | None, here: Scope) -> str:
    value = here.value(node)
    if value is not None and isinstance(value.plain, str) and value.is_literal:
        return _SAME.get(value.plain, "")
    last = node.attr if isinstance(node, ast.Attribute) else ""  # tf.image.ResizeMethod.BILINEAR
    return _SAME.get(last.lower().replace("_neighbor", ""), "")


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="resize-modes",
    level="error",
    summary="Interpolation has PyTorch's mode and treats corners alike.",
    why=(
        '`tf.image.resize` agrees with `interpolate(mode="bilinear", align_corners=False)` to 1e-7. With aligned corners it differs by up to '
        "0.45; its nearest takes other pixels, its bicubic weighs them differently."
    ),
    how=(
        "Give `method=` PyTorch's mode; for `align_corners=True` call `tf.compat.v1.image.resize(…, align_corners=True)`, as GroupViT does."
    ),
    source="measured with TensorFlow 2.15; the history of TFGroupViT",
    check=check,
    examples=(
        Example(
            title="Another mode",
            path=_TF,
            good='size=size, method="bilinear"',
            bad='size=size, method="nearest"',
            finds=('return tf.image.resize(pixel_values, size=size, method="nearest")',),
            fixed=True,
        ),
        Example(
            title="Corners are aligned in TensorFlow only",
            path=_TF,
            good='tf.image.resize(pixel_values, size=size, method="bilinear")',
            bad='tf.compat.v1.image.resize(pixel_values, size=size, method="bilinear", align_corners=True)',
            finds=(
                'return tf.compat.v1.image.resize(pixel_values, size=size, method="bilinear", align_corners=True)',
            ),
        ),
    ),
)
