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

from training.data import SPANS, Clips, Generator
from training.loading import endless
from training.tracker.rollout import Batch, flows

__all__ = ["Stage", "batch_of", "batches"]

MOST_OBJECTS = 3
COARSE = 0.3  # share of first masks that are spoiled
ASTRAY = 0.3  # share of clips that have lost the way to their first frame


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the curriculum."""

    until: float  # share of the planned time at which it ends
    clips: int  # in a batch
    frames: int
    size: int
    spans: tuple[float, float] = SPANS  # extents of object 1, in sides of the clip


def batches(
    shared: Path, stage: Stage, *, seed: int, start: int, workers: int, split: str = "train"
) -> Iterator[Batch]:
    """Return batches without end, from number `start`."""
    how = {"size": stage.size, "frames": stage.frames, "spans": stage.spans, "split": split}
    make = partial(_make, stage.clips, seed)
    return endless(make, start=start, workers=workers, source=shared, seed=seed, **how)


def _make(clips: int, seed: int, generator: Generator, number: int) -> Batch:
    return batch_of(generator.batch(clips), np.random.default_rng((seed, number)))


def batch_of(made: Clips, rng: np.random.Generator) -> Batch:
    """Return clips with what a tracker needs beside them."""
    back, forth = flows(made.frames)
    labels = torch.where(made.labels > MOST_OBJECTS, 0, made.labels)
    first = torch.stack([_spoil(each, rng) for each in labels[:, 0]])
    return Batch(made.frames, labels, first, back, forth, _astray(len(labels), rng))


def _astray(clips: int, rng: np.random.Generator) -> Tensor:
    """Return how far off the ways to the first frames are: mostly not at all."""
    off = rng.normal(0, 8, (clips, 2)) * (rng.random((clips, 1)) < ASTRAY)
    return torch.from_numpy(off).float()


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
