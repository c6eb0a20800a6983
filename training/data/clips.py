"""Clips of moving objects, composed from labelled pictures (thesis sec. 3.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data import crowd, echo, slices, worms
from training.data.camera import record, scope
from training.data.pictures import Picture, load
from training.data.scenes import PROCEDURAL, Scenes
from training.data.take import Film, Take

__all__ = ["FAMILIES", "SPANS", "Clips", "Generator"]

FAMILIES = {
    "natural": 0.35,
    "nuclei": 0.09,
    "cells": 0.03,
    "crowd": 0.16,
    "worms": 0.04,
    "echo": 0.10,
    "scan": 0.01,
    "slices": 0.07,
    "heart": 0.02,
    "stack": 0.07,
    "organs": 0.01,
    "tissue": 0.05,
}
"""How often each is drawn: natural 35 %, microscopy 32, ultrasound 11, scans 17, endoscopy 5."""

_DRAWN = {"crowd": crowd.film, "worms": worms.film, "echo": echo.film, "slices": slices.film}
"""Those that are drawn anew in each frame; the others are pictures that move."""
LEAST_SEEN = 40  # pixels of object 1 in the first frame
SPANS = (0.18, 0.65)  # extent of object 1, in sides of the clip


@dataclass(frozen=True, slots=True)
class Clips:
    """A batch."""

    frames: Tensor  # (B, T, 3, h, w) float32 in [0, 1]
    labels: Tensor  # (B, T, h, w) uint8: 0 background, 1 to 4 objects; what is seen of them
    families: tuple[str, ...]


class Generator:
    """Makes clips; batch number n depends on nothing but n and the arguments, bit for bit.

    Parameters
    ----------
    source : Path or dict
        The folder of the developers' data, or pictures by family; families that are drawn need
        neither.
    seed : int
    size, frames : side in pixels, and length, of each clip
    device : where the batches are put; they are made on the CPU
    families : names from `FAMILIES`, or of the pictures that are given; None are all of the former
    split : "train" or "held-out", of the pictures that are used
    spans : smallest and largest extent of object 1 in the first frame, in sides of the clip
    """

    def __init__(
        self,
        source: Path | dict[str, list[Picture]],
        *,
        seed: int,
        size: int = 128,
        frames: int = 3,
        device: torch.device | str = "cpu",
        families: Sequence[str] | None = None,
        split: str = "train",
        spans: tuple[float, float] = SPANS,
    ) -> None:
        self._pictures = source if isinstance(source, dict) else _load(source, split)
        self._seed, self._size, self._frames = seed, size, frames
        self._device = torch.device(device)
        self._names = _makeable(self._pictures, families)
        shares = np.array([FAMILIES.get(name, 1.0) for name in self._names])
        self._shares = shares / shares.sum()
        self._take = Take(size, frames, spans)
        self._scenes = Scenes(self._take, self._pictures, self._names)
        self._number = 0

    def skip(self, batches: int) -> None:
        """Leave so many batches out."""
        self._number += batches

    def batch(self, clips: int) -> Clips:
        """Make the next batch."""
        rng = np.random.default_rng((self._seed, self._number))
        self._number += 1
        made = [self._clip(rng) for _ in range(clips)]
        frames = torch.from_numpy(np.stack([frames for frames, _, _ in made]))
        labels = torch.from_numpy(np.stack([labels for _, labels, _ in made]))
        families = tuple(family for _, _, family in made)
        frames = frames.permute(0, 1, 4, 2, 3).contiguous()
        return Clips(frames.to(self._device), labels.to(self._device), families)

    def _clip(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        family = str(rng.choice(self._names, p=self._shares))
        while True:
            frames, labels = self._film(rng, family)
            if (labels[0] == 1).sum() >= LEAST_SEEN:
                break
        frames = frames / np.float32(255)
        if family == "tissue":
            frames = scope(rng, frames)
        return record(rng, frames), labels, family

    def _film(self, rng: np.random.Generator, family: str) -> Film:
        if family in _DRAWN:
            return _DRAWN[family](rng, self._take)
        return self._scenes.film(rng, family)


@cache
def _load(shared: Path, split: str) -> dict[str, list[Picture]]:
    return load(shared, split)


def _makeable(pictures: dict[str, list[Picture]], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the families; raise ValueError where one cannot be made.

    Data that are missing must not go unseen: training would run on drawn clips alone.
    """
    names = tuple(wanted or FAMILIES)
    made = {*PROCEDURAL, *_DRAWN, *(n for n, some in pictures.items() if some)} - {"grounds"}
    if missing := [n for n in names if n not in made]:
        raise ValueError(f"unknown families, or ones without pictures: {missing}")
    return names
