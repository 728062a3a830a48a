"""Compares what the two sides returned, array by array."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from checks.comparison.policy import MASKED, Gap
from checks.comparison.wire import Array
from checks.execution import untrusted

MOST = 2_000
"""Outputs of one call."""

Outputs = Mapping[str, Array]


def outputs(told: object) -> dict[str, Array]:
    """The arrays by path that a side says its call returned; what is none is left out."""
    named = untrusted.mapping(told)
    found: dict[str, Array] = {}
    for path, value in list(named.items())[:MOST]:
        if isinstance(value, np.ndarray) and len(path) <= 200 and value.dtype.kind in "fiub":
            found[untrusted.text(path, 200)] = cast("Array", value)
    return found


def gaps(reference: Outputs, candidate: Outputs, padded: Array | None = None) -> list[Gap]:
    """The difference of every output that both sides have, in the reference's order.

    Args:
        padded: a mask [batch, length]; what stands at its zeros is not compared.
    """
    found: list[Gap] = []
    for path, value in reference.items():
        if path not in candidate:
            continue
        other = candidate[path]
        if is_loss(path) and not np.isfinite(value).all():
            continue  # labels that fit nothing (CTC's without an alignment): no figure to agree on
        if padded is not None:
            if is_loss(path) or other.shape != value.shape:
                continue
            keep = attended(value.shape, padded)
            value, other = value[keep], other[keep]
        found.append(gap(path, value, other))
    return found


def attended(shape: tuple[int, ...], mask: Array) -> Array:
    """[*shape]: what of an output does not stand at a padded position, on any axis as long as the mask. An output without such an axis is
    left out: it may be made of a padded token."""
    batch, length = mask.shape
    axes = [axis for axis in range(1, len(shape)) if shape[axis] == length] if shape[:1] == (batch,) else []
    keep = np.full(shape, bool(axes))
    for axis in axes:
        form = [batch] + [length if other == axis else 1 for other in range(1, len(shape))]
        keep &= (mask != 0).reshape(form)
    return keep


def gap(path: str, reference: Array, candidate: Array) -> Gap:
    """The difference of one output. A loss is compared as its mean, as some TensorFlow models return one for each sample."""
    one, other = reference, candidate
    if is_loss(path):
        one, other = _mean(one), _mean(other)
    if one.shape != other.shape:
        return Gap(
            path, np.inf, np.inf, f"has shape {list(candidate.shape)}, in PyTorch {list(reference.shape)}"
        )
    if not one.size:
        return Gap(path)
    left, right = one.astype(np.float64), other.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right)) | ((left < MASKED) & (right < MASKED))
    if bool(same.all()):
        return Gap(path)
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(left - right))
    if np.isnan(apart).any():
        side = "TensorFlow" if np.isnan(right).any() else "PyTorch"
        return Gap(path, np.inf, np.inf, f"is not a number (NaN) in {side} only")
    largest = float(apart.max())
    return Gap(path, largest / scale(left), largest)


def scale(values: Array) -> float:
    """The largest absolute value that is neither infinite nor a filler, at least 1."""
    usual = np.abs(values[np.isfinite(values) & (values > MASKED)])
    return max(1.0, float(usual.max())) if usual.size else 1.0


def is_loss(path: str) -> bool:
    """The output is a loss."""
    return path == "loss" or path.endswith("_loss")


def _mean(values: Array) -> Array:
    return np.asarray(values.astype(np.float64).mean()) if values.size else values


def worst(found: Sequence[Gap]) -> Gap:
    """The largest one; of equals the first."""
    return max(found, key=lambda one: one.relative, default=Gap())


def absent(reference: Outputs, candidate: Outputs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of outputs that only PyTorch has, and that only TensorFlow has."""
    one, other = names(reference), names(candidate)
    return tuple(n for n in one if n not in other), tuple(n for n in other if n not in one)


def names(found: Outputs) -> list[str]:
    """Names without their indices, each once: `hidden_states`."""
    return list(dict.fromkeys(re.split(r"[.\[]", path, maxsplit=1)[0] or path for path in found))


def depth(found: Mapping[str, Any], prefix: str = "hidden_states") -> list[str]:
    """Paths of the hidden states in their order."""
    return [path for path in found if path.startswith(f"{prefix}[") or f"_{prefix}[" in path]
