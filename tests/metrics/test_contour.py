"""Contour accuracy, against the toolkit's figures and loops over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import binary_dilation

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import boundary, contour_accuracy

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
PAIRS = SIZES.flatmap(lambda size: st.tuples(hnp.arrays(bool, size), hnp.arrays(bool, size)))


def square() -> np.ndarray:
    truth = np.zeros((20, 20), bool)
    truth[5:15, 5:15] = True
    return truth


def by_hand(mask: np.ndarray, truth: np.ndarray, radius: int) -> float:
    """F by comparing every pixel of one boundary with every one of the other."""
    places = [outline(each) for each in (mask, truth)]
    if not all(places):
        return float(not any(places))
    shares = []
    for own, other in (places, places[::-1]):
        near = [p for p in own if any(math.dist(p, q) <= radius for q in other)]
        shares.append(len(near) / len(own))
    return 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0.0


def outline(mask: np.ndarray) -> list[tuple[int, int]]:
    height, width = mask.shape
    return [
        (y, x)
        for y in range(height)
        for x in range(width)
        if any(
            mask[y, x] != mask[y + down, x + right]
            for down, right in ((0, 1), (1, 0), (1, 1))
            if y + down < height and x + right < width
        )
    ]


def test_the_example_of_a_moved_square():
    assert boundary(square()).sum() == 40
    assert contour_accuracy(np.roll(square(), 2, axis=1), square()) == pytest.approx(0.55)


def test_what_the_toolkit_says(toolkit):
    ours = [
        [contour_accuracy(mask, truth, tolerance, void) for tolerance in toolkit.tolerances]
        for mask, truth, void in toolkit.masks()
    ]
    np.testing.assert_allclose(ours, toolkit.file["contours"], atol=1e-12)


@given(PAIRS, st.integers(1, 4))
def test_it_is_what_loops_over_pixels_find(pair, radius):
    assert contour_accuracy(*pair, radius) == pytest.approx(by_hand(*pair, radius), abs=1e-12)


@given(PAIRS)
def test_boundaries_are_what_loops_over_pixels_find(pair):
    assert [*zip(*np.nonzero(boundary(pair[0])), strict=True)] == outline(pair[0])


@given(PAIRS, st.floats(0, 0.3))
def test_a_share_of_the_diagonal_is_rounded_up(pair, tolerance):
    radius = math.ceil(tolerance * math.hypot(*pair[0].shape))
    assert contour_accuracy(*pair, tolerance) == pytest.approx(by_hand(*pair, radius), abs=1e-12)


@given(PAIRS)
def test_it_is_symmetric_between_0_and_1_and_1_for_equals(pair):
    mask, truth = pair
    found = contour_accuracy(mask, truth)
    assert found == pytest.approx(contour_accuracy(truth, mask))
    assert 0 <= found <= 1
    assert contour_accuracy(truth, truth) == 1


@given(hnp.arrays(bool, (24, 31)), hnp.arrays(bool, (24, 31)))
def test_the_window_around_the_masks_changes_nothing(mask, truth):
    large = [np.pad(each, ((40, 3), (0, 17))) for each in (mask, truth)]
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) <= 2
    edges = [boundary(each) for each in large]
    near = [binary_dilation(edge, disc) for edge in edges]
    precision = edges[0][near[1]].sum() / max(1, edges[0].sum())
    recall = edges[1][near[0]].sum() / max(1, edges[1].sum())
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    if not edges[0].any() and not edges[1].any():
        expected = 1.0
    assert contour_accuracy(*large, 2) == pytest.approx(expected, abs=1e-12)


def test_a_mask_that_fills_the_frame_has_no_contour():
    full, none = np.ones((8, 9), bool), np.zeros((8, 9), bool)
    assert not boundary(full).any()
    assert contour_accuracy(full, none) == 1
    assert contour_accuracy(full, np.eye(8, 9)) == contour_accuracy(np.eye(8, 9), none) == 0


@pytest.mark.parametrize("tolerance", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_tolerance_that_is_neither_is_refused(tolerance):
    with pytest.raises(LazyVosError, match=str(tolerance)):
        contour_accuracy(square(), square(), tolerance)
