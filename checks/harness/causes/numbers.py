"""What two tensors alone tell about why they differ. Never more than likely: only an experiment confirms."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np


def recognise(value: Any, expected: Any, limit: float) -> Optional[Tuple[str, str]]:
    """Kind and text of what turns PyTorch's tensor into TensorFlow's, or None. Both in one layout."""
    if not isinstance(value, np.ndarray) or not isinstance(expected, np.ndarray):
        return None
    if value.shape != expected.shape or value.size < 4 or value.dtype.kind == "b":
        return None
    ours, theirs = value.astype(np.float64), expected.astype(np.float64)
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return None
    scale = max(1.0, float(np.abs(theirs).max()))
    for found in (_factor, _offset, _zeros, _moved):
        told = found(ours, theirs, limit * scale)
        if told is not None:
            return told
    return None


def _factor(ours: np.ndarray, theirs: np.ndarray, limit: float) -> Optional[Tuple[str, str]]:
    power = float((theirs * theirs).sum())
    factor = float((ours * theirs).sum()) / power if power else 0.0
    if (
        abs(factor) > 1e-12
        and abs(factor - 1) > 1e-9
        and float(np.abs(ours - factor * theirs).max()) <= limit
    ):
        kind = "sign" if abs(factor + 1) < 1e-6 else "scale"
        return kind, f"TensorFlow's values are {factor:.6g} times PyTorch's"
    return None


def _offset(ours: np.ndarray, theirs: np.ndarray, limit: float) -> Optional[Tuple[str, str]]:
    gap = ours - theirs
    if float(np.ptp(gap)) <= limit and abs(float(gap.mean())) > limit:
        return "offset", f"TensorFlow's values are PyTorch's plus {float(gap.mean()):.6g}"
    return None


def _zeros(ours: np.ndarray, theirs: np.ndarray, limit: float) -> Optional[Tuple[str, str]]:
    kept = ours != 0
    share = float(kept.mean())
    if not 0.3 < share < 0.999 or (theirs == 0).any():
        return None
    ratio = ours[kept] / theirs[kept]
    if float(np.ptp(ratio)) <= 1e-6 and float(ratio.mean()) > 1:
        return (
            "dropout",
            f"a dropout is on: {1 - share:.0%} of the values are zero, the others {ratio.mean():.4g} times larger",
        )
    return None


def _moved(ours: np.ndarray, theirs: np.ndarray, limit: float) -> Optional[Tuple[str, str]]:
    if float(np.abs(np.sort(ours.ravel()) - np.sort(theirs.ravel())).max()) > limit:
        return None
    for axis in range(ours.ndim):
        if float(np.abs(np.flip(ours, axis) - theirs).max()) <= limit:
            return "flip", f"the values are reversed along axis {axis}"
        for shift in range(1, min(ours.shape[axis], 16)):
            if float(np.abs(np.roll(ours, shift, axis) - theirs).max()) <= limit:
                return "shift", f"the values are shifted by {shift} along axis {axis}"
    return "order", "the same values stand in other places: a transposition, a reshape or a swapped axis"
