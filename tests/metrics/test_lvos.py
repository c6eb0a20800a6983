"""The headline of LVOS beside the plain mean, worked out by hand."""

from __future__ import annotations

import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import j_and_f, lvos_mean, lvos_variability

REGION, CONTOUR = [0.7, 0.9, 0.4], [0.8, 1.0, 0.5]


def test_groups_weigh_alike_not_objects():
    # J seen (.7 + .9) / 2 = .8, F seen .9, J unseen .4, F unseen .5
    assert lvos_mean(REGION, CONTOUR, [True, True, False]) == pytest.approx(0.65)
    assert j_and_f(REGION, CONTOUR) == pytest.approx((2 / 3 + 2.3 / 3) / 2)


def test_groups_of_equal_size_give_the_plain_mean():
    region, contour = [0.1, 0.5, 0.7, 0.9], [0.2, 0.3, 0.4, 0.8]
    found = lvos_mean(region, contour, [True, False, False, True])
    assert found == pytest.approx(j_and_f(region, contour))


@pytest.mark.parametrize(("seen", "word"), [([True] * 3, "all seen"), ([False] * 3, "all unseen")])
def test_one_group_alone_is_refused(seen, word):
    with pytest.raises(LazyVosError, match=word):
        lvos_mean(REGION, CONTOUR, seen)


def test_variability_is_the_root_of_a_rounded_variance():
    # J&F .9, .5, .7, .7: mean .7, squares .04 + .04, variance .02
    assert lvos_variability([0.8, 0.4, 0.6, 0.6], [1.0, 0.6, 0.8, 0.8]) == pytest.approx(0.02**0.5)
    assert lvos_variability([0.5, 0.509], [0.5, 0.509]) == 0  # a variance of .00002
