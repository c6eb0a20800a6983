"""Where the tracker clicks for itself, and which answers it believes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lazyvos.lazy.pseudo import is_plausible, negative_click, positive_click
from napari_lazyvos.refine import Click

SIZE = (12, 15)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def depth(region: np.ndarray) -> np.ndarray:
    """Measure the distance to the nearest pixel outside, by looking at all of them."""
    padded = np.pad(region, 1)
    outside = np.argwhere(~padded)
    result = np.zeros(padded.shape)
    for y, x in np.argwhere(padded):
        result[y, x] = np.sqrt(((outside - (y, x)) ** 2).sum(1).min())
    return result[1:-1, 1:-1]


def test_a_sure_object_is_clicked_in_its_middle():
    mask = box(2, 3, 5, 7)
    click = positive_click(mask, mask, np.zeros(SIZE, np.float32))
    assert click == Click(4.0, 5.0)  # of the pixels at depth 3 the first one


def test_doubt_moves_the_click():
    mask, doubt = box(2, 3, 5, 9), np.zeros(SIZE, np.float32)
    doubt[:, :8] = 0.9
    assert positive_click(mask, mask, doubt).x >= 8
    assert positive_click(mask, mask, doubt, weighted=False) == Click(4.0, 5.0)


def test_an_object_that_is_unsure_everywhere_is_clicked_in_its_middle():
    mask = box(2, 3, 5, 7)
    assert positive_click(mask, mask, np.ones(SIZE, np.float32)) == Click(4.0, 5.0)


bits = arrays(bool, SIZE)
doubts = arrays(np.float32, SIZE, elements=st.floats(0, 1, width=16))


@settings(max_examples=60, deadline=None)
@given(bits.filter(np.any), bits, doubts)
def test_the_click_is_where_equation_6_4_is_greatest(mask, more, doubt):
    region = mask | more
    click = positive_click(mask, region, doubt)
    worth = mask * depth(region) * (1 - doubt)
    if not worth.any():
        worth = mask * depth(region)
    assert mask[int(click.y), int(click.x)]
    assert worth[int(click.y), int(click.x)] == pytest.approx(worth.max(), rel=1e-4)


def test_a_negative_click_is_where_the_object_might_be_outside():
    region, probability = box(2, 2, 4, 4), np.zeros(SIZE, np.float32)
    doubt = np.ones(SIZE, np.float32)
    probability[3, 3], probability[8, 9], probability[9, 9] = 0.9, 0.3, 0.4
    assert negative_click(region, probability, doubt) == Click(9.0, 9.0, positive=False)
    doubt[9, 9] = 0.5
    assert negative_click(region, probability, doubt) == Click(8.0, 9.0, positive=False)
    assert negative_click(region, probability / 2, doubt) is None


@pytest.mark.parametrize(
    ("refined", "plausible"),
    [
        (box(3, 3, 4, 5), True),  # the same
        (box(3, 3, 4, 3), True),
        (box(3, 3, 2, 4), False),  # less than half
        (box(1, 2, 6, 7), False),  # more than twice
        (box(5, 5, 4, 5), False),  # as large, but elsewhere
        (np.zeros(SIZE, bool), False),
    ],
)
def test_a_refined_mask_must_be_of_the_same_object(refined, plausible):
    mask = box(3, 3, 4, 5)
    assert is_plausible(refined, mask, mask) is plausible
