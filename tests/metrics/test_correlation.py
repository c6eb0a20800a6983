"""Rank correlation of overlap and uncertainty, on the worked examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import spearman

OVERLAPS = [1, 0.9, 0.85, 0.6, 0.4, 0.7]


def test_the_examples():
    assert spearman(OVERLAPS, [0, 0.1, 0.2, 0.5, 0.9, 0.4]) == pytest.approx(1)
    assert spearman(OVERLAPS, [0, 0.1, 0.2, 0.5, 0.45, 0.4]) == pytest.approx(0.9)


def test_scores_of_confidence_keep_their_sign():
    assert spearman(OVERLAPS, OVERLAPS, confidence=True) == pytest.approx(1)
    assert spearman(OVERLAPS, OVERLAPS) == pytest.approx(-1)


def test_the_first_frame_does_not_count():
    scores = [0, 0.1, 0.2, 0.5, 0.9, 0.4]
    assert spearman([0, *OVERLAPS[1:]], [9, *scores[1:]]) == spearman(OVERLAPS, scores)


def test_frames_without_a_number_do_not_count():
    scores = [0, 0.1, math.inf, 0.2, 0.5, math.nan, 0.9, 0.4]
    overlaps = [1, 0.9, 0.3, 0.85, 0.6, 0.9, 0.4, 0.7]
    assert spearman(overlaps, scores) == pytest.approx(1)


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_it_is_the_formula_of_ranks(overlaps, scores):
    # without ties: 1 - 6 sum d^2 / (n (n^2 - 1))
    expected = 1 - 6 * sum((a - b) ** 2 for a, b in zip(overlaps, scores, strict=True)) / 210
    assert spearman([0, *overlaps], [0, *scores]) == pytest.approx(-expected)


@given(st.permutations([0.1, 0.3, 0.5, 0.7, 0.9]))
def test_only_the_order_of_scores_counts(scores):
    found = spearman([1, 0.5, 0.4, 0.3, 0.2], scores)
    assert found == pytest.approx(spearman([1, 0.5, 0.4, 0.3, 0.2], np.exp(scores)))


@pytest.mark.parametrize(
    ("overlaps", "scores"),
    [([1, 1, 1, 1], [0, 0.1, 0.2, 0.3]), ([1, 0.5, 0.4], [0, 0.1, 0.2]), ([], [])],
)
def test_where_there_is_no_correlation_it_is_not_a_number(overlaps, scores):
    assert math.isnan(spearman(overlaps, scores))


def test_rows_of_other_lengths_are_refused():
    with pytest.raises(LazyVosError, match="shapes"):
        spearman([1, 0.5], [0, 0.1, 0.2])
