"""Stills for the click network, each with one object that somebody means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data import Generator
from training.loading import endless

__all__ = ["SPANS", "Stage", "Stills", "stills"]

SPANS = (0.06, 0.9)
"""Extents of object 1, in sides of the crop."""


@dataclass(frozen=True, slots=True)
class Stills:
    """A batch."""

    images: Tensor  # (B, 3, h, w) float32 in [0, 1]
    truths: Tensor  # (B, h, w) bool, not empty
    number: int  # of the batch: seeds the clicks


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the curriculum."""

    until: float  # share of the planned time at which it ends
    clips: int  # in a batch
    size: int  # side in pixels


def stills(
    shared: Path, stage: Stage, *, seed: int, start: int, workers: int, split: str = "train"
) -> Iterator[Stills]:
    """Return batches without end, from number `start`."""
    how = {"size": stage.size, "frames": 1, "spans": SPANS, "split": split}
    make = partial(_make, stage.clips, seed)
    return endless(make, start=start, workers=workers, source=shared, seed=seed, **how)


def _make(clips: int, seed: int, generator: Generator, number: int) -> Stills:
    made = generator.batch(clips)
    rng = np.random.default_rng((seed, number))
    truths = torch.stack([_mean_one(labels[0], rng) for labels in made.labels])
    return Stills(made.frames[:, 0], truths, number)


def _mean_one(labels: Tensor, rng: np.random.Generator) -> Tensor:
    """Choose the object that is meant: mostly the first, which is always there."""
    there = [int(k) for k in labels.unique() if k and int((labels == k).sum()) >= 40]
    label = 1 if 1 in there and rng.random() < 0.6 else there[int(rng.integers(len(there)))]
    return labels == label
