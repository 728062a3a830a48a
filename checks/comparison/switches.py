"""Branches that the tester's configuration does not reach: which values of a configuration to vary, one at a time.

Read off the port's own source: an attribute that it asks for is worth varying if it is a boolean, is compared with a text, or names an
activation; and a decoder with cross attention where the source knows such.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from checks.comparison.case import Case, Variant
from checks.comparison.wire import Array

NOT_VARIED = frozenset(
    {
        "use_cache",
        "output_hidden_states",
        "output_attentions",
        "return_dict",
        "use_return_dict",
        "torchscript",
        "use_bfloat16",
        "tie_word_embeddings",
        "is_encoder_decoder",
        "is_decoder",
        "add_cross_attention",
        "gradient_checkpointing",
        "chunk_size_feed_forward",
        "problem_type",
    }
)
"""They choose what is returned or how it is run, or are varied otherwise."""
_ACTIVATION = re.compile(r"(^|_)(act|activation|activation_function|act_fn)$")
MOST = 16
"""Variants of one port."""


def switches(case: Case, sources: Sequence[str], wanted: Sequence[str] = ()) -> list[Variant]:
    """Variants of a case's configuration, those named in `wanted` (conditions of branches that never ran) first.

    Args:
        sources: texts of the port's TensorFlow modules.
    """
    asked: set[str] = set()
    compared: dict[str, set[str]] = {}
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                asked.add(node.attr)
            elif isinstance(node, ast.Compare):
                for name, text in _texts(node):
                    compared.setdefault(name, set()).add(text)
    found = [*_cross_attention(case, asked), *_larger_image(case)]
    for name, value in case.config.items():
        if name in asked and name not in NOT_VARIED and not name.startswith("_"):
            for other in _others(name, value, compared.get(name, set())):
                text = f"with {name}={other!r}"
                found.append(Variant(f"config:{name}={other}", text, config={name: other}))
    found += _groups(case, asked)
    urgent = " ".join(wanted)
    found.sort(key=lambda way: not any(re.search(rf"\b{re.escape(name)}\b", urgent) for name in way.config))
    return found[:MOST]


def _others(name: str, value: object, texts: set[str]) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        yield from sorted(texts - {value})
        if not texts and _ACTIVATION.search(name):
            yield "gelu" if value == "relu" else "relu"


def _texts(node: ast.Compare) -> Iterator[tuple[str, str]]:
    """`x.name == "text"`, `x.name in ["a", "b"]`."""
    if not isinstance(node.left, ast.Attribute):
        return
    for right in node.comparators:
        parts = right.elts if isinstance(right, (ast.List, ast.Tuple, ast.Set)) else [right]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) <= 60:
                yield node.left.attr, part.value


def _groups(case: Case, asked: set[str]) -> Iterator[Variant]:
    """Convolutions in groups, whose width is larger than a tiny model's channels."""
    width, sizes = case.config.get("groups_width"), case.config.get("hidden_sizes")
    if "groups_width" not in asked or type(width) is not int or not isinstance(sizes, (list, tuple)):
        return
    channels = [size for size in cast("Sequence[object]", sizes) if type(size) is int]
    narrow = math.gcd(*channels) // 2
    if 1 <= narrow < width:
        yield Variant(
            f"config:groups_width={narrow}", f"with groups_width={narrow}", config={"groups_width": narrow}
        )


def _larger_image(case: Case) -> Iterator[Variant]:
    """An image of twice the size: a tiny one has shrunk to a single pixel where the poolings stand, and then they are all alike."""
    pixels = case.inputs.get("pixel_values")
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 4:
        return
    batch, channels, height, width = cast("Array", pixels).shape
    if max(height, width) > 64:
        return
    larger = np.random.RandomState(5).standard_normal((batch, channels, 2 * height, 2 * width))
    size = case.config.get("image_size")
    config = {"image_size": 2 * height} if size == height == width else {}
    if size is None or config:
        yield Variant("image", "with a larger image", config=config, set={"pixel_values": larger})


def _cross_attention(case: Case, asked: set[str]) -> Iterator[Variant]:
    size, ids = case.config.get("hidden_size"), case.inputs.get("input_ids")
    if not {"add_cross_attention", "is_decoder"} <= asked or "encoder_hidden_states" not in case.takes:
        return
    if type(size) is not int or not isinstance(ids, np.ndarray) or ids.ndim != 2 or not 0 < size <= 4096:
        return
    batch = len(cast("Array", ids))
    random = np.random.RandomState(3)
    mask = np.ones((batch, 5), np.int32)
    mask[0, 3:] = 0
    states = random.standard_normal((batch, 5, size))
    config: Mapping[str, Any] = {"is_decoder": True, "add_cross_attention": True}
    given = {"encoder_hidden_states": states, "encoder_attention_mask": mask}
    yield Variant("cross-attention", "as a decoder with cross attention", config=config, set=given)
    yield Variant("decoder", "as a decoder", config={"is_decoder": True})
