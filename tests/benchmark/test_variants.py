"""Uncertainties that can be counted by hand, in a frame of which half an object is unsure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.benchmark.following import Prediction
from napari_lazyvos.benchmark.variants import VARIANTS, Sight, choose_variants
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.mivos import MivosNet

UNSURE = 0.5 + 1e-6  # of the object; its entropy is 1


def prediction(columns: int, samples: list[torch.Tensor] | None = None) -> Prediction:
    """Return one of an object in 10 rows of so many columns, of which 5 rows are unsure.

    A second object, which is certain, and 3 unsure pixels of background lie far from it.
    """
    probabilities = torch.zeros((3, 10, 40))
    probabilities[1, :, :columns] = 1.0
    probabilities[1, :5, :columns] = UNSURE
    probabilities[2, :, 20:30] = 1.0
    probabilities[2, :3, 39] = 1 - UNSURE
    probabilities[0] = 1 - probabilities.sum(dim=0)
    return Prediction(probabilities, (1, 2), None if samples is None else iter(samples))


def truth(columns: int) -> np.ndarray:
    mask = np.zeros((10, 40), bool)
    mask[:, :columns] = True
    return mask


def test_sums_over_the_object_and_shares_of_its_areas():
    bit = math.log(2) / math.log(3)  # of two labels, where three are possible
    sight = Sight(prediction(4), 1, truth(8))
    measured = {name: VARIANTS[name].measure(sight) for name in list(VARIANTS)[:4]}
    assert measured == pytest.approx(
        {
            "masked": 20 * bit,
            "by-predicted": 20 / 40 * bit,
            "by-reference": 20 / 80 * bit,
            "whole": 23 * bit,
        },
        rel=1e-5,
    )
    sure = Sight(prediction(4), 2, truth(8))
    assert VARIANTS["masked"].measure(sure) == 0
    assert VARIANTS["whole"].measure(sure) == pytest.approx(23 * bit)


def test_of_nothing_there_is_no_share():
    lost = Sight(prediction(0), 1, truth(8))
    assert VARIANTS["masked"].measure(lost) == 0
    assert math.isnan(VARIANTS["by-predicted"].measure(lost))
    assert VARIANTS["by-reference"].measure(lost) == 0
    gone = Sight(prediction(4), 1, truth(0))
    assert math.isnan(VARIANTS["by-reference"].measure(gone))
    assert VARIANTS["by-predicted"].measure(gone) > 0


def test_samples_that_disagree_in_a_quarter_of_the_object():
    one = prediction(4).probabilities.round()
    other = one.clone()
    other[:2, :5, :2] = one[:2, :5, :2].flip(0)
    sight = Sight(prediction(4, [one, other]), 1, truth(4))
    bit = math.log(2) / math.log(3)
    for name in ("total", "epistemic"):
        assert VARIANTS[name].measure(sight) == pytest.approx(bit / 4)


def test_the_quality_of_a_mask_is_turned_round():
    rated = replace(prediction(4), quality={1: 0.8, 2: 1.0})
    measured = [VARIANTS["quality"].measure(Sight(rated, label, truth(4))) for label in (1, 2)]
    assert measured == pytest.approx([0.2, 0.0])
    assert math.isnan(VARIANTS["quality"].measure(Sight(prediction(4), 1, truth(4))))


def test_each_tracker_is_asked_for_what_it_can_tell():
    one, several = (trackers.load(name, device="cpu") for name in ("handcrafted", "compact"))
    torch.manual_seed(0)
    rating = trackers.load("qdmn", weights=MivosNet().state_dict(), device="cpu")
    plain = ("masked", "by-predicted", "by-reference", "whole")
    assert choose_variants((), rating) == (*plain, "total", "epistemic", "quality")
    with pytest.raises(LazyVosError, match=r"compact says nothing of them: choose .*, or qdmn"):
        choose_variants(["quality"], several)
    assert choose_variants((), one) == plain
    assert choose_variants((), several) == (*plain, "total", "epistemic")
    assert choose_variants(["total", "masked"], several) == ("masked", "total")
    with pytest.raises(LazyVosError, match="tracker handcrafted gives one: choose from masked"):
        choose_variants(["epistemic"], one)
    with pytest.raises(LazyVosError, match="no variant 'mask': choose from masked, by-predicted"):
        choose_variants(["mask"], several)
