"""Thresholds that can be worked out by hand, from a tracker that says what it is told to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.benchmark.calibration import (
    THRESHOLDS,
    Course,
    best_tau_memory,
    best_tau_user,
    choose_thresholds,
    follow,
    observe,
    tabulate,
)
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.thresholds import Thresholds
from napari_lazyvos.video import open_video, samples

NOT_KNOWN = np.nan


class ScriptedTracker:
    """Finds each object in as much of its 10 x 10 pixels, and as unsurely, as its script says.

    Of label k these are the columns from 20 (k - 1) on. `script[k][t]` is the J to reach, and the
    share of the found pixels of which it is as unsure as can be. So that share is the score.
    """

    name = "scripted"
    device = torch.device("cpu")
    memory_frames = ()

    def __init__(self, script: dict[int, list[tuple[float, float]]]) -> None:
        self.script = script
        self.labels: tuple[int, ...] = ()
        self.commits: list[tuple[int, tuple[int, ...], bool]] = []
        self.remembered: torch.Tensor | None = None

    def step(self, frame: np.ndarray) -> torch.Tensor:
        t = round(float(frame.max()))
        probabilities = torch.zeros((1 + len(self.labels), 10, 60))
        for row, label in enumerate(self.labels, start=1):
            overlap, score = self.script[label][t]
            columns = round(10 * overlap)
            part = probabilities[row, :, 20 * (label - 1) :][:, :columns]
            part[:] = 1.0
            part[: round(10 * score)] = 0.500001
        probabilities[0] = 1 - probabilities.sum(dim=0)
        return probabilities

    def commit(self, t, frame, probabilities, labels, *, permanent=False) -> None:
        self.commits.append((t, labels, permanent))
        self.labels = labels
        self.remembered = probabilities

    def forget(self, label) -> None:
        raise AssertionError("nothing is to be forgotten")

    def snapshot(self) -> dict[str, Any]:
        raise AssertionError("nothing is to be taken back")

    def restore(self, snapshot) -> None:
        raise AssertionError("nothing is to be taken back")


def truth(*labels: int) -> np.ndarray:
    """Return a label map (10, 60) with these objects where `ScriptedTracker` has them."""
    labels_of_pixels = np.zeros((10, 60), np.uint8)
    for label in labels:
        labels_of_pixels[:, 20 * (label - 1) :][:, :10] = label
    return labels_of_pixels


def moments(*truths: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Return frames that are as bright as their number, each with its truth."""
    return [(np.full((3, 10, 60), t, np.float32), known) for t, known in enumerate(truths)]


def course(overlaps: list[float], scores: list[float]) -> Course:
    return Course(1, np.array(scores, float), np.array(overlaps, float))


CALLED = course([1, 1, 1, 0.8, 0.8, 0.8], [0.125, 0.125, 0.5, 0.5, 0.5, 0.5])
"""Slips in its second to fourth frame; in the third the score rises by .375."""
CALM = course([1, 1, 1, 1], [0.125, 0.375, 0.125, 0.125])
"""Does not slip; the score rises by .25."""


def test_an_object_is_given_once_and_then_watched():
    told = [(1, 0.1), (1, 0.1), (1, 0.4), (0.8, 0.4), (0.8, 0.2), (0.8, 0.2)]
    tracker = ScriptedTracker({1: told})
    (found,) = follow(tracker, moments(*[truth(1)] * 6))
    assert found.label == 1
    assert found.scores == pytest.approx([0.1, 0.4, 0.4, 0.2, 0.2], abs=1e-3)
    assert found.overlaps == pytest.approx([1, 1, 0.8, 0.8, 0.8])
    assert found.rises == pytest.approx([np.nan, 0.3, 0, -0.2, 0], abs=1e-3, nan_ok=True)
    assert found.falls == pytest.approx([np.nan, 0.2, 0.2, 0, 0], nan_ok=True)
    assert tracker.commits == [(t, (1,), t == 0) for t in range(6)]


def test_frames_without_masks_are_tracked_but_not_judged():
    told = [(1, 0.1)] * 6 + [(0.5, 0.1)] * 2
    tracker = ScriptedTracker({1: told})
    known = [None, truth(), truth(1), truth(1), None, None, None, truth(1)]
    (found,) = follow(tracker, moments(*known))
    assert [t for t, *_ in tracker.commits] == [2, 3, 4, 5, 6, 7]  # the first mask is in frame 2
    assert len(found.scores) == 5
    assert found.overlaps == pytest.approx([1, *[np.nan] * 3, 0.5], nan_ok=True)
    # After frame 3, which is known, nothing is for three frames; before frame 7 nothing is.
    assert np.isnan(found.falls).all()
    observed = observe([[found]])
    assert (observed.frames, observed.judged.sum(), observed.slips.sum()) == (5, 0, 0)
    assert np.isfinite(observed.rises).sum() == 4


def test_a_fall_is_seen_over_a_frame_without_a_mask():
    falls = course([1, NOT_KNOWN, 0.5, 0.5], [0, 0, 0, 0]).falls
    assert falls == pytest.approx([np.nan, 0.5, np.nan, 0], nan_ok=True)


