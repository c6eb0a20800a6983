"""The measures of VOTS, on the worked example and its cases."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import ObjectFrames, vots

# The first frame; 8 found, 1 drifted, 1 missed; 4 without the object, 3 of them noticed.
EXAMPLE = ObjectFrames(
    overlaps=[1, *[0.8] * 8, 0, 0, 1, 1, 1, 0],
    present=[True] * 11 + [False] * 4,
    predicted=[True] * 10 + [False] * 4 + [True],
)
LOST = ObjectFrames([1, 0, 0], [True] * 3, [True, True, True])


@st.composite
def objects(draw) -> ObjectFrames:
    length = draw(st.integers(2, 12))
    flags = st.lists(st.booleans(), min_size=length, max_size=length)
    present, predicted = np.array(draw(flags)), np.array(draw(flags))
    free = np.array(draw(st.lists(st.floats(0, 1), min_size=length, max_size=length)))
    overlaps = np.where(present & predicted, free, 1.0 * (present == predicted))
    return ObjectFrames(overlaps, present, predicted)


def test_the_example():
    found = vots([[EXAMPLE]])
    assert found.quality == pytest.approx((8 * 0.8 + 3) / 14)
    assert found.accuracy == pytest.approx(0.8)
    assert (found.robustness, found.drift, found.not_reported) == (0.8, 0.1, 0.1)
    assert math.isnan(found.absence)  # 4 frames are too few
    assert vots([[EXAMPLE]], absent_frames=3).absence == 0.75
    assert math.isnan(vots([[EXAMPLE]], absent_frames=4).absence)


def test_the_toolkit_counts_the_first_frame_as_a_miss():
    found = vots([[EXAMPLE]], toolkit=True)
    assert found.quality == pytest.approx((8 * 0.8 + 3) / 15)
    assert found.robustness == pytest.approx(8 / 11)
    assert found.not_reported == pytest.approx(2 / 11)
    assert found.accuracy == pytest.approx(0.8)


def test_frames_without_a_reference_do_not_count():
    known = np.ones(15, bool)
    known[9:11] = False  # the drifted and the missed one
    found = vots([[replace(EXAMPLE, known=known)]])
    assert (found.robustness, found.drift, found.not_reported) == (1, 0, 0)
    assert found.quality == pytest.approx((8 * 0.8 + 3) / 12)


def test_means_go_over_objects_then_sequences():
    found = vots([[EXAMPLE, LOST], [LOST]])
    assert found.robustness == pytest.approx(((0.8 + 0) / 2 + 0) / 2)
    assert found.accuracy == pytest.approx(((0.8 + 0) / 2 + 0) / 2)
    assert found.drift == pytest.approx(((0.1 + 1) / 2 + 1) / 2)
    assert found.quality == pytest.approx((((8 * 0.8 + 3) / 14 + 0) / 2 + 0) / 2)


def test_an_object_that_is_never_there_is_left_out_where_it_says_nothing():
    never = ObjectFrames([1] * 13, [False] * 13, [False] * 13)
    found = vots([[never, LOST], [never]])
    assert found.drift == 1
    assert found.absence == 1
    assert found.accuracy == 0
    assert found.quality == pytest.approx((0.5 + 1) / 2)


def test_a_single_frame_says_nothing_but_0():
    found = vots([[ObjectFrames([1], [True], [True])]])
    assert found.quality == found.accuracy == 0
    assert math.isnan(found.robustness)


@given(objects(), st.booleans())
def test_every_frame_of_an_object_is_found_missed_or_drifted(each, toolkit):
    found = vots([[each]], absent_frames=0, toolkit=toolkit)
    shares = found.robustness + found.not_reported + found.drift
    assert math.isnan(shares) or shares == pytest.approx(1)
    numbers = (found.quality, found.accuracy, found.robustness, found.absence)
    assert all(math.isnan(number) or 0 <= number <= 1 for number in numbers)
    assert found.accuracy >= found.quality or found.accuracy == 0 or not all(each.present)


def test_what_was_given_is_left_as_it_was():
    overlaps = np.ones(3)
    vots([[ObjectFrames(overlaps, np.ones(3, bool), np.ones(3, bool))]], toolkit=True)
    assert overlaps.tolist() == [1, 1, 1]


def test_nothing_and_rows_of_other_lengths_are_refused():
    for nothing in ([], [[]], [[EXAMPLE], []]):
        with pytest.raises(LazyVosError, match="sequences, and objects"):
            vots(nothing)
    with pytest.raises(LazyVosError, match="shapes"):
        vots([[replace(EXAMPLE, present=[True])]])
