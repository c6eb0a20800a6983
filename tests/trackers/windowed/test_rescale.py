"""A memory on another grid looks as if it had been made there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from napari_lazyvos.trackers.windowed.memory import Memory, State
from napari_lazyvos.trackers.windowed.rescale import better_grid, transfer, transfer_drift
from napari_lazyvos.trackers.windowed.window import Detail, Grid

HEIGHT, WIDTH = 260, 340


def scene():
    noise = np.random.default_rng(0).random((HEIGHT // 10, WIDTH // 10, 3))
    image = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mask = np.hypot(rows - 130, columns - 150) < 60
    return image.astype(np.float32), torch.from_numpy(np.stack([~mask, mask]).astype(np.float32))


def memory_on(grid, image, masks):
    window = grid.around(masks[1] > 0.5)
    picture = torch.from_numpy(
        (grid.cut(image, window) * 255).round().clip(0, 255).astype(np.uint8)
    )
    still = torch.zeros(2, *window.size)
    return Memory(0, window, picture, picture[None], grid.shrink(masks, window), (1,), still)


@pytest.mark.parametrize(("before", "after"), [(8, 13), (13, 8), (16, 24), (20, 20)])
def test_transferred_is_as_if_made_there(before, after):
    image, masks = scene()
    old, new = Grid(HEIGHT, WIDTH, before), Grid(HEIGHT, WIDTH, after)
    moved = transfer(memory_on(old, image, masks), old, new)
    picture = new.cut(image, moved.window) * 255
    inner = (slice(16, -16), slice(16, -16))
    off = np.abs(moved.picture.numpy().astype(float) - picture)[inner]
    assert off.mean() < 4
    direct = new.shrink(masks, moved.window)
    found, truth = moved.masks[1] > 0.5, direct[1] > 0.5
    assert (found & truth).sum() / (found | truth).sum() > 0.97
    torch.testing.assert_close(moved.masks.sum(0), torch.ones(moved.window.size))


def test_a_drift_keeps_its_length_in_the_frame():
    old, new = Grid(HEIGHT, WIDTH, 8), Grid(HEIGHT, WIDTH, 12)
    window = old.whole
    drift = torch.zeros(2, *window.size)
    drift[0] = 6.0  # pixels at working scale: 3 of the frame
    moved = transfer_drift(drift, new.covering(window, old), window, old, new)
    torch.testing.assert_close(moved[0], torch.full_like(moved[0], 4.0))


def test_the_scale_stays_until_objects_have_changed_a_lot():
    image, masks = scene()
    suited = Grid.suited(masks, Detail())
    state = State(suited, np.zeros((1, 1), np.uint8), memory_on(suited, image, masks), None)
    assert better_grid(state, Detail()) is None
    for pitch, finer in ((3, False), (60, True)):
        grid = Grid(HEIGHT, WIDTH, pitch)
        state = State(grid, np.zeros((1, 1), np.uint8), memory_on(grid, image, masks), None)
        better = better_grid(state, Detail())
        assert better is not None
        assert (better.pitch < pitch) == finer


def test_an_object_that_is_gone_changes_no_scale():
    image, masks = scene()
    grid = Grid(HEIGHT, WIDTH, 3)
    memory = memory_on(grid, image, masks)
    memory.masks[0], memory.masks[1] = 1, 0
    assert better_grid(State(grid, np.zeros((1, 1), np.uint8), memory, None), Detail()) is None
