"""Stills for the click network, made beside the training in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.data import Generator

__all__ = ["SPANS", "Stage", "Stills", "stills"]

SPANS = (0.06, 0.9)
"""Extents of object 1, in sides of the crop."""


@dataclass(frozen=True, slots=True)
class Stills:
    """Images, each with one object that somebody means."""

    images: Tensor  # (B, 3, h, w) float32 in [0, 1]
    truths: Tensor  # (B, h, w) bool, not empty
    number: int  # of the batch: seeds the clicks


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the curriculum."""

    until: float  # share of the planned time at which it ends
    clips: int  # in a batch
    size: int  # side in pixels


class _Stills(IterableDataset[Stills]):
    def __init__(self, shared: Path, stage: Stage, seed: int, start: int, split: str) -> None:
        self.shared, self.stage, self.seed = shared, stage, seed
        self.start, self.split = start, split

    def __iter__(self) -> Iterator[Stills]:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        worker = get_worker_info()
        number, step = (worker.id, worker.num_workers) if worker else (0, 1)
        generator = Generator(
            self.shared,
            seed=self.seed,
            size=self.stage.size,
            frames=1,
            split=self.split,
            spans=SPANS,
        )
        number += self.start
        generator.skip(number)
        while True:
            made = generator.batch(self.stage.clips)
            rng = np.random.default_rng((self.seed, number))
            truths = torch.stack([_mean_one(labels[0], rng) for labels in made.labels])
            yield Stills(made.frames[:, 0], truths, number)
            generator.skip(step - 1)
            number += step


def stills(
    shared: Path, stage: Stage, *, seed: int, start: int, workers: int, split: str = "train"
) -> Iterator[Stills]:
    """Return batches without end, from number `start`."""
    source = _Stills(shared, stage, seed, start, split)
    return iter(DataLoader(source, batch_size=None, num_workers=workers))


def _mean_one(labels: Tensor, rng: np.random.Generator) -> Tensor:
    """Choose the object that is meant: mostly the first, which is always there."""
    there = [int(k) for k in labels.unique() if k and int((labels == k).sum()) >= 40]
    label = 1 if 1 in there and rng.random() < 0.6 else there[int(rng.integers(len(there)))]
    return labels == label
