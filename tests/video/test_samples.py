"""The sample movie is what it says, and its truth is true."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from napari_lazyvos.video import open_video
from napari_lazyvos.video.samples import cells


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    return cells()


def test_shapes_and_types(sample: tuple[np.ndarray, np.ndarray]) -> None:
    movie, labels = sample
    assert movie.shape == labels.shape == (60, 256, 320)
    assert (movie.dtype, labels.dtype) == (np.uint16, np.uint8)
    assert movie.max() <= 4095
    assert open_video(movie).frames == 60


def test_is_the_same_every_time(sample: tuple[np.ndarray, np.ndarray]) -> None:
    movie, labels = cells()
    np.testing.assert_array_equal(movie, sample[0])
    np.testing.assert_array_equal(labels, sample[1])


def test_begins_the_same_when_shorter(sample: tuple[np.ndarray, np.ndarray]) -> None:
    movie, labels = cells(3)
    np.testing.assert_array_equal(movie, sample[0][:3])
    np.testing.assert_array_equal(labels, sample[1][:3])


def test_every_cell_is_one_piece_and_keeps_its_label(
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    _, labels = sample
    for label in range(1, 9):
        masks = labels == label
        assert masks[0].sum() > 200
        for before, after in pairwise(masks):
            assert ndimage.label(after)[1] <= 1
            if after.any() and before.sum() > 100:
                assert (before & after).any()  # no cell jumps over itself


def test_one_cell_leaves_and_two_come_close(sample: tuple[np.ndarray, np.ndarray]) -> None:
    _, labels = sample
    present = {label for label in range(1, 9) if (labels[-1] == label).any()}
    assert present == {2, 3, 4, 5, 6, 7, 8}
    gaps = [ndimage.distance_transform_edt(frame != 7)[frame == 8].min() for frame in labels]
    assert min(gaps) < 4
    assert gaps[0] > 20
    assert gaps[-1] > 20


def test_cells_are_brighter_than_what_is_around_them(
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    movie, labels = sample
    for t in (0, 30, 59):
        for label in np.unique(labels[t])[1:]:
            mask = labels[t] == label
            ring = ndimage.binary_dilation(mask, iterations=12) & (labels[t] == 0)
            ring &= ~ndimage.binary_dilation(labels[t] > 0, iterations=4)
            assert movie[t][mask].mean() > 1.3 * movie[t][ring].mean()
