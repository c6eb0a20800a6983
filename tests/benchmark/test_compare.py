"""Differences that can be worked out by hand, and resamples gone through one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lazyvos.benchmark import compare as module
from napari_lazyvos.benchmark.compare import COMPARED, FEWEST, compare
from napari_lazyvos.benchmark.means import means
from napari_lazyvos.benchmark.results import ObjectResult, Report, SequenceResult
from napari_lazyvos.errors import LazyVosError


def tracked(label: int, region: list[float], corrections: tuple[int, ...] = ()) -> ObjectResult:
    """Return an object that was given in frame 0; its F is half its J, and it is always there."""
    frames = tuple(range(1, 1 + len(region)))
    there = (True,) * len(region)
    contour = tuple(value / 2 for value in region)
    return ObjectResult(
        label,
        0,
        len(region),
        frames,
        tuple(region),
        contour,
        there,
        there,
        corrections=corrections,
    )


def sequence(name: str, *objects: ObjectResult, **more) -> SequenceResult:
    more = {"tracked": 10, "seconds": 1.0} | more
    return SequenceResult(name, 11, 8, 8, objects, **more)


def report(*sequences: SequenceResult, **settings) -> Report:
    return Report(settings, {}, sequences)


def random_report(seed: int, videos: int = 7) -> Report:
    """Return videos of one to three objects, some of which are absent for a long time."""
    random = np.random.default_rng(seed)
    sequences = []
    for k in range(videos):
        objects = []
        for label in range(1, 2 + k % 3):
            corrected = tuple(range(2, 2 + int(random.integers(3))))
            found = tracked(label, random.random(20).round(3).tolist(), corrected)
            present = tuple(t < 8 or k > 1 for t in found.frames)
            predicted = tuple((random.random(20) < 0.8).tolist())
            objects.append(replace(found, present=present, predicted=predicted))
        rounds = tuple(random.random(3).tolist()) if k != 4 else ()
        cells = dict(zip(("SEG", "DET", "TRA"), random.random(3).tolist(), strict=True))
        sequences.append(sequence(f"v{k}", *objects, rounds=rounds, cells=cells))
    return report(*sequences)


def test_a_difference_that_all_videos_agree_on_has_no_width():
    first = [sequence(f"v{k}", tracked(1, [0.1 * k, 0.1 * k])) for k in range(6)]
    second = [sequence(f"v{k}", tracked(1, [0.1 * k + 0.25] * 2)) for k in range(6)]
    (found,) = compare(report(*first), report(*second), measures=["J"]).differences
    assert (found.first, found.second) == pytest.approx((0.25, 0.5))
    assert (found.low, found.high, found.difference) == pytest.approx((0.25, 0.25, 0.25))
    assert found.p == 2 / 10_001
    assert found.verdict == "B is better by 0.250 (0.250 to 0.250)"
    (found,) = compare(report(*second), report(*first), measures=["J"]).differences
    assert found.verdict == "A is better by 0.250 (0.250 to 0.250)"


def test_the_chance_of_one_video_that_differs():
    """The mean of N videos, of which one differs by d: d / N times how often that one is drawn."""
    first = [sequence(f"v{k}", tracked(1, [0.5])) for k in range(8)]
    second = [sequence("v0", tracked(1, [0.9])), *first[1:]]
    (found,) = compare(report(*first), report(*second), measures=["J"]).differences
    assert found.difference == pytest.approx(0.4 / 8)
    assert (found.low, found.high) == pytest.approx((0, 3 * 0.4 / 8))  # binomial, 1 / 8 of 8
    assert found.p == pytest.approx(2 * (7 / 8) ** 8, abs=0.03)
    assert found.verdict == "no difference that these 8 videos could show"


def test_objects_weigh_the_same_and_their_videos_are_drawn_whole(monkeypatch):
    """Each resample, made of whole videos and handed to `means`, gives the same differences."""
    monkeypatch.setattr(module, "RESAMPLES", 60)
    first, second = random_report(1), random_report(2)
    drawn = np.random.default_rng(module.SEED).multinomial(7, np.full(7, 1 / 7), 60)
    resampled = []
    for row in drawn:
        chosen = np.repeat(np.arange(7), row)
        pair = [means([each.sequences[k] for k in chosen]) for each in (first, second)]
        resampled.append({name: pair[1][name] - pair[0][name] for name in pair[0]})
    found = {each.measure: each for each in compare(first, second).differences}
    assert set(found) == set(COMPARED)
    for name, each in found.items():
        if each.sequences < 7:
            continue  # only the videos that have the measure are drawn, see below
        values = [round(one[name], 9) for one in resampled]
        assert each.low == pytest.approx(np.quantile(values, 0.025), abs=1e-8), name
        assert each.high == pytest.approx(np.quantile(values, 0.975), abs=1e-8), name
        beyond = min(sum(v <= 0 for v in values), sum(v >= 0 for v in values))
        assert each.p == pytest.approx(min(1, 2 * (1 + beyond) / 61)), name
    assert [name for name in found if found[name].sequences < 7] == ["ADQ", "R-AUC"]
    assert found["ADQ"].sequences == 2
    assert found["R-AUC"].sequences == 6


def test_the_means_are_those_of_the_reports():
    first, second = random_report(1), random_report(2)
    of_first, of_second = means(first.sequences), means(second.sequences)
    for each in compare(first, second).differences:
        assert each.first == pytest.approx(of_first[each.measure])
        assert each.second == pytest.approx(of_second[each.measure])


def test_identical_reports_do_not_differ():
    same = random_report(3)
    found = compare(same, same)
    assert found.settings == {}
    for each in found.differences:
        assert (each.low, each.high, each.p) == (0, 0, 1)
        few = each.sequences < FEWEST
        assert ("too few" if few else "no difference") in each.verdict


def test_the_order_of_videos_and_objects_says_nothing():
    first, second = random_report(1), random_report(2)
    turned = [replace(each, objects=each.objects[::-1]) for each in second.sequences[::-1]]
    assert compare(first, report(*turned)) == compare(first, second)
    turned = [replace(each, objects=each.objects[::-1]) for each in first.sequences[::-1]]
    assert compare(report(*turned), second) == compare(first, second)


def test_less_is_better_of_some_measures():
    first = [sequence(f"v{k}", tracked(1, [1.0, 1.0, 0.5, 0.5], (2,))) for k in range(6)]
    second = [sequence(f"v{k}", tracked(1, [1.0] * 4)) for k in range(6)]
    found = {each.measure: each for each in compare(report(*first), report(*second)).differences}
    assert found["J decay"].difference < 0
    assert found["J decay"].verdict.startswith("B is better by 0.")
    assert found["ACI"].difference < 0
    assert found["ACI"].verdict.startswith("B is better by ")
    assert found["J"].verdict.startswith("B is better by 0.250")


def test_only_what_both_have_is_compared():
    other = replace(tracked(3, [0.5, 0.5]), frames=(1, 3))  # judged in other frames
    first = report(
        sequence("a", tracked(1, [0.5, 0.5]), tracked(2, [0.1, 0.1]), other),
        sequence("b", tracked(1, [0.1])),
        sequence("c", tracked(1, [0.1])),
        size=480,
        seed=0,
    )
    second = report(
        sequence("a", tracked(1, [0.7, 0.7]), tracked(3, [0.5, 0.5]), tracked(4, [0.9])),
        sequence("c", tracked(2, [0.1])),
        sequence("d", tracked(1, [0.1])),
        size=240,
        seed=0,
        policy={},
    )
    found = compare(first, second)
    assert (found.sequences, found.objects) == (1, 1)
    assert (found.sequences_left_out, found.objects_left_out) == (3, 3)
    assert found.settings == {"size": (480, 240), "policy": (None, {})}
    (j,) = [each for each in found.differences if each.measure == "J"]
    assert (j.first, j.second) == pytest.approx((0.5, 0.7))
    assert j.verdict == "1 video is too few to tell: 6 or more may do"


def test_what_cannot_be_compared_is_one_sentence():
    first, second = report(sequence("a", tracked(1, [0.5]))), report(sequence("b"))
    with pytest.raises(LazyVosError, match="no object in common"):
        compare(first, second)
    with pytest.raises(LazyVosError, match="'NoC': choose from J&F, J, F"):
        compare(first, first, measures=["NoC"])
    without = replace(first.sequences[0], tracked=None)
    with pytest.raises(LazyVosError, match="compared by 'ACI'"):
        compare(first, report(without), measures=["J", "ACI"])
