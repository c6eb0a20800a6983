"""Region similarity, against the toolkit's figures, sets of pixels and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import jaccard

MASKS = hnp.arrays(bool, (5, 6))


def test_the_example_of_a_moved_square():
    truth = np.zeros((20, 20), bool)
    truth[5:15, 5:15] = True
    assert jaccard(np.roll(truth, 2, axis=1), truth) == pytest.approx(80 / 120)


def test_what_the_toolkit_says(toolkit):
    ours = [jaccard(mask, truth, void) for mask, truth, void in toolkit.masks()]
    np.testing.assert_allclose(ours, toolkit.file["jaccards"], atol=1e-12)


def test_two_empty_masks_are_alike_and_one_is_not():
    none, one = np.zeros((3, 4)), np.eye(3, 4)
    assert jaccard(none, none) == 1
    assert jaccard(none, one) == jaccard(one, none) == 0


@given(MASKS, MASKS, MASKS)
def test_it_is_the_share_of_pixels_of_either_in_both(mask, truth, void):
    first, second = ({*zip(*np.nonzero(each & ~void), strict=True)} for each in (mask, truth))
    expected = len(first & second) / len(first | second) if first | second else 1.0
    assert jaccard(mask, truth, void) == expected


@given(MASKS, MASKS)
def test_it_is_symmetric_between_0_and_1_and_1_only_for_equals(mask, truth):
    found = jaccard(mask, truth)
    assert found == jaccard(truth, mask)
    assert 0 <= found <= 1
    assert (found == 1) == np.array_equal(mask, truth)


def test_any_number_but_0_is_the_object():
    assert jaccard(np.array([[0, 255]], np.uint8), [[0.0, 0.5]]) == 1


@pytest.mark.parametrize(
    ("shapes", "words"),
    [(((3, 4), (4, 3)), "3 x 4 and 4 x 3"), (((2, 3, 4), (2, 3, 4)), "2 x 3 x 4")],
)
def test_masks_of_other_sizes_are_refused(shapes, words):
    with pytest.raises(LazyVosError, match=words):
        jaccard(*map(np.zeros, shapes))


def test_void_of_another_size_is_refused():
    with pytest.raises(LazyVosError, match="2 x 2"):
        jaccard(np.zeros((3, 4)), np.zeros((3, 4)), np.zeros((2, 2)))
