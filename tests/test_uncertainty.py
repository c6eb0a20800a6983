"""Entropy and scores, against hand-worked examples and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lazyvos.uncertainty import dilate, entropy, region_radius, region_score


def test_entropy_of_known_distributions():
    certain, undecided = [1.0, 0.0, 0.0, 0.0], [0.25] * 4
    halves = [0.5, 0.5, 0.0, 0.0]  # log 2 / log 4
    probabilities = torch.tensor([certain, undecided, halves]).T[:, None, :]
    assert entropy(probabilities).tolist() == [[0.0, 1.0, 0.5]]


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_entropy_is_between_zero_and_one_and_ignores_the_order_of_labels(objects, seed):
    logits = torch.randn(objects + 1, 3, 4, generator=torch.Generator().manual_seed(seed)) * 5
    probabilities = logits.softmax(dim=0)
    result = entropy(probabilities)
    assert result.shape == (3, 4)
    assert (result >= 0).all()
    assert (result <= 1).all()
    torch.testing.assert_close(entropy(probabilities.flip(0)), result)
    by_hand = -sum(p * math.log(p) for p in probabilities[:, 1, 2].tolist()) / math.log(objects + 1)
    assert result[1, 2].item() == pytest.approx(by_hand, abs=1e-5)


def test_entropy_needs_an_object():
    with pytest.raises(ValueError, match="got 0"):
        entropy(torch.ones(1, 2, 2))


@pytest.mark.parametrize(
    ("area", "radius"), [(0, 0), (20, 0), (179, 0), (400, 1), (10_000, 10), (100_000, 34)]
)
def test_the_region_grows_with_the_object(area, radius):
    assert region_radius(area) == radius


@given(hnp.arrays(bool, (9, 11)), st.integers(0, 4))
def test_dilation_is_the_set_of_pixels_within_the_radius(mask, radius):
    ys, xs = np.nonzero(mask)
    grid_y, grid_x = np.mgrid[:9, :11]
    near = (grid_y[..., None] - ys) ** 2 + (grid_x[..., None] - xs) ** 2 <= radius**2
    result = dilate(torch.from_numpy(mask), radius)
    assert np.array_equal(result.numpy(), near.any(axis=-1))


def test_a_score_is_the_entropy_of_the_region_by_the_area_of_the_mask():
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[10:30, 10:30] = True  # 400 pixels: the region is one pixel larger on each side, no corners
    assert region_score(torch.ones(40, 40), mask) == pytest.approx((400 + 80) / 400)
    assert region_score(torch.ones(40, 40), mask, normaliser="dilated") == pytest.approx(1.0)
    assert region_score(torch.ones(40, 40) * ~mask, mask) == pytest.approx(80 / 400)


def test_the_score_of_an_empty_mask_is_zero():
    assert region_score(torch.ones(5, 5), torch.zeros(5, 5, dtype=torch.bool)) == 0.0