def test_a_later_object_is_given_when_it_appears():
    told = [(1, 0.1)] * 5
    tracker = ScriptedTracker({1: told, 3: told})
    first, later = follow(tracker, moments(*[truth(1)] * 2, *[truth(1, 3)] * 3))
    assert (first.label, later.label) == (1, 3)
    assert (len(first.scores), len(later.scores)) == (4, 2)
    assert np.isnan(later.rises).tolist() == [True, False]
    assert np.isnan(first.rises).tolist() == [True, False, False, False]
    given = [(0, (1,), True), (2, (1, 3), True)]
    assert [commit for commit in tracker.commits if commit[2]] == given
    assert observe([[first, later]]).frames == 4


def test_what_is_remembered_of_a_later_object_is_its_given_mask():
    tracker = ScriptedTracker({1: [(0.8, 0.1)] * 2})
    courses = follow(tracker, moments(truth(1), truth(1, 2)))
    assert [each.label for each in courses] == [1]  # the other was never tracked
    assert tracker.remembered is not None
    assert np.array_equal(tracker.remembered[2].numpy(), truth(2) > 0)
    assert int((tracker.remembered[1] > 0.5).sum()) == 80  # as it was tracked, not as it is


def test_an_object_that_is_gone_is_found_right_by_no_mask():
    tracker = ScriptedTracker({1: [(1, 0), (0, 0), (0.5, 0)]})
    (found,) = follow(tracker, moments(truth(1), truth(), truth()))
    assert found.overlaps.tolist() == [1, 0]
    assert found.scores.tolist() == [0, 0]


def test_the_table_by_hand():
    table = tabulate(observe([[CALLED], [CALM]]), np.array([0.1, 0.3, 0.4]))
    assert table.calls == pytest.approx([200, 100, 0])  # 2, 1 and 0 in 10 frames
    assert table.right == pytest.approx([1 / 2, 1, np.nan], nan_ok=True)
    assert table.found == pytest.approx([1 / 3, 1 / 3, 0])
    # Two objects of one video share its frames, and are two calls.
    table = tabulate(observe([[CALLED, CALM]]), np.array([0.1]))
    assert table.calls == pytest.approx([1000 * 2 / 6])


def test_the_best_trade_off_lies_amid_those_that_are_as_good():
    # F1 is 2 / 5 up to a rise of .25, then 2 / 4 up to .375, then 0.
    observed = observe([[CALLED], [CALM]])
    assert best_tau_user(observed) == 0.313  # amid .251 and .375
    assert choose_thresholds(observed) == Thresholds(0.313, 0.1252, None)


def test_as_many_calls_as_are_welcome():
    observed = observe([[CALLED], [CALM]])
    assert best_tau_user(observed, calls=100) == 0.251
    assert best_tau_user(observed, calls=99) == 0.376
    assert best_tau_user(observed, calls=0) == 0.376
    assert best_tau_user(observed, calls=200) == 0.001
    restless = observe([[course([1, 1], [0.5, 2.0])]])  # a small object's score may exceed 1
    assert best_tau_user(restless, calls=1) is None
    assert choose_thresholds(restless, calls=1) == Thresholds(None, None, None)


def test_the_score_from_which_most_masks_are_wrong():
    fine = course([0.9, 0.9, 0.9, 0.9], [0.1, 0.25, 0.25, 0.5])
    wrong = course([0.4, 0.4, 0.2, NOT_KNOWN], [0.1, 0.75, 1.5, 3.0])
    assert best_tau_memory(observe([[fine], [wrong]])) == 0.625  # amid .501 and .75
    assert best_tau_memory(observe([[fine]])) is None
    # One wrong mask does not outweigh three right ones, however low it is.
    assert best_tau_memory(observe([[fine], [course([0.4], [0.1])]])) is None
    # Nor does a surplus of wrong masks far above excuse those below, where most are right.
    unlucky = course([0.4, 0.9, 0.9], [0.3, 0.4, 0.4])
    assert best_tau_memory(observe([[unlucky], [course([0.1] * 9, [0.8] * 9)]])) == 0.6


def test_videos_that_teach_nothing_get_a_sentence():
    with pytest.raises(LazyVosError, match="use longer videos"):
        best_tau_user(observe([]))
    with pytest.raises(LazyVosError, match="use longer videos"):
        best_tau_user(observe([[course([1], [0.1])], []]), calls=10)
    with pytest.raises(LazyVosError, match=r"of 0 slips .* choose with --calls"):
        best_tau_user(observe([[CALM]]))
    unseen = course([1, 1, 0.5, 0.5], [0.5, 0.5, 0.25, 0.125])
    with pytest.raises(LazyVosError, match=r"of 2 slips .* choose with --calls"):
        best_tau_user(observe([[unseen]]))
    unknown = course([1, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN], [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(LazyVosError, match="no two neighbouring frames with masks"):
        best_tau_user(observe([[unknown]]))
    assert best_tau_user(observe([[unknown]]), calls=1000) == 0.001


def test_a_real_tracker_is_measured():
    frames, labels = samples.cells(6, 96, 112)
    video = open_video(frames)
    moments = [(video.frame(t), labels[t]) for t in range(6)]
    courses = follow(trackers.load("handcrafted", device="cpu"), moments)
    assert {each.label for each in courses} == set(np.unique(labels[:-1])) - {0}
    observed = observe([courses])
    assert observed.frames == 5
    assert observed.overlaps.mean() > 0.6
    assert (observed.scores > 0).any()
    calls = tabulate(observed).calls
    assert len(calls) == len(THRESHOLDS)
    assert (np.diff(calls) <= 0).all()
