"""Tensors of either framework as numpy arrays, and back. A case's inputs are kept neutral, so that both sides get the same."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple

import numpy as np


def neutral(value: Any) -> Any:
    """Tensors as numpy arrays, in nested lists, tuples and mappings too; anything else as it is."""
    if hasattr(value, "detach"):  # torch
        return value.detach().cpu().numpy()
    if hasattr(value, "numpy") and hasattr(value, "dtype"):  # TensorFlow
        return value.numpy()
    if isinstance(value, Mapping):
        return {key: neutral(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            type(value)(neutral(entry) for entry in value)
            if type(value) in (list, tuple)
            else tuple(map(neutral, value))
        )
    return value


def _mapped(value: Any, convert: Callable[[np.ndarray], Any]) -> Any:
    if isinstance(value, np.ndarray):
        return convert(value)
    if isinstance(value, np.generic):
        return convert(np.asarray(value))
    if isinstance(value, dict):
        return {key: _mapped(entry, convert) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(entry, convert) for entry in value)
    return value


def to_torch(value: Any) -> Any:
    """Arrays as torch tensors: integers as int64, which embeddings and losses demand."""
    import torch

    def convert(array: np.ndarray) -> Any:
        if array.dtype.kind in "iu":
            array = array.astype(np.int64)
        return torch.from_numpy(np.array(array))  # a copy: the model may write into it

    return _mapped(value, convert)


def to_tf(value: Any) -> Any:
    """Arrays as TensorFlow tensors: integers as int32, as `dummy_inputs` has them."""
    import tensorflow as tf

    def convert(array: np.ndarray) -> Any:
        return tf.constant(array.astype(np.int32) if array.dtype.kind in "iu" else array)

    return _mapped(value, convert)


def leaves(value: Any, path: str = "") -> List[Tuple[str, np.ndarray]]:
    """The arrays of a model's output, each with its path: `hidden_states[2]`. None and other objects are left out."""
    found: List[Tuple[str, np.ndarray]] = []
    if isinstance(value, Mapping):
        for key, entry in value.items():
            found += leaves(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            found += leaves(entry, f"{path}[{index}]")
    elif value is not None:
        value = neutral(value)
        if isinstance(value, (np.ndarray, np.generic, float)):
            found.append((path, np.asarray(value)))
    return found


def difference(one: Any, other: Any) -> Tuple[float, str]:
    """The largest absolute difference of two arrays' values, relative to their scale where that is above 1; (inf, why) where they
    can't be compared. Two NaNs are equal, and so are two values that both stand for "masked"."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape:
        return float("inf"), f"shape {list(one.shape)} instead of {list(other.shape)}"
    if not one.size:
        return 0.0, ""
    if one.dtype.kind not in "fiub" or other.dtype.kind not in "fiub":
        return 0.0, ""
    left, right = one.astype(np.float64), other.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right)) | ((left < -1e3) & (right < -1e3))
    if same.all():
        return 0.0, ""
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(left - right))
    gap = np.where(np.isnan(gap), np.inf, gap)
    finite = np.abs(right[np.isfinite(right) & (right > -1e3)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    return float(gap.max()) / scale, ""


def summary(inputs: Mapping[str, Any]) -> Dict[str, str]:
    """What each input is, for a report: `int32[2, 7]`."""
    return {
        str(key): f"{value.dtype}{list(value.shape)}"
        if isinstance(value, np.ndarray)
        else type(value).__name__
        for key, value in inputs.items()
    }
