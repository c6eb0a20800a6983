from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.refine import Click
from napari_lazyvos.refine.classical.edits import apply_clicks, expected_change, held_parts


def two_squares():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 5:25] = True
    mask[10:30, 35:55] = True
    return mask


def test_only_parts_with_a_click_are_held():
    held = held_parts(two_squares(), [Click(20, 10)])
    assert held[:, :30].sum() == 400
    assert not held[:, 30:].any()


def test_clicks_are_obeyed_at_their_pixel():
    changed = apply_clicks(
        two_squares(), [Click(20, 10), Click(20, 15, positive=False), Click(2, 2)]
    )
    assert changed[20, 10]
    assert not changed[20, 15]
    assert changed[2, 2]
    assert not changed[20, 45]


def test_no_change_is_expected_where_no_click_contradicts():
    clicks = [Click(20, 10), Click(2, 2, positive=False)]
    assert expected_change(two_squares(), clicks).area == 0


def test_the_expected_change_is_the_disc_that_reaches_the_border():
    expected = expected_change(two_squares(), [Click(20, 45, positive=False)])
    assert expected.area == pytest.approx(np.pi * 10**2, rel=0.15)


def test_a_change_costs_more_the_less_it_is_like_what_is_expected():
    expected = expected_change(two_squares(), [Click(20, 45, positive=False)])
    cost = expected.cost(np.array([800.0, 5000, 50000]))
    assert cost[0] < cost[1] < cost[2]
    assert expected.cost(np.array([5.0]))[0] > cost[0]
