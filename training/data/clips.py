"""Clips of moving objects, composed from labelled pictures (thesis sec. 3.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from training.data import procedural
from training.data.camera import record
from training.data.motion import Motion
from training.data.pictures import Picture, load

__all__ = ["FAMILIES", "Clips", "Generator"]

FAMILIES = {
    "natural": 0.46,
    "nuclei": 0.16,
    "cells": 0.14,
    "organs": 0.07,
    "scan": 0.06,
    "tissue": 0.03,
    "heart": 0.08,
}
"""How often each is drawn."""

_PROCEDURAL = {
    "cells": procedural.cells,
    "organs": procedural.organs,
    "scan": procedural.scan,
    "tissue": procedural.tissue,
}
_IN_PLACE = ("heart", "organs", "scan")  # their objects cannot be cut out and moved
_CUT_OUT = ("natural", "nuclei")  # whose objects join the first one
MOST_OBJECTS = 4
LEAST_SEEN = 40  # pixels of object 1 in the first frame
SPANS = (0.18, 0.65)  # extent of object 1, in sides of the clip


@dataclass(frozen=True, slots=True)
class Clips:
    """A batch."""

    frames: Tensor  # (B, T, 3, h, w) float32 in [0, 1]
    labels: Tensor  # (B, T, h, w) uint8: 0 background, 1 to 4 objects; what is seen of them
    families: tuple[str, ...]


@dataclass(slots=True)
class _Actor:
    """An object that was cut out, and how it moves."""

    picture: Picture
    alpha: np.ndarray  # (H, W) float32
    origin: tuple[float, float]  # of the object, in the picture
    label: int  # 0: a distractor
    motion: Motion


class Generator:
    """Makes clips; batch number n depends on nothing but n and the arguments, bit for bit.

    Parameters
    ----------
    shared : Path
        The folder of the developers' data.
    seed : int
    size, frames : side in pixels, and length, of each clip
    families : names from `FAMILIES`; None are all
    split : "train" or "held-out", of the pictures that are used
    spans : smallest and largest extent of object 1 in the first frame, in sides of the clip
    """

    def __init__(
        self,
        shared: Path,
        *,
        seed: int,
        size: int = 128,
        frames: int = 3,
        families: Sequence[str] | None = None,
        split: str = "train",
        spans: tuple[float, float] = SPANS,
    ) -> None:
        self._pictures = _load(shared, split)
        self._seed, self._size, self._frames = seed, size, frames
        self._names = tuple(families or FAMILIES)
        self._cut = [name for name in _CUT_OUT if name in self._names] or self._names
        shares = np.array([FAMILIES[name] for name in self._names])
        self._shares = shares / shares.sum()
        self._spans = spans
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
        return Clips(frames.permute(0, 1, 4, 2, 3).contiguous(), labels, families)

    def _clip(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        while True:
            picture = self._draw(rng, str(rng.choice(self._names, p=self._shares)))
            objects = picture.objects()
            if not len(objects):
                continue
            make = self._whole if self._moves_as_one(rng, picture) else self._composed
            frames, labels = make(rng, picture, objects)
            if (labels[0] == 1).sum() >= LEAST_SEEN:
                return record(rng, frames / np.float32(255)), labels, picture.family

    def _draw(self, rng: np.random.Generator, family: str) -> Picture:
        if family in _PROCEDURAL:
            picture = _PROCEDURAL[family](rng)
        else:
            pictures = self._pictures[family]
            picture = pictures[rng.integers(len(pictures))]
        return picture.flipped() if rng.random() < 0.5 else picture

    @staticmethod
    def _moves_as_one(rng: np.random.Generator, picture: Picture) -> bool:
        return picture.family in _IN_PLACE or rng.random() < 0.45

    def _start(self, rng: np.random.Generator, extent: float) -> dict[str, Any]:
        """Choose how an object of this extent in its picture shall look and move in the clip."""
        low, high = np.log(self._spans)
        wanted = self._size * np.exp(rng.uniform(low, high))
        return {
            "centre": tuple(self._size * rng.uniform(0.35, 0.65, 2)),
            "scale": float(np.clip(wanted / extent, 0.2, 6)),
            "extent": wanted,
            "speed": np.exp(rng.uniform(np.log(0.005), np.log(0.16))),
            "elastic": rng.choice([0, 0.02, 0.05, 0.09]),
        }

    def _motion(self, rng: np.random.Generator, **how: Any) -> Motion:
        return Motion(rng, self._size, self._frames, **how)

    def _whole(
        self, rng: np.random.Generator, picture: Picture, objects: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Let a whole picture move and deform; object 1 perhaps otherwise than the rest."""
        main = rng.choice(objects)
        y, x, extent = picture.place(main)
        how = self._start(rng, extent)
        # Not so small that the mirrored picture is seen beside itself.
        how["scale"] = max(how["scale"], 0.9 * self._size / min(picture.labels.shape))
        how["extent"] = how["scale"] * extent
        field = self._motion(rng, **how | {"speed": how["speed"] * rng.choice([0.3, 1.0])})
        alone = picture.family not in _IN_PLACE and rng.random() < 0.6
        mask = (picture.labels == main).astype(np.uint8)
        image, labels = picture.image, _renumbered(rng, picture.labels, main, objects)
        actor = None
        if alone:
            actor = _Actor(picture, _soft(mask, 0.7), (y, x), 1, self._motion(rng, **how))
            hole = cv2.dilate(mask, np.ones((5, 5), np.uint8))
            image = cv2.inpaint(image, hole, 3, cv2.INPAINT_TELEA)
            labels = np.where(labels == 1, 0, labels).astype(np.uint8)
        shots = [_shoot(image, labels, *field.source_of(t, (y, x))) for t in range(self._frames)]
        if actor is not None:
            shots = [_paste(shot, actor, t) for t, shot in enumerate(shots)]
        return _stack(shots)

    def _composed(
        self, rng: np.random.Generator, picture: Picture, objects: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Move cut-out objects over another picture, some of them look-alikes."""
        main = rng.choice(objects)
        how = self._start(rng, picture.place(main)[2])
        seam = rng.uniform(0.4, 1.4)
        actors = [self._actor(rng, picture, main, 1, how, seam)]
        for label in range(2, 1 + rng.integers(1, MOST_OBJECTS)):
            other, chosen = picture, main
            if rng.random() < 0.5:
                other = self._draw(rng, str(rng.choice(self._cut)))
                if not len(objects := other.objects()):
                    continue
                chosen = rng.choice(objects)
            near = {"centre": tuple(self._size * rng.uniform(0.15, 0.85, 2))}
            named = label if rng.random() < 0.6 else 0
            actors.append(self._actor(rng, other, chosen, named, how | near, seam))
        ground = self._draw(rng, str(rng.choice(self._names, p=self._shares)))
        middle = tuple(np.array(ground.labels.shape) * rng.uniform(0.4, 0.6, 2))
        scale = float(np.clip(self._size / min(ground.labels.shape) * rng.uniform(1, 2), 0.5, 4))
        moves = {"centre": (self._size / 2,) * 2, "scale": scale, "extent": self._size / 2}
        speed, elastic = rng.choice([0, 0.02, 0.06]), rng.choice([0, 0.02])
        camera = self._motion(rng, **moves, speed=speed, elastic=elastic)
        nothing = np.zeros(ground.labels.shape, np.uint8)
        order = rng.permutation(len(actors))
        shots = []
        for t in range(self._frames):
            shot = _shoot(ground.image, nothing, *camera.source_of(t, middle))
            for number in order:
                shot = _paste(shot, actors[number], t)
            shots.append(shot)
        return _stack(shots)

    def _actor(
        self,
        rng: np.random.Generator,
        picture: Picture,
        chosen: int,
        label: int,
        how: dict[str, Any],
        seam: float,
    ) -> _Actor:
        y, x, extent = picture.place(chosen)
        scale = how["scale"]
        if label != 1:
            scale = float(np.clip(how["extent"] * rng.uniform(0.7, 1.3) / extent, 0.2, 6))
        alpha = _soft(picture.labels == chosen, seam)
        return _Actor(picture, alpha, (y, x), label, self._motion(rng, **how | {"scale": scale}))


@cache
def _load(shared: Path, split: str) -> dict[str, list[Picture]]:
    return load(shared, split)


_Shot = tuple[np.ndarray, np.ndarray]
"""A frame (h, w, 3) float32 in [0, 255], and its labels (h, w) uint8."""


def _shoot(image: np.ndarray, labels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> _Shot:
    around = cv2.BORDER_REFLECT_101
    frame = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=around)
    seen = cv2.remap(labels, columns, rows, cv2.INTER_NEAREST, borderMode=around)
    return frame.astype(np.float32), seen


def _paste(shot: _Shot, actor: _Actor, t: int) -> _Shot:
    frame, labels = shot
    rows, columns = actor.motion.source_of(t, actor.origin)
    alpha = cv2.remap(actor.alpha, columns, rows, cv2.INTER_LINEAR)
    front = cv2.remap(actor.picture.image, columns, rows, cv2.INTER_LINEAR)
    mixed = frame * (1 - alpha[..., None]) + front * alpha[..., None]
    return mixed, np.where(alpha >= 0.5, np.uint8(actor.label), labels)


def _stack(shots: list[_Shot]) -> tuple[np.ndarray, np.ndarray]:
    frames, labels = zip(*shots, strict=True)
    return np.stack(frames), np.stack(labels)


def _soft(mask: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)


def _renumbered(
    rng: np.random.Generator, labels: np.ndarray, main: int, objects: np.ndarray
) -> np.ndarray:
    """Return uint8 labels: the main object is 1, up to three others follow, the rest is 0."""
    others = rng.permutation(objects[objects != main])[: rng.integers(MOST_OBJECTS)]
    table = np.zeros(int(labels.max()) + 1, np.uint8)
    for number, label in enumerate((main, *others), start=1):
        table[label] = number
    return table[labels]
