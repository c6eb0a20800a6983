"""R@tau, on the worked example and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import jaccard, robustness
from napari_lazyvos.metrics.robustness import TAUS

OVERLAPS = np.array([0.9, 0.6, 0.3, 0.0, 1.0])  # the last one absent, and nothing predicted
PRESENT = np.array([True, True, True, True, False])
ROWS = st.lists(hnp.arrays(float, st.integers(1, 8), elements=st.floats(0, 1)), min_size=1)


def test_the_example():
    assert [robustness([OVERLAPS], tau) for tau in TAUS] == [0.8, 0.8, 0.6]


def test_the_example_over_frames_with_the_object():
    assert robustness([OVERLAPS[PRESENT]], 0.1) == 0.75


def test_the_example_as_the_published_script_counts():
    found = [robustness([OVERLAPS], tau, present=[PRESENT], script=True) for tau in TAUS]
    assert found == [0.6, 0.6, 0.4]


def test_a_wrong_presence_counts_0_and_a_right_absence_1():
    none, one = np.zeros((4, 4)), np.eye(4)
    assert robustness([[jaccard(one, none), jaccard(none, none)]], 0.1) == 0.5


def test_objects_weigh_alike_and_ends_can_be_left_out():
    rows = [[1, 1, 0, 1], [1, 0, 0, 0, 0, 0]]
    assert robustness(rows, 0.5) == pytest.approx((3 / 4 + 1 / 6) / 2)
    assert robustness(rows, 0.5, skip_ends=True) == pytest.approx((1 / 2 + 0) / 2)


@given(ROWS, st.floats(0.01, 1), st.floats(0.01, 1))
def test_it_falls_with_tau(rows, first, second):
    found = [robustness(rows, tau) for tau in sorted((first, second))]
    assert 1 >= found[0] >= found[1] >= 0
    assert found[0] == pytest.approx(np.mean([(row >= min(first, second)).mean() for row in rows]))


@pytest.mark.parametrize("tau", [0.0, -1.0, 1.1])
def test_a_tau_out_of_range_is_refused(tau):
    with pytest.raises(LazyVosError, match=str(tau)):
        robustness([OVERLAPS], tau)


def test_nothing_to_count_is_refused():
    for rows in ([], [[]], [[0.5], []]):
        with pytest.raises(LazyVosError, match="at least one object"):
            robustness(rows, 0.5)
    with pytest.raises(LazyVosError, match="present"):
        robustness([OVERLAPS], 0.5, script=True)
