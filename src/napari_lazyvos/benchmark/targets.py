"""What is to be followed in a clip: where each object is given, and where it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import contour_accuracy, jaccard

__all__ = ["Judgement", "Target", "find_targets", "judge"]


@dataclass(frozen=True, slots=True)
class Target:
    """One object, from the frame in which the references show it first."""

    label: int
    given: int  # that frame
    area: int  # of its mask there, in pixels
    end: int  # its last frame: the last one in which it is known, or else that of the video
    judged: tuple[int, ...]  # later frames in which it is known whether and where it is


@dataclass(frozen=True, slots=True)
class Judgement:
    """How an object was found in the frames in which it is judged; N of them."""

    region: tuple[float, ...]  # (N,) J
    contour: tuple[float, ...]  # (N,) F
    present: tuple[bool, ...]  # (N,) the references have it
    predicted: tuple[bool, ...]  # (N,) its mask is not empty


def find_targets(clip: Clip, frames: int, *, most: int | None = None) -> tuple[Target, ...]:
    """Look through all references for the objects that are to be followed.

    Parameters
    ----------
    clip : Clip
    frames : int, of its video
    most : int, optional
        Only so many objects: those that appear first, and of equals the largest.

    Returns
    -------
    tuple of Target, sorted by label

    Raises
    ------
    LazyVosError
        If the references show no object at all.
    """
    given: dict[int, tuple[int, int]] = {}
    judged: dict[int, list[int]] = {}
    for t in range(frames):
        for label, mask in clip.references.at(t).items():
            if label in given:
                judged[label].append(t)
            elif area := int(np.count_nonzero(mask)):
                given[label], judged[label] = (t, area), []
    if not given:
        raise LazyVosError(f"the references of {clip.name} show no object: leave it out.")
    kept = sorted(given, key=lambda label: (given[label][0], -given[label][1], label))[:most]
    stop = None if clip.judge_last else -1
    return tuple(
        Target(k, *given[k], max(judged[k], default=frames - 1), tuple(judged[k][:stop]))
        for k in sorted(kept)
    )


def judge(
    clip: Clip, targets: tuple[Target, ...], found: Callable[[int], np.ndarray]
) -> dict[int, Judgement]:
    """Compare masks with the references.

    Parameters
    ----------
    clip : Clip
    targets : of this clip
    found : t -> (H, W) integer label map that was predicted

    Returns
    -------
    Judgement of each label
    """
    columns: dict[int, list[tuple[float, float, bool, bool]]] = {k.label: [] for k in targets}
    by_frame: dict[int, list[int]] = {}
    for target in targets:
        for t in target.judged:
            by_frame.setdefault(t, []).append(target.label)
    for t in sorted(by_frame):
        references, label_map = clip.references.at(t), found(t)
        for label in by_frame[t]:
            columns[label].append(_compare(label_map == label, references[label]))
    return {
        label: Judgement(*zip(*rows, strict=True)) if rows else Judgement((), (), (), ())
        for label, rows in columns.items()
    }


def _compare(mask: np.ndarray, truth: np.ndarray) -> tuple[float, float, bool, bool]:
    present, predicted = bool(truth.any()), bool(mask.any())
    return jaccard(mask, truth), contour_accuracy(mask, truth), present, predicted
