"""The bundled refiner: its crops, and that it answers whatever it is asked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos import refine
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.clicks import RADIUS, SIDE, discs
from napari_lazyvos.refine import Click
from napari_lazyvos.refine.compact import Crop


@pytest.fixture(scope="module")
def refiner():
    return refine.load("compact", device="cpu")


def scene(height=120, width=160, centre=(60, 70), radius=22):
    """A bright disc with a soft texture on a dark one, and the disc's mask."""
    rows, columns = np.mgrid[:height, :width]
    mask = np.hypot(rows - centre[0], columns - centre[1]) <= radius
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((height, width)), (0, 0), 2)
    frame = np.where(mask, 0.7, 0.25) + 0.3 * (noise - 0.5)
    return np.repeat(frame[None].astype(np.float32), 3, 0).clip(0, 1), mask


def overlap(found, mask):
    return (found & mask).sum() / (found | mask).sum()


def test_a_click_on_a_disc_finds_the_disc(refiner):
    frame, mask = scene()
    found = refiner.refine(refiner.embed(frame), [Click(60, 70)])
    assert overlap(found.mask, mask) > 0.8
    assert found.probability.dtype == np.float32
    np.testing.assert_array_equal(found.mask, found.probability >= 0.5)


def test_a_second_click_corrects_the_mask_so_far(refiner):
    frame, mask = scene()
    half = mask & (np.arange(mask.shape[1]) < 70)
    embedding = refiner.embed(frame)
    found = refiner.refine(embedding, [Click(60, 60), Click(60, 82)], half.astype(np.float32))
    assert overlap(found.mask, mask) > max(0.7, overlap(half, mask))


def test_every_click_is_obeyed_at_its_pixel(refiner):
    frame, _ = scene()
    clicks = [Click(60, 70), Click(5, 5), Click(60, 75, positive=False)]
    found = refiner.refine(refiner.embed(frame), clicks)
    assert found.mask[60, 70]
    assert found.mask[5, 5]
    assert not found.mask[60, 75]


@pytest.mark.parametrize(
    ("height", "width", "y", "x"), [(16, 16, 3, 12), (1, 1, 0, 0), (40, 700, 39, 699)]
)
def test_extreme_sizes_give_an_answer_of_that_size(refiner, height, width, y, x):
    frame = np.random.default_rng(0).random((3, height, width), dtype=np.float32)
    found = refiner.refine(refiner.embed(frame), [Click(y, x)])
    assert found.mask.shape == (height, width)
    assert found.mask[y, x]


def test_a_flat_frame_is_no_reason_to_fail(refiner):
    found = refiner.refine(refiner.embed(np.zeros((3, 64, 64), np.float32)), [Click(10, 10)])
    assert np.isfinite(found.probability).all()


def test_an_empty_mask_so_far_is_like_none(refiner):
    frame, _ = scene()
    embedding = refiner.embed(frame)
    one = refiner.refine(embedding, [Click(60, 70)])
    other = refiner.refine(embedding, [Click(60, 70)], np.zeros(frame.shape[1:], bool))
    np.testing.assert_array_equal(one.probability, other.probability)


def test_bad_clicks_are_named(refiner):
    embedding = refiner.embed(scene()[0])
    with pytest.raises(LazyVosError, match="outside the frame"):
        refiner.refine(embedding, [Click(500, 3)])
    with pytest.raises(LazyVosError, match="no positive click"):
        refiner.refine(embedding, [Click(5, 3, positive=False)])


@settings(max_examples=30, deadline=None)
@given(st.floats(-40, 90), st.floats(-40, 90), st.floats(24, 300))
def test_a_place_lies_where_the_crop_shows_it(top, left, side):
    crop = Crop(top, left, side)
    image = np.zeros((100, 120), np.float32)
    y, x = min(max(round(top + side / 2), 2), 97), min(max(round(left + side / 2), 2), 117)
    image[y - 2 : y + 3, x - 2 : x + 3] = 1
    shown = crop.cut(image, cv2.BORDER_CONSTANT)
    place = crop.places([Click(y, x)])[0, 0, :2].numpy()
    if (place > 8).all() and (place < SIDE - 9).all():
        moments = cv2.moments(shown)
        seen = moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]
        np.testing.assert_allclose(seen, place, atol=max(0.6, 1.5 * crop.scale))


def test_what_is_cut_comes_back_when_pasted():
    mask = cv2.circle(np.zeros((90, 110), np.float32), (50, 40), 15, 1.0, cv2.FILLED)
    crop = Crop(10.3, 15.8, 70.0)
    back = crop.paste(crop.cut(mask, cv2.BORDER_CONSTANT), 90, 110)
    assert overlap(back >= 0.5, mask >= 0.5) > 0.95


def test_a_crop_around_holds_the_mask_and_the_clicks():
    mask = np.zeros((90, 110), bool)
    mask[20:40, 30:70] = True
    crop = Crop.around(mask, [Click(80, 5)])
    for y, x in ((20, 30), (39, 69), (80, 5)):
        place = crop.places([Click(y, x)])[0, 0]
        assert 0 <= place[0] < SIDE
        assert 0 <= place[1] < SIDE


def test_discs_are_drawn_by_kind():
    drawn = discs(torch.tensor([[[10.0, 20.0, 1.0], [30.0, 5.0, -1.0], [0.0, 0.0, 0.0]]]), 40, 50)
    assert drawn.shape == (1, 2, 40, 50)
    area = np.pi * RADIUS**2
    assert abs(float(drawn[0, 0].sum()) - area) < 0.2 * area
    assert drawn[0, 0, 10, 20] == 1
    assert drawn[0, 1, 30, 5] == 1
    assert drawn[0, 1, 10, 20] == 0
