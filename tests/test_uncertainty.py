"""Entropy and scores, against hand-worked examples and brute force."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.uncertainty import (
    MEASURES,
    dilate,
    entropy,
    measure,
    region_radius,
    region_score,
    region_scores,
    spread,
)


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


def test_where_all_is_background_entropy_is_zero_and_elsewhere_the_same():
    probabilities = torch.zeros(3, 9, 12)
    probabilities[0] = 1
    assert not entropy(probabilities).any()
    inside = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)).softmax(dim=0)
    probabilities[:, 2:6, 3:8] = inside
    result = entropy(probabilities)
    torch.testing.assert_close(result[2:6, 3:8], entropy(inside))
    result[2:6, 3:8] = 0
    assert not result.any()


def published_kernel(area):
    """The kernel of the published script, cell by cell as it is described."""
    side = int(math.sqrt(0.05 * area))
    side = max(2, side + side % 2)
    half = side // 2
    kernel = np.zeros((side, side), np.uint8)
    for y in range(half):
        for x in range(half):
            if x**2 + y**2 < (half - 1) ** 2:
                for row in (half + y, half - 1 - y):
                    kernel[row, [half + x, half - 1 - x]] = 1
    return kernel


def discs(*radii, height=90, width=120):
    """Return a label map of discs, some of which the border cuts."""
    labels = np.zeros((height, width), np.uint8)
    for label, radius in enumerate(radii, start=1):
        cv2.circle(labels, (37 * label - 30, 30 * label - 25), radius, label, -1)
    return labels


@pytest.mark.parametrize("area", [0, 50, 179, 200, 400, 1000, 3000, 20_000])
def test_the_published_kernel_is_reproduced(area):
    mask = discs(3, 9, 14) > 0
    mask[-1, -1] = mask[0, 60] = True
    expected = cv2.dilate(mask.astype(np.uint8), published_kernel(area)).astype(bool)
    result = dilate(torch.from_numpy(mask), region_radius(area), compat=True)
    np.testing.assert_array_equal(result.numpy(), expected)


def test_the_published_kernel_of_a_small_object_moves_it():
    mask = torch.zeros(5, 6, dtype=torch.bool)
    mask[1:3, 2] = True
    assert dilate(mask, 0, compat=True).nonzero().tolist() == [[2, 3], [3, 3]]
    block = dilate(mask, 1, compat=True)  # 2 x 2
    assert block.nonzero().tolist() == [[y, x] for y in (1, 2, 3) for x in (2, 3)]


@pytest.mark.parametrize("normaliser", ["original", "dilated"])
@pytest.mark.parametrize("compat", [False, True])
def test_scores_of_a_label_map_are_those_of_its_masks(normaliser, compat):
    labels = discs(3, 9, 21)
    values = torch.rand(labels.shape, generator=torch.Generator().manual_seed(1))
    scores = region_scores(values, labels, (3, 1, 7, 2), normaliser=normaliser, compat=compat)
    assert scores[2] == 0
    for label, score in zip((3, 1, 2), (scores[0], scores[1], scores[3]), strict=True):
        mask = torch.from_numpy(labels == label)
        area = int(mask.sum())
        region = dilate(mask, region_radius(area), compat=compat)
        size = area if normaliser == "original" else int(region.sum())
        assert score == pytest.approx(float(values[region].sum()) / size, rel=1e-5)
        assert score == region_score(values, mask, normaliser=normaliser, compat=compat)


def test_an_unknown_normaliser_is_refused():
    with pytest.raises(ValueError, match="normaliser is 'area': choose one of original, dilated"):
        region_score(torch.ones(2, 2), torch.ones(2, 2, dtype=torch.bool), normaliser="area")


def some(count, objects, seed, sharpness=5.0):
    chance = torch.Generator().manual_seed(seed)
    return list((torch.randn(count, objects + 1, 3, 4, generator=chance) * sharpness).softmax(1))


def test_the_spread_of_known_predictions():
    # Two that are sure of opposite things, two that are unsure of the same, and one of each.
    one = torch.tensor([[1.0, 0.5, 1.0], [0.0, 0.5, 0.0]])[:, None]
    other = torch.tensor([[0.0, 0.5, 0.5], [1.0, 0.5, 0.5]])[:, None]
    total, epistemic = spread([one, other])
    mixed = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))  # in bits, as log 2 divides
    torch.testing.assert_close(total, torch.tensor([[1.0, 1.0, mixed]]))
    torch.testing.assert_close(epistemic, torch.tensor([[1.0, 0.0, mixed - 0.5]]))


@given(st.integers(2, 5), st.integers(1, 4), st.integers(0, 2**32 - 1), st.floats(0, 50))
def test_the_spread_by_brute_force(count, objects, seed, sharpness):
    samples = some(count, objects, seed, sharpness)
    total, epistemic = spread(iter(samples))
    assert (epistemic >= 0).all()
    assert (epistemic <= total).all()
    assert (total <= 1).all()
    together = torch.stack(samples).double()
    mean = -torch.xlogy(together.mean(0), together.mean(0)).sum(0)
    inner = -torch.xlogy(together, together).sum(1).mean(0)
    unit = math.log(objects + 1)
    torch.testing.assert_close(total.double(), mean / unit, atol=1e-5, rtol=0)
    torch.testing.assert_close(epistemic.double(), (mean - inner) / unit, atol=1e-5, rtol=0)
    again = spread(samples[::-1])
    torch.testing.assert_close(again, (total, epistemic), atol=1e-5, rtol=0)


@given(st.integers(2, 21), st.integers(0, 2**32 - 1))
def test_equal_samples_have_no_spread(count, seed):
    (sample,) = some(1, 2, seed)
    total, epistemic = spread([sample] * count)
    assert not epistemic.any()
    assert torch.equal(total, entropy(sample))


def test_samples_are_gone_through_once_and_left_as_they_were():
    samples = some(4, 2, 0)
    before = [sample.clone() for sample in samples]
    alive = []

    def one_by_one():
        for sample in samples:
            alive.append(sample)
            yield sample

    spread(one_by_one())
    assert len(alive) == 4
    assert all(torch.equal(a, b) for a, b in zip(samples, before, strict=True))


def test_measures_by_name():
    plain, samples = some(1, 2, 0)[0], some(3, 2, 1)
    total, epistemic = spread(samples)
    assert torch.equal(measure("entropy", plain), entropy(plain))
    assert torch.equal(measure("total", plain, iter(samples)), total)
    assert torch.equal(measure("epistemic", plain, iter(samples)), epistemic)
    assert torch.equal(measure("quality", plain), entropy(plain))  # of a pixel it says nothing
    assert tuple(MEASURES) == ("entropy", "total", "epistemic", "quality")


def test_samples_that_a_measure_does_not_need_are_not_computed():
    def never():
        raise AssertionError("computed")
        yield

    measure("entropy", some(1, 2, 0)[0], never())


@pytest.mark.parametrize("kind", ["total", "epistemic"])
def test_of_one_prediction_there_is_no_spread(kind):
    plain = some(1, 2, 0)[0]
    with pytest.raises(LazyVosError, match=f"'{kind}' needs several predictions"):
        measure(kind, plain)
    with pytest.raises(LazyVosError, match="spread of 1 predictions"):
        measure(kind, plain, [plain])


def test_an_unknown_measure_is_answered_with_the_known_ones():
    with pytest.raises(LazyVosError, match="'luck': choose one of entropy, total, epistemic"):
        measure("luck", some(1, 2, 0)[0])
