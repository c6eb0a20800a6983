"""Clips for the tracker, with the flow between their frames and first masks that may be coarse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.trackers.windowed.flow import warp
from training.data import SPANS, Clips, Generator
from training.loading import endless
from training.tracker.rollout import Batch, flows

__all__ = ["Stage", "batch_of", "batches"]

MOST_OBJECTS = 3
COARSE = 0.3  # share of first masks that are spoiled
ASTRAY = 0.2  # share of clips that have lost the way to their first frame
LONG_AGO = 0.75  # share of clips that begin long after their first frame
WRONG = 0.5  # share of objects that are wrong by then


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the curriculum."""

    until: float  # share of the planned time at which it ends
    clips: int  # in a batch
    frames: int  # in a clip, beside the first
    size: int
    spans: tuple[float, float] = SPANS  # extents of object 1, in sides of the clip
    gap: int = 0  # most frames that pass between the first and the next


def batches(
    shared: Path, stage: Stage, *, seed: int, start: int, workers: int, split: str = "train"
) -> Iterator[Batch]:
    """Return batches without end, from number `start`."""
    how = {"size": stage.size, "spans": stage.spans, "split": split}
    make = partial(_make, stage, seed)
    frames = stage.gap + stage.frames
    return endless(
        make, start=start, workers=workers, source=shared, seed=seed, frames=frames, **how
    )


def _make(stage: Stage, seed: int, generator: Generator, number: int) -> Batch:
    rng = np.random.default_rng((seed, number))
    return batch_of(generator.batch(stage.clips), rng, stage.frames)


def batch_of(made: Clips, rng: np.random.Generator, frames: int) -> Batch:
    """Return clips with what a tracker needs beside them.

    Parameters
    ----------
    made : Clips
        Of `frames` frames, or more: then most begin somewhere within.
    rng : numpy Generator
    frames : how many there are in a clip, beside the first
    """
    gap = made.frames.shape[1] - frames
    parts = [
        _begin(film, labels, _start(gap, rng), frames, rng)
        for film, labels in zip(made.frames, made.labels, strict=True)
    ]
    return Batch(*(torch.stack(each) for each in zip(*parts, strict=True)))


def _start(gap: int, rng: np.random.Generator) -> int:
    """Draw how many frames pass before a clip is tracked."""
    return int(rng.integers(gap + 1)) if rng.random() < LONG_AGO else 0


def _begin(
    film: Tensor, labels: Tensor, start: int, frames: int, rng: np.random.Generator
) -> tuple[Tensor, ...]:
    """Cut out the parts of a batch, for a clip that is tracked from frame `start` on."""
    film, labels = film[: start + frames], labels[: start + frames]
    labels = torch.where(labels > MOST_OBJECTS, 0, labels)
    back, forth = (each[0] for each in flows(film[None]))
    first = _spoil(labels[0], rng)
    begun = _mistaken(labels[start], first, rng) if start else first
    drift = torch.zeros_like(film[0, :2]) + _astray(rng)
    for step in back[:start]:
        drift = step + warp(drift, step)
    shown = torch.tensor([0, *range(start, start + frames)])
    return film[shown], labels[shown], first, begun, drift, back[start:], forth[start:]


def _astray(rng: np.random.Generator) -> Tensor:
    """Return how far off the way to the first frame is, (2, 1, 1): mostly not at all."""
    off = rng.normal(0, 8, (2, 1, 1)) * (rng.random() < ASTRAY)
    return torch.from_numpy(off).float()


def _mistaken(labels: Tensor, first: Tensor, rng: np.random.Generator) -> Tensor:
    """Return masks as a tracker has them after a while: of what was shown, and often wrong."""
    known = np.unique(first)
    truth = np.where(np.isin(labels, known), labels, 0).astype(np.uint8)
    result = truth.copy()
    for label in known[known > 0]:
        mask = (truth == label).astype(np.uint8)
        if mask.any() and rng.random() < WRONG:
            result[mask > 0] = 0
            result[_drifted(mask, rng) > 0] = label
    return torch.from_numpy(result)


def _drifted(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move a mask a little, change its outline, and give it a piece or take one away."""
    extent = np.sqrt(mask.sum())
    by = rng.normal(0, 0.05 * extent, 2)
    mask = cv2.warpAffine(mask, np.array([[1, 0, by[0]], [0, 1, by[1]]]), mask.shape[::-1])
    if not mask.any():
        return mask
    if rng.random() < 0.5:
        mask = _coarse(mask, rng)
    if rng.random() < 0.6:
        rows, columns = np.nonzero(mask ^ cv2.erode(mask, np.ones((3, 3), np.uint8)))
        at = rng.integers(len(rows))
        axes = (extent * rng.uniform(0.08, 0.35, 2)).astype(int) + 1
        piece = (int(columns[at]), int(rows[at])), axes.tolist(), rng.uniform(0, 180), 0, 360
        mask = cv2.ellipse(mask, *piece, int(rng.integers(2)), -1)
    return mask


def _spoil(labels: Tensor, rng: np.random.Generator) -> Tensor:
    """Make the first masks of one clip as coarse as a person or a click would leave them."""
    if rng.random() > COARSE:
        return labels
    picture = labels.numpy()
    spoiled = np.zeros_like(picture)
    for label in np.unique(picture[picture > 0]):
        mask = (picture == label).astype(np.uint8)
        spoiled[_coarse(mask, rng) > 0] = label
    return torch.from_numpy(spoiled)


def _coarse(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grow, shrink, or round off a mask; never to nothing."""
    side = 1 + 2 * int(rng.integers(1, 2 + int(np.sqrt(mask.sum()) / 12)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    way = rng.integers(3)
    if way == 0:
        result = cv2.dilate(mask, kernel)
    elif way == 1:
        result = cv2.erode(mask, kernel)
    else:
        smaller = [max(1, length // side) for length in mask.shape[::-1]]
        small = cv2.resize(mask.astype(np.float32), smaller, interpolation=cv2.INTER_AREA)
        result = (cv2.resize(small, mask.shape[::-1]) > 0.5).astype(np.uint8)
    return result if result.any() else mask
