"""Quotients of determinants, against determinants of fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.memory.diversity import NUGGET, Diversity

KINDS = ("definite", "near singular", "singular", "copies", "indefinite")


def determinant(gram):
    """Return the exact determinant of a matrix of floats, and of nothing else."""
    rows = [[Fraction(float(value)) for value in row] for row in gram]
    found = Fraction(1)
    while rows:
        at = next((n for n, row in enumerate(rows) if row[0]), None)
        if at is None:
            return Fraction(0)
        pivot = rows.pop(at)
        found *= (-1) ** at * pivot[0]
        rows = [
            [a - row[0] / pivot[0] * b for a, b in zip(row[1:], pivot[1:], strict=True)]
            for row in rows
        ]
    return found


def matrix(kind, count, seed, scale=1.0):
    """Return a symmetric (count, count) matrix of some kind."""
    random = np.random.default_rng(seed)
    if kind == "indefinite":
        drawn = random.uniform(-1, 1, (count, count))
        return scale * (np.triu(drawn) + np.triu(drawn, 1).T)
    keys = random.normal(size=(count, 2 * count))
    if kind == "near singular":
        keys[-1] = keys[0] + 10.0 ** -(1 + seed % 8) * keys[-1]
    elif kind == "singular":
        keys[-1] = keys[0]
    elif kind == "copies":
        keys[:-1] = keys[0]
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    keys = random.permutation(keys)  # which of them is the new frame
    return scale * keys @ keys.T


def built(gram):
    """Return the diversity of frames that came one after the other."""
    diversity = Diversity()
    for n, row in enumerate(gram):
        diversity.append(row[:n], row[n])
    return diversity


def with_nugget(gram):
    return gram + NUGGET * np.diag(np.diag(gram))


def with_new(gram, place, similarities, own):
    """Return the matrix in which a new frame replaces another, in its place."""
    gram = gram.copy()
    gram[place] = gram[:, place] = similarities
    gram[place, place] = own
    return gram


@given(
    kind=st.sampled_from(KINDS),
    count=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_all_quotients_are_those_of_the_determinants(kind, count, seed, scale):
    whole = matrix(kind, count + 1, seed, scale)
    gram, similarities, own = whole[:-1, :-1], whole[-1, :-1], whole[-1, -1]
    diversity = built(gram)
    now = determinant(with_nugget(gram))
    expected = [
        float(determinant(with_nugget(with_new(gram, n, similarities, own))) / now)
        for n in range(count)
    ]
    assert diversity.ratios(similarities, own) == pytest.approx(expected, rel=1e-5, abs=1e-9)
    grown = float(determinant(with_nugget(whole)) / now)
    assert diversity.growth(similarities, own) == pytest.approx(grown, rel=1e-5, abs=1e-9 * scale)


def test_the_worked_example():
    diversity = built(np.array([[1, 0.9, 0.8], [0.9, 1, 0.95], [0.8, 0.95, 1]]))
    assert np.exp(diversity.log_determinant) == pytest.approx(0.0155, rel=1e-5)
    ratios = diversity.ratios(np.array([0.7, 0.6, 0.65]), 1.0)
    assert ratios == pytest.approx([3.61290, 11.32258, 6.19355], rel=1e-5)
    assert 0.0155 * ratios == pytest.approx([0.056, 0.1755, 0.096], rel=1e-5)
    # The similarity to the frame that leaves does not matter.
    assert diversity.ratios(np.array([0.7, 123.0, 0.65]), 1.0)[1] == pytest.approx(ratios[1])


@given(kind=st.sampled_from(KINDS), count=st.integers(2, 7), seed=st.integers(0, 10_000))
def test_frames_come_and_go(kind, count, seed):
    whole = matrix(kind, count + 1, seed)
    diversity, place = built(whole[:-1, :-1]), seed % count
    new = whole[-1, :-1], whole[-1, -1]
    in_its_place = Diversity(diversity.gram)
    in_its_place.put(place, *new)
    expected = with_nugget(with_new(whole[:-1, :-1], place, *new))
    assert np.allclose(in_its_place.gram, expected, rtol=1e-14)
    diversity.replace(place, *new)
    others = [n for n in range(count) if n != place]
    left = [*others, count]
    assert np.allclose(diversity.gram, with_nugget(whole)[np.ix_(left, left)], rtol=1e-14)
    fresh = Diversity(diversity.gram)
    assert diversity.log_determinant == pytest.approx(fresh.log_determinant, rel=1e-5, abs=1e-5)
    diversity.remove(len(diversity) - 1)
    assert np.allclose(diversity.gram, with_nugget(whole)[np.ix_(others, others)], rtol=1e-14)
    assert diversity.log_determinant == Diversity(diversity.gram).log_determinant


def test_the_inverse_stays_accurate():
    """And is used: that all goes well because nothing is ever updated would not count."""
    random = np.random.default_rng(0)
    diversity = built(matrix("definite", 15, 0))
    assert diversity._updates == 15
    updated = 0
    for _ in range(200):
        similarities = random.uniform(-0.2, 0.2, 15)
        diversity.replace(int(random.integers(15)), similarities, random.uniform(1, 2))
        fresh = Diversity(diversity.gram)
        updated += diversity._updates > 0
        assert np.allclose(diversity._inverse, fresh._inverse, rtol=1e-9, atol=1e-9)
        assert diversity.log_determinant == pytest.approx(fresh.log_determinant, abs=1e-9)
    assert updated > 150


def test_what_makes_the_determinant_zero_can_be_taken_in():
    diversity = built(np.eye(3))
    diversity.replace(1, np.zeros(3), 0.0)
    assert diversity.log_determinant == -np.inf
    assert diversity.ratios(np.zeros(3), 1.0).tolist() == [1, 1, np.inf]
    diversity.replace(2, np.zeros(3), 1.0)
    assert diversity.log_determinant == pytest.approx(0, abs=1e-6)
    diversity.append(np.zeros(3), 0.0)
    assert diversity.log_determinant == -np.inf


def test_a_rule_that_only_takes_what_is_better_never_loses():
    random = np.random.default_rng(1)
    keys = [key / np.linalg.norm(key) for key in random.normal(size=(8, 12))]
    diversity = built(np.array(keys) @ np.array(keys).T)
    replaced = 0
    for _ in range(150):
        new = keys[0] + random.normal(size=12)
        new /= np.linalg.norm(new)
        before = diversity.log_determinant
        row = np.array(keys) @ new
        ratios = np.abs(diversity.ratios(row, 1.0))
        best = int(ratios.argmax())
        if ratios[best] > 1:
            diversity.replace(best, row, 1.0)
            keys = [*keys[:best], *keys[best + 1 :], new]
            replaced += 1
        assert diversity.log_determinant >= before
    assert replaced > 5
    log = np.linalg.slogdet(np.array(keys) @ np.array(keys).T)[1]
    assert diversity.log_determinant == pytest.approx(log, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_determinants_beyond_floats(scale):
    gram = matrix("definite", 31, 3)
    diversity = built(scale * gram[:-1, :-1])
    expected = 30 * np.log(scale) + np.linalg.slogdet(gram[:-1, :-1])[1]
    assert diversity.log_determinant == pytest.approx(expected)
    assert abs(diversity.log_determinant) > np.log(1e308)
    ratios = built(gram[:-1, :-1]).ratios(gram[-1, :-1], 1.0)
    assert diversity.ratios(scale * gram[-1, :-1], scale) == pytest.approx(ratios)


def test_copies_are_what_to_replace():
    """As many copies as there are, the first frame that differs from them is welcome."""
    diversity = built(np.ones((5, 5)))
    diversity.replace(0, np.full(5, 0.9), 1.0)  # behind the others
    ratios = diversity.ratios(np.array([0.8, 0.8, 0.8, 0.8, 0.7]), 1.0)
    assert (ratios[:4] > 1e4).all()
    assert ratios[4] < 10
    copied_again = diversity.ratios(np.array([1, 1, 1, 1, 0.9]), 1.0)
    assert copied_again[:4] == pytest.approx(1, rel=1e-5)
    assert copied_again[4] < 1e-4


def test_nothing_is_gained_where_all_determinants_are_zero():
    diversity = built(np.zeros((3, 3)))
    assert diversity.log_determinant == -np.inf
    assert diversity.ratios(np.zeros(3), 0.0).tolist() == [1, 1, 1]
    assert diversity.growth(np.zeros(3), 0.0) == 1
    diversity.replace(1, np.zeros(3), 1.0)
    assert diversity.gram[2, 2] == 1 + NUGGET


def test_an_empty_memory():
    diversity = Diversity()
    assert (len(diversity), diversity.log_determinant) == (0, 0)
    assert diversity.ratios(np.zeros(0), 2.0).shape == (0,)
    assert diversity.growth(np.zeros(0), 2.0) == pytest.approx(2)
    diversity.append(np.zeros(0), 2.0)
    diversity.remove(0)
    assert len(diversity) == 0


def test_what_was_packed_is_a_copy():
    diversity = built(matrix("definite", 4, 5))
    packed = diversity.pack()
    assert packed.dtype == torch.float64
    again = Diversity.unpack(packed)
    row = np.array([0.1, 0.2, 0.3, 0.4])
    before = diversity.ratios(row, 1.0)
    diversity.replace(1, row, 1.0)
    assert again.ratios(row, 1.0) == pytest.approx(before)
    again.replace(2, row, 1.0)
    assert np.array_equal(packed.numpy(), built(matrix("definite", 4, 5)).gram)
