"""Find from which uncertainty a tracker should ask, correct itself, and not remember.

A tracker follows the objects of videos whose masks are known, without help. Of each object in each
frame two things are kept: its score, which the lazy loop sees, and its region similarity J with the
truth, which it does not. From both follows which threshold would have called at the right time.

An object *slips* in a frame if its J falls by a sixth or more from the frame before to this one or
one of the next two: late enough that the tracker could know, early enough that a click still helps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from napari_lazyvos.benchmark.following import Moment, Prediction
from napari_lazyvos.benchmark.following import follow as follow_objects
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import jaccard
from napari_lazyvos.models.thresholds import Thresholds
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.uncertainty import region_scores

__all__ = [
    "THRESHOLDS",
    "Course",
    "Observations",
    "Table",
    "best_tau_memory",
    "best_tau_user",
    "choose_thresholds",
    "follow",
    "observe",
    "tabulate",
]

SLIP = 1 / 6  # of J ...
SOON = 2  # ... within so many more frames
WRONG = 0.5  # a mask of a lower J should rather not be remembered
PSEUDO_SHARE = 0.4  # of tau_user; Lazy-XMem, thesis sec. 6.8.3: 0.2 of 0.5

STEP = 0.001  # between thresholds that are tried
TRIED = np.round(np.arange(1, 1001) * STEP, 3)
THRESHOLDS = np.round(np.geomspace(0.02, 0.8, 17), 3)
"""Rises that a table shows."""


@dataclass(frozen=True, slots=True)
class Course:
    """One object on its way through one video, from the frame after its mask was given."""

    label: int
    scores: np.ndarray  # (N,) float64; of one frame after the other
    overlaps: np.ndarray  # (N,) float64, J with the truth; nan where there is none

    @property
    def rises(self) -> np.ndarray:
        """(N,) float64: score less that of the frame before; nan after a given mask."""
        return np.diff(self.scores, prepend=np.nan)

    @property
    def falls(self) -> np.ndarray:
        """(N,) float64: by how much J falls soon; nan where the truth is not known well enough.

        That is, where it is missing in the frame before, or in all of those in which J may fall.
        """
        known = np.nan_to_num(self.overlaps, nan=np.inf)
        soon = np.lib.stride_tricks.sliding_window_view(
            np.pad(known, (0, SOON), constant_values=np.inf), 1 + SOON
        )
        falls = np.full(len(known), np.nan)
        falls[1:] = self.overlaps[:-1] - soon.min(axis=1)[1:]
        return np.where(np.isfinite(falls), falls, np.nan)


@dataclass(frozen=True, slots=True)
class Observations:
    """What was seen of all objects in all videos, one element for each object in each frame."""

    frames: int  # in which anything was tracked
    scores: np.ndarray  # (N,) float64
    rises: np.ndarray  # (N,) float64; nan: there is none
    overlaps: np.ndarray  # (N,) float64, J with the truth; nan: not known
    falls: np.ndarray  # (N,) float64; see `Course.falls`

    @property
    def judged(self) -> np.ndarray:
        """(N,) bool: whether it is known if the object slips here."""
        judged: np.ndarray = np.isfinite(self.falls)
        return judged

    @property
    def slips(self) -> np.ndarray:
        """(N,) bool."""
        slips: np.ndarray = self.falls >= SLIP  # nan is not
        return slips


@dataclass(frozen=True, slots=True)
class Table:
    """What would have come of some values of tau_user; nan is a share of nothing."""

    thresholds: np.ndarray  # (M,) float64
    calls: np.ndarray  # (M,) float64: in 1000 frames; two objects in one frame are two calls
    right: np.ndarray  # (M,) float64 in [0, 1]: share of the judged calls at which an object slips
    found: np.ndarray  # (M,) float64 in [0, 1]: share of the slips at which there is a call


def follow(
    tracker: Tracker, moments: Iterable[tuple[np.ndarray, np.ndarray | None]]
) -> list[Course]:
    """Track all objects of a video without help, and note how sure and how right the tracker is.

    Parameters
    ----------
    tracker : Tracker
        With an empty memory.
    moments : iterable of (frame, truth)
        One frame after the other, (3, H, W) float32, RGB in [0, 1], each with its (H, W) integer
        label map, or with None if there is none of it. A label map without objects says that there
        are none.

    Returns
    -------
    list of Course
        None of an object that is given in the last frame.
    """
    scores: dict[int, list[float]] = {}
    overlaps: dict[int, list[float]] = {}

    def note(moment: Moment, prediction: Prediction) -> None:
        found, labels = prediction.label_map, prediction.labels
        for label, score in zip(
            labels, region_scores(prediction.entropy, found, labels), strict=True
        ):
            truth = moment.truth.get(label)
            overlap = np.nan if truth is None else jaccard(found == label, truth)
            scores.setdefault(label, []).append(score)
            overlaps.setdefault(label, []).append(overlap)

    follow_objects(tracker, _with_masks(moments), note)
    return [Course(label, np.array(scores[label]), np.array(overlaps[label])) for label in scores]


def _with_masks(moments: Iterable[tuple[np.ndarray, np.ndarray | None]]) -> Iterator[Moment]:
    """Yield the frames with a mask of each object that was shown up to then."""
    shown: set[int] = set()
    for t, (frame, truth) in enumerate(moments):
        masks = {}
        if truth is not None:
            shown |= set(np.unique(truth[truth > 0]).tolist())
            masks = {label: truth == label for label in sorted(shown)}
        yield Moment(t, frame, masks)


def observe(videos: Iterable[list[Course]]) -> Observations:
    """Collect what was seen in several videos, each as `follow` returns it."""
    kept = [courses for courses in videos if courses]
    every = [course for courses in kept for course in courses]
    frames = sum(max(len(course.scores) for course in courses) for courses in kept)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([np.zeros(0), *(getattr(course, name) for course in every)])

    return Observations(frames, *map(joined, ("scores", "rises", "overlaps", "falls")))


def tabulate(observed: Observations, thresholds: np.ndarray = THRESHOLDS) -> Table:
    """Say what would have come of asking at each of these rises.

    Parameters
    ----------
    observed : Observations
    thresholds : (M,) float

    Returns
    -------
    Table
    """
    calls, judged, hits = _calls(observed, thresholds)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Table(
            np.asarray(thresholds, float),
            1000 * calls / np.float64(observed.frames),
            hits / judged,
            hits / np.float64(observed.slips.sum()),
        )


def choose_thresholds(observed: Observations, *, calls: float | None = None) -> Thresholds:
    """Choose all three thresholds.

    tau_pseudo is 0.4 of tau_user, as in Lazy-XMem (0.2 and 0.5): what a pseudo-correction does to
    a mask is not seen when a video is tracked without help.

    Parameters
    ----------
    observed : Observations
    calls : float, optional
        Calls in 1000 frames that are welcome; see `best_tau_user`.

    Raises
    ------
    LazyVosError
        If nothing can be learnt from these videos.
    """
    user = best_tau_user(observed, calls=calls)
    pseudo = None if user is None else round(PSEUDO_SHARE * user, 4)
    return Thresholds(user, pseudo, best_tau_memory(observed))


def best_tau_user(observed: Observations, *, calls: float | None = None) -> float | None:
    """Choose the rise from which to ask, in steps of 0.001 up to 1.

    Parameters
    ----------
    observed : Observations
    calls : float, optional
        Choose the lowest rise that would have called at most so often in 1000 frames. Without it,
        the one of the greatest F1, the harmonic mean of the share of calls that were right and the
        share of slips that were found; of neighbours that are equal, the one in the middle.

    Returns
    -------
    float or None
        None, never, if even a rise of 1 would have called too often.

    Raises
    ------
    LazyVosError
        If no object had a rise; or without `calls`, if there was no slip that a rise tells of.
    """
    if not np.isfinite(observed.rises).any():
        raise LazyVosError(
            "no object was tracked for two frames, so no score could rise: use longer videos, or "
            "masks that begin earlier."
        )
    alarms, judged, hits = _calls(observed, TRIED)
    if calls is not None:
        few = np.flatnonzero(1000 * alarms <= calls * observed.frames)
        return float(TRIED[few[0]]) if len(few) else None
    if not observed.judged.any():
        raise LazyVosError(
            "there are no two neighbouring frames with masks by which to judge the tracker: give "
            "masks of more frames, or choose with --calls."
        )
    if not hits.any():
        raise LazyVosError(
            f"of {observed.slips.sum()} slips none was told by a rise of the score, so these "
            "videos do not show when to ask: add videos in which the tracker fails, or choose "
            "with --calls."
        )
    return float(TRIED[_middle_of_best(2 * hits / (judged + observed.slips.sum()))])


def best_tau_memory(observed: Observations) -> float | None:
    """Choose the score from which a frame is not written to memory, in steps of 0.001.

    From it on at least half of the masks have a J below 0.5; and that holds, too, of those between
    it and any higher score. That is the score with the greatest surplus of such masks over others.

    Returns
    -------
    float or None
        None if there is no score from which most masks are so wrong.
    """
    known = np.isfinite(observed.overlaps)
    scores, wrong = observed.scores[known], observed.overlaps[known] < WRONG
    tried = np.round(np.arange(1, 2 + int(scores.max(initial=0.0) / STEP)) * STEP, 3)
    surplus = _at_least(scores[wrong], tried) - _at_least(scores[~wrong], tried)
    best = _middle_of_best(surplus)
    return float(tried[best]) if surplus[best] > 0 else None


def _calls(
    observed: Observations, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many calls there are at each threshold, how many judged, how many right."""
    rises = np.nan_to_num(observed.rises, nan=-np.inf)
    of = (rises, rises[observed.judged], rises[observed.slips])
    calls, judged, right = (_at_least(values, thresholds) for values in of)
    return calls, judged, right


def _at_least(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return how many of the values are at each threshold or above it."""
    return len(values) - np.searchsorted(np.sort(values), thresholds)


def _middle_of_best(gains: np.ndarray) -> int:
    """Return where the greatest gain is; of neighbours that are equal, the middle one."""
    first = int(gains.argmax())
    others = np.flatnonzero(gains[first:] != gains[first])
    return first + (int(others[0]) - 1 if len(others) else len(gains) - first - 1) // 2
