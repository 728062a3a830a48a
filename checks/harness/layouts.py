"""Brings PyTorch's tensors into the layout in which TensorFlow holds the same values: NHWC for NCHW, heads merged or apart, reshaped,
permuted, broadcast."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from .arrays import difference

CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
CHANNELS_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}
CLOSE = 1e-7


def layouts(array: np.ndarray, shape: Tuple[int, ...]) -> Iterator[np.ndarray]:
    """The array in every layout that has the shape, the most probable first.

    Permutations other than channels last and first are tried only where none of these has the shape: a transposition too many is a
    defect, and must not be explained away.
    """
    found = False
    orders: List[Tuple[int, ...]] = [tuple(range(array.ndim))]
    for table in (CHANNELS_LAST, CHANNELS_FIRST):
        if array.ndim in table and table[array.ndim] not in orders:
            orders.append(table[array.ndim])
    for order in orders:
        if tuple(array.shape[axis] for axis in order) == shape:
            found = True
            yield array.transpose(order)
    if found:
        return
    if array.size == int(np.prod(shape)):
        yield array.reshape(shape)
        if 1 < array.ndim <= 4:
            for order in permutations(range(array.ndim)):
                if order != tuple(range(array.ndim)):
                    yield array.transpose(order).reshape(shape)
        return
    try:
        if array.size < int(np.prod(shape)):
            yield np.broadcast_to(array, shape)
    except ValueError:
        return


def fit(reference: Any, value: Any) -> Tuple[Optional[np.ndarray], float]:
    """PyTorch's array in the layout of TensorFlow's array, and their smallest difference; (None, inf) where no layout has its shape."""
    reference, value = np.asarray(reference), np.asarray(value)
    if {additive(reference), additive(value)} == {True, False}:
        return None, float("inf")
    best: Tuple[Optional[np.ndarray], float] = (None, float("inf"))
    for candidate in layouts(reference, tuple(value.shape)):
        gap, _ = difference(value, candidate)
        if best[0] is None or gap < best[1]:
            best = (candidate, gap)
        if gap < CLOSE:
            break
    return best


def additive(array: np.ndarray) -> Optional[bool]:
    """True for a mask that is added (0 and a large negative number), False for one of zeros and ones, None for anything else."""
    if not array.size or array.dtype.kind not in "fiub":
        return None
    if array.dtype.kind == "b":
        return False
    low, high = float(array.min()), float(array.max())
    if low < -1e3 and high <= 0:
        return True
    return False if bool(np.isin(array, (0, 1)).all()) else None
