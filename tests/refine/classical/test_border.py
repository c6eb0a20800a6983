from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_lazyvos.refine.classical.border import settle_border


def square(first, last):
    mask = np.zeros((100, 100), bool)
    mask[first:last, first:last] = True
    return mask


def lab(mask):
    image = np.zeros((*mask.shape, 3), np.float32)
    image[..., 0] = 30 + 40 * ndimage.gaussian_filter(mask.astype(np.float32), 0.7)
    return image


def test_a_border_that_is_a_little_off_moves_to_the_edge():
    truth = square(30, 70)
    for rough in (square(29, 71), square(32, 68)):
        settled = settle_border(lab(truth), rough)
        assert (settled ^ truth).sum() < 0.3 * (rough ^ truth).sum()


def test_a_border_far_from_any_edge_stays():
    rough = square(42, 58)
    np.testing.assert_array_equal(settle_border(lab(square(5, 95)), rough), rough)


def test_nothing_and_everything_stay_what_they_are():
    image = lab(square(30, 70))
    for mask in (np.zeros((100, 100), bool), np.ones((100, 100), bool)):
        np.testing.assert_array_equal(settle_border(image, mask), mask)
