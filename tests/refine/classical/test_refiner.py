from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.io import imread

from napari_lazyvos import refine
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.refine import Click

REFINER = refine.load("classical")


def answer(frame, clicks, previous=None):
    return REFINER.refine(REFINER.embed(frame), clicks, previous)


def disc(shape, y, x, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(rows - y, columns - x) <= radius


def paint(mask, inside, outside, noise=0.02, seed=0):
    """Return a (3, H, W) frame: a mask with soft borders and some noise."""
    soft = ndimage.gaussian_filter(mask.astype(np.float32), 0.7)
    image = outside + (inside - outside) * soft
    image = image + np.random.default_rng(seed).normal(0, noise, mask.shape)
    return np.repeat(np.clip(image, 0, 1)[None], 3, axis=0).astype(np.float32)


def iou(mask, other):
    return (mask & other).sum() / (mask | other).sum()


@pytest.mark.parametrize("radius", [4, 8, 16, 35, 60])
@pytest.mark.parametrize(("inside", "outside"), [(0.8, 0.2), (0.2, 0.8), (0.15, 0.05)])
def test_one_click_finds_a_disc_of_any_size_and_polarity(radius, inside, outside):
    truth = disc((180, 200), 90, 105, radius)
    found = answer(paint(truth, inside, outside, noise=0.01), [Click(90, 105)])
    assert iou(found.mask, truth) > 0.8


def test_one_click_finds_a_disc_that_differs_in_colour_alone():
    truth = disc((100, 120), 50, 60, 20)
    frame = np.where(truth, np.array([0.6, 0.3, 0.3])[:, None, None], 0.41).astype(np.float32)
    assert iou(answer(frame, [Click(52, 58)]).mask, truth) > 0.8


def test_a_click_off_the_centre_finds_the_same_disc():
    truth = disc((120, 120), 60, 60, 24)
    assert iou(answer(paint(truth, 0.7, 0.3), [Click(52, 68)]).mask, truth) > 0.8


def test_touching_cells_are_told_apart_by_the_wall_between_them():
    rows, columns = np.mgrid[:120, :120]
    walls = (np.minimum(rows % 30, 29 - rows % 30) < 2) | (
        np.minimum(columns % 30, 29 - columns % 30) < 2
    )
    found = answer(paint(walls, 0.9, 0.2), [Click(45, 75)]).mask
    cell = np.zeros((120, 120), bool)
    cell[30:60, 60:90] = True
    assert iou(found, cell) > 0.6


clicks_on_noise = st.lists(
    st.tuples(st.integers(0, 39), st.integers(0, 51), st.booleans()),
    min_size=1,
    max_size=4,
    unique_by=lambda click: click[:2],
).filter(lambda clicks: any(click[2] for click in clicks))


@given(clicks=clicks_on_noise, seed=st.integers(0, 5), earlier=st.booleans())
@settings(max_examples=25, deadline=None)
def test_clicks_are_obeyed_and_the_mask_is_where_probability_is_half(clicks, seed, earlier):
    random = np.random.default_rng(seed)
    frame = ndimage.gaussian_filter(random.random((3, 40, 52)), (0, 3, 3)).astype(np.float32)
    previous = disc((40, 52), 20, 25, 9) if earlier else None
    found = answer(frame, [Click(*click) for click in clicks], previous)
    for y, x, positive in clicks:
        assert found.mask[y, x] == positive
    assert found.mask.dtype == bool
    assert found.probability.dtype == np.float32
    assert found.probability.min() >= 0
    assert found.probability.max() <= 1
    np.testing.assert_array_equal(found.mask, found.probability >= 0.5)
    parts, count = ndimage.label(found.mask, np.ones((3, 3)))
    with_click = {parts[y, x] for y, x, positive in clicks if positive}
    if not earlier:
        assert with_click == set(range(1, count + 1))


@given(down=st.integers(-12, 12), right=st.integers(-12, 12))
@settings(max_examples=8, deadline=None)
def test_moving_the_object_moves_the_mask(down, right):
    shape = (110, 110)
    here = answer(paint(disc(shape, 55, 55, 14), 0.8, 0.3, noise=0), [Click(55, 55)]).mask
    place = (55 + down, 55 + right)
    there = answer(paint(disc(shape, *place, 14), 0.8, 0.3, noise=0), [Click(*place)]).mask
    assert iou(np.roll(here, (down, right), (0, 1)), there) > 0.9


@pytest.mark.parametrize("noise", [0, 0.005])
def test_a_click_on_nothing_gives_a_small_region(noise):
    frame = paint(np.zeros((200, 240), bool), 0.5, 0.5, noise=noise)
    found = answer(frame, [Click(100, 120)]).mask
    assert 1 <= found.sum() < 0.1 * found.size


def test_a_frame_of_16_by_16_pixels_is_answered():
    truth = disc((16, 16), 8, 7, 4)
    assert iou(answer(paint(truth, 0.9, 0.1), [Click(8, 7)]).mask, truth) > 0.7


@pytest.mark.parametrize("place", [(0, 0), (0, 79), (59, 40)])
def test_objects_at_the_border_of_the_frame_are_found(place):
    truth = disc((60, 80), *place, 20)
    found = answer(paint(truth, 0.8, 0.2), [Click(*place)]).mask
    assert iou(found, truth) > 0.6


def test_a_positive_click_adds_the_part_that_it_points_at():
    one, two = disc((100, 140), 50, 40, 16), disc((100, 140), 50, 100, 16)
    frame = paint(one | two, 0.8, 0.2)
    found = answer(frame, [Click(50, 40), Click(50, 100)]).mask
    assert iou(found, one | two) > 0.75


def test_a_negative_click_takes_away_the_part_that_it_points_at():
    one, two = disc((100, 140), 50, 40, 16), disc((100, 140), 50, 100, 16)
    bridge = np.zeros((100, 140), bool)
    bridge[44:56, 40:100] = True
    clicks = [Click(50, 40), Click(50, 100, positive=False)]
    found = answer(paint(one | two, 0.8, 0.2), clicks, one | two | bridge).mask
    assert iou(found, one) > iou(one | two | bridge, one) + 0.1
    assert (found & two).sum() < 0.3 * two.sum()


def test_what_no_click_contradicts_stays_as_it_was():
    shape = (120, 160)
    left, right = disc(shape, 60, 40, 18), disc(shape, 60, 120, 18)
    frame = paint(left | right, 0.8, 0.2)
    found = answer(frame, [Click(60, 40), Click(60, 120)], left).mask
    assert (found & left).sum() > 0.9 * left.sum()
    assert iou(found, left | right) > 0.75
    untouched = answer(frame, [Click(60, 40)], left | right).mask
    assert iou(untouched, left | right) > 0.9


def test_a_soft_previous_mask_counts_from_one_half():
    truth = disc((80, 80), 40, 40, 15)
    frame = paint(truth, 0.7, 0.3)
    soft = np.where(truth, 0.6, 0.4).astype(np.float32)
    one = answer(frame, [Click(40, 40)], soft)
    other = answer(frame, [Click(40, 40)], truth)
    np.testing.assert_array_equal(one.mask, other.mask)


def test_the_same_clicks_give_the_same_answer_and_leave_the_embedding_fit_for_more():
    frame = paint(disc((70, 90), 30, 40, 12), 0.8, 0.4)
    embedding = REFINER.embed(frame)
    first = REFINER.refine(embedding, [Click(30, 40)])
    REFINER.refine(embedding, [Click(30, 40), Click(60, 80, positive=False)], first.mask)
    again = REFINER.refine(embedding, [Click(30, 40)])
    fresh = answer(frame, [Click(30, 40)])
    for other in (again, fresh):
        np.testing.assert_array_equal(first.probability, other.probability)


def test_the_border_of_a_blurred_object_is_less_sure_than_its_middle():
    truth = disc((120, 120), 60, 60, 25)
    blurred = ndimage.gaussian_filter(truth.astype(np.float32), 5)
    found = answer(np.repeat(0.2 + 0.5 * blurred[None], 3, axis=0), [Click(60, 60)])
    depth = ndimage.distance_transform_edt(found.mask)
    assert (
        found.probability[(depth > 0) & (depth < 2)].mean() < found.probability[depth > 15].mean()
    )


@pytest.mark.parametrize("click", [Click(-3, 5), Click(5, np.nan), Click(70, 5)])
def test_impossible_clicks_are_errors(click):
    frame = np.zeros((3, 70, 90), np.float32)
    with pytest.raises(LazyVosError):
        answer(frame, [click])


def test_nuclei_of_a_real_recording_are_found_with_one_click(shared):
    folder = shared / "data" / "microscopy" / "laptrack_nuclei"
    image = imread(folder / "frames" / "00000.tif").astype(np.float32)
    labels = imread(folder / "masks" / "00000.png")
    unit = np.clip((image - image.min()) / np.ptp(np.percentile(image, [0, 99.9])), 0, 1)
    embedding = REFINER.embed(np.repeat(unit[None], 3, axis=0))
    scores = []
    for label in np.argsort(-np.bincount(labels.ravel())[1:])[:6] + 1:
        depth = ndimage.distance_transform_edt(np.pad(labels == label, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        found = REFINER.refine(embedding, [Click(float(y), float(x))]).mask
        scores.append(iou(found, labels == label))
    assert np.mean(scores) > 0.75
