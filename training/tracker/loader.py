"""Batches for the tracker, made beside the training in processes of their own."""

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
from training.tracker.rollout import Batch, flows

__all__ = ["Stage", "batches"]

MOST_OBJECTS = 3
COARSE = 0.3  # share of first masks that are spoiled


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the curriculum."""

    until: float  # share of the planned time at which it ends
    clips: int  # in a batch
    frames: int
    size: int


class _Batches(IterableDataset[Batch]):
    """Batches number `start`, `start` + 1 and so on, for ever; several workers share them."""

    def __init__(self, shared: Path, stage: Stage, seed: int, start: int, split: str) -> None:
        self.shared, self.stage, self.seed, self.start, self.split = (
            shared, stage, seed, start, split,
        )  # fmt: skip

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        worker = get_worker_info()
        number, step = (worker.id, worker.num_workers) if worker else (0, 1)
        stage = self.stage
        generator = Generator(
            self.shared, seed=self.seed, size=stage.size, frames=stage.frames, split=self.split
        )
        generator.skip(self.start + number)
        number += self.start
        while True:
            clips = generator.batch(stage.clips)
            back, forth = flows(clips.frames)
            labels = torch.where(clips.labels > MOST_OBJECTS, 0, clips.labels)
            rng = np.random.default_rng((self.seed, number))
            first = torch.stack([_spoil(each, rng) for each in labels[:, 0]])
            yield Batch(clips.frames, labels, first, back, forth)
            generator.skip(step - 1)
            number += step


def batches(
    shared: Path, stage: Stage, *, seed: int, start: int, workers: int, split: str = "train"
) -> Iterator[Batch]:
    """Return batches without end, from number `start`."""
    source = _Batches(shared, stage, seed, start, split)
    return iter(
        DataLoader(
            source, batch_size=None, num_workers=workers, prefetch_factor=None if not workers else 3
        )
    )


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
        factor = max(2, side)
        small = cv2.resize(
            mask.astype(np.float32),
            None,
            fx=1 / factor,
            fy=1 / factor,
            interpolation=cv2.INTER_AREA,
        )
        result = (cv2.resize(small, mask.shape[::-1]) > 0.5).astype(np.uint8)
    return result if result.any() else mask
