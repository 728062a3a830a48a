"""Which tensors of the two frameworks are the same."""

from __future__ import annotations

import numpy as np

from checks.harness.layouts import additive, fit

RANDOM = np.random.RandomState(0)


def test_channels_last_is_understood_and_a_defect_stays_visible() -> None:
    reference = RANDOM.standard_normal((2, 3, 4, 4))
    value = reference.transpose(0, 2, 3, 1)
    converted, gap = fit(reference, value)
    assert gap == 0
    assert np.array_equal(converted, value)
    assert fit(reference, value + 1e-3)[1] > 1e-4


def test_a_transposition_too_many_is_no_layout() -> None:
    reference = RANDOM.standard_normal((2, 4, 5, 5))
    assert fit(reference, reference.transpose(0, 1, 3, 2))[1] > 0.1


def test_heads_merged_and_apart() -> None:
    reference = RANDOM.standard_normal((2, 4, 5, 8))
    merged = reference.transpose(0, 2, 1, 3).reshape(2, 5, 32)
    assert fit(reference, merged)[1] == 0
    assert fit(reference, RANDOM.standard_normal((2, 5, 32)))[1] > 0.1


def test_no_layout_has_the_shape() -> None:
    assert fit(np.ones((2, 3)), np.ones((2, 4)))[0] is None


def test_fillers_of_masks_are_equal_but_a_small_one_is_not() -> None:
    reference = np.array([[0.0, -3.4e38], [0.0, 0.0]])
    assert fit(reference, np.array([[0.0, -1e4], [0.0, 0.0]]))[1] == 0
    assert fit(reference, np.array([[0.0, -1.0], [0.0, 0.0]]))[1] > 0


def test_masks_of_two_conventions_are_not_compared() -> None:
    assert additive(np.array([0.0, -1e9])) is True
    assert additive(np.array([0, 1])) is False
    assert fit(np.array([0.0, -1e9]), np.array([1.0, 0.0]))[0] is None
