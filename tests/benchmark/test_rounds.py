"""Where the strategies of CiVOS click."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.benchmark.rounds import STRATEGIES, clicks_a1, clicks_a2, clicks_a3, worst_frame
from napari_lazyvos.benchmark.targets import Judgement, Target
from napari_lazyvos.refine.protocol import Click

EMPTY = np.zeros((60, 80), bool)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    region = EMPTY.copy()
    region[top : top + height, left : left + width] = True
    return region


LARGE, SMALL = box(5, 5, 21, 31), box(40, 50, 11, 13)


def test_a1_is_one_click_in_the_middle_of_what_is_missing():
    (click,) = clicks_a1(EMPTY, LARGE, 3)
    assert click.positive
    assert np.hypot(click.y - 15, click.x - 20) < 2
    # The mean of a ring lies in its hole; the click does not.
    ring = LARGE & ~box(9, 9, 13, 23)
    (click,) = clicks_a1(EMPTY, ring, 3)
    assert ring[int(click.y), int(click.x)]
    assert clicks_a1(LARGE | SMALL, LARGE, 3) == []  # nothing is missing


def test_a2_clicks_on_each_scribble_the_longest_first():
    first, second = clicks_a2(SMALL, LARGE, 3)
    assert first.positive
    assert LARGE[int(first.y), int(first.x)]
    assert not second.positive
    assert SMALL[int(second.y), int(second.x)]
    assert clicks_a2(SMALL, LARGE, 1) == [first]


def test_a3_clicks_in_the_depth_of_each_region():
    assert clicks_a3(SMALL, LARGE, 3) == [Click(15, 20, True), Click(45, 56, False)]
    assert clicks_a3(SMALL, LARGE, 1) == [Click(15, 20, True)]
    assert clicks_a3(EMPTY, box(3, 3, 9, 11), 3) == []  # 99 pixels are too few


def test_a3_takes_the_first_of_two_equal_middles():
    (click,) = clicks_a3(EMPTY, box(10, 10, 11, 11) | box(15, 20, 1, 10) | box(10, 29, 11, 11), 3)
    assert (click.y, click.x) == (15, 15)


@pytest.mark.parametrize("name", STRATEGIES)
def test_where_all_is_right_nobody_clicks(name):
    assert STRATEGIES[name](LARGE, LARGE, 3) == []
    assert STRATEGIES[name](EMPTY, EMPTY, 3) == []


def test_the_worst_frame_is_that_of_the_lowest_mean():
    targets = (Target(1, 0, 9, 4, (1, 2, 3)), Target(2, 1, 9, 4, (2, 3)))
    found = {
        1: Judgement((0.9, 0.5, 0.6), (0.9, 0.5, 0.6), (True,) * 3, (True,) * 3),
        2: Judgement((0.9, 0.1), (0.9, 0.3), (True,) * 2, (True,) * 2),
    }
    # J&F is .9 in frame 1, (.5 + .9) / 2 in frame 2, (.6 + .2) / 2 in frame 3.
    assert worst_frame(targets, found, {0}) == 3
    assert worst_frame(targets, found, {0, 3}) == 2
    assert worst_frame(targets, found, {0, 1, 2, 3}) is None
