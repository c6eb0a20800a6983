from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.trackers.windowed.window import Detail, Grid, Window


def one_hot(*masks):
    stack = np.stack([~np.logical_or.reduce(masks), *masks])
    return torch.from_numpy(stack.astype(np.float32))


@given(
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    pitch=st.integers(3, 40),
    data=st.data(),
)
def test_a_mask_comes_back_from_its_window(height, width, pitch, data):
    top = data.draw(st.integers(0, height - 12))
    left = data.draw(st.integers(0, width - 12))
    mask = np.zeros((height, width), bool)
    mask[top : top + 12, left : left + 12] = True
    grid = Grid(height, width, min(pitch, 16))
    window = grid.around(torch.from_numpy(mask))
    assert grid.whole.contains(window)
    back = grid.enlarge(grid.shrink(one_hot(mask), window), window)
    assert back.shape == (2, height, width)
    assert torch.allclose(back.sum(0), torch.ones(height, width), atol=1e-5)
    found = back.argmax(0).numpy() == 1
    assert (found & mask).sum() / (found | mask).sum() > 0.9


def test_an_image_and_its_mask_are_cut_alike():
    mask = np.zeros((100, 140), bool)
    mask[30:60, 50:90] = True
    grid = Grid(100, 140, 11)
    window = grid.around(torch.from_numpy(mask))
    image = grid.cut(mask.astype(np.float32), window)
    masks = grid.shrink(one_hot(mask), window)
    assert image.shape == window.size == tuple(masks.shape[1:])
    assert np.abs(image - masks[1].numpy()).mean() < 0.02


def test_offset_between_windows_is_in_whole_pixels():
    one, other = Window(2, 3, 6, 8), Window(1, 1, 9, 9)
    assert one.offset_in(other) == (32, 16)
    assert other.contains(one)
    assert not one.contains(other)


def test_small_objects_are_looked_at_closely_and_large_ones_from_afar():
    def pitch(side, size=480):
        mask = np.zeros((480, 854), bool)
        mask[100 : 100 + side, 200 : 200 + side] = True
        return Grid.suited(one_hot(mask), Detail(size)).pitch

    assert pitch(10) < pitch(80) < pitch(300)
    assert pitch(10, size=120) > pitch(10)


def test_many_objects_get_no_more_pixels_than_are_enough():
    def pitch(side, enough):
        masks = [np.zeros((480, 854), bool) for _ in range(10)]
        for n, mask in enumerate(masks):
            mask[20 + 40 * n :][:side, 20 + 80 * n :][:, :side] = True
        return Grid.suited(one_hot(*masks), Detail(enough=enough)).pitch

    assert pitch(60, enough=80) < pitch(60, enough=32)
    assert pitch(10, enough=80) == pitch(10, enough=32)  # small ones need them all


def test_a_lost_object_is_looked_for_ever_wider():
    grid = Grid(480, 854, 16)
    window = Window(10, 10, 14, 14)
    nothing = torch.stack((torch.ones(64, 64), torch.zeros(64, 64)))
    wider = grid.follow(nothing, window)
    assert wider == Window(9, 9, 15, 15)
    for _ in range(80):
        wider = grid.follow(torch.stack((torch.ones(2, 2), torch.zeros(2, 2))), wider)
    assert wider == grid.whole


@pytest.mark.parametrize("shape", [(16, 16), (17, 300)])
def test_the_whole_is_a_window(shape):
    grid = Grid(*shape, 7)
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    assert grid.cut(image, grid.whole).shape == grid.whole.size
