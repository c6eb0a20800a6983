"""Areas under curves, on worked examples and curves of which they are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import r_auc, score_at, time_auc

EXAMPLE = [0.6, 0.7, 0.75, 0.8, 0.8, 0.82, 0.83, 0.84]
SCORES = hnp.arrays(float, st.integers(1, 10), elements=st.floats(0, 1))


def test_the_example():
    # 0 + the eight, the last once more and half, all by 9
    assert r_auc(EXAMPLE) == pytest.approx((sum(EXAMPLE) + 0.84 / 2) / 9)
    assert r_auc(EXAMPLE) == pytest.approx(0.7289, abs=5e-5)


def test_a_perfect_method_has_less_than_1():
    assert r_auc([1] * 8) == pytest.approx(8.5 / 9)


@given(SCORES)
def test_rounds_are_seconds_of_equal_length(scores):
    seconds = np.arange(1, len(scores) + 1)
    assert r_auc(scores) == pytest.approx(time_auc(seconds, scores, limit=len(scores) + 1))


def test_the_area_over_time():
    # 10 s up to .8: 4; 20 s on to .6: 14; 30 s level: 18; by 60 s
    assert time_auc([10, 30], [0.8, 0.6], limit=60) == pytest.approx(36 / 60)


def test_a_curve_that_goes_on_after_the_limit_is_cut_there():
    # the limit is half-way between 10 s and 30 s, at .7
    assert time_auc([10, 30], [0.8, 0.6], limit=20) == pytest.approx((4 + 7.5) / 20)
    assert time_auc([30], [0.6], limit=15) == pytest.approx(0.15)
    assert time_auc([20], [0.6], limit=20) == pytest.approx(0.3)


@given(SCORES, st.floats(0.1, 50))
def test_the_area_is_between_0_and_the_best_score(scores, limit):
    seconds = 3.0 * np.arange(1, len(scores) + 1)
    assert 0 <= time_auc(seconds, scores, limit=limit) <= scores.max() + 1e-12


def test_the_score_at_a_minute():
    assert score_at([40, 80], [0.6, 0.8]) == pytest.approx(0.7)
    assert score_at([120], [0.6]) == pytest.approx(0.3)  # half-way up from 0
    assert score_at([10, 30], [0.6, 0.8]) == 0.8  # the last holds
    assert score_at([10, 30], [0.6, 0.8], threshold=10) == 0.6


def test_what_is_no_curve_is_refused():
    with pytest.raises(LazyVosError, match="at least one"):
        r_auc([])
    with pytest.raises(LazyVosError, match=r"\(2, 2\)"):
        r_auc(np.zeros((2, 2)))
    for seconds in ([1.0], [2.0, 1.0], [1.0, 1.0], [0.0, 1.0]):
        with pytest.raises(LazyVosError, match="later than the one before"):
            score_at(seconds, [0.5, 0.6])
    with pytest.raises(LazyVosError, match="above 0 s, not 0"):
        time_auc([1.0], [0.5], limit=0)
