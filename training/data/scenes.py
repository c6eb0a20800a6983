"""Scenes made of labelled pictures: whole ones that move, and objects cut out of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.data import procedural
from training.data.motion import Motion
from training.data.pasting import Actor, Shot, blind, cut_out, like_its_place, paste, shoot, soft
from training.data.pictures import Picture
from training.data.take import MOST_OBJECTS, Film, Take, numbered, speed

__all__ = ["PROCEDURAL", "Scenes"]

PROCEDURAL = {
    "cells": procedural.cells,
    "organs": procedural.organs,
    "scan": procedural.scan,
    "tissue": procedural.tissue,
}
"""Pictures that are made, not read."""

# How often a picture moves as a whole; otherwise its objects are cut out. Organs cannot be.
MOVES_WHOLE = {"heart": 1.0, "organs": 1.0, "scan": 1.0, "tissue": 0.8, "nuclei": 0.6}
CUT_OUT = ("natural", "nuclei")  # whose objects join the first one, where they are asked for
JOINTED = ("natural",)  # whose objects may have limbs, and carry others
AT_HOME = 0.75  # how often objects are laid over pictures of their own family
NEIGHBOURS = 5  # nuclei that move by themselves, besides object 1


class Scenes:
    """Makes films from pictures.

    Parameters
    ----------
    take : Take
    pictures : by family; those of "grounds" have no objects
    families : names that backgrounds are drawn from, besides "grounds"
    """

    def __init__(
        self, take: Take, pictures: dict[str, list[Picture]], families: tuple[str, ...]
    ) -> None:
        self._take, self._size, self._frames = take, take.side, take.frames
        self._pictures = pictures
        there = [name for name in families if name in PROCEDURAL or pictures.get(name)]
        self._cut = [name for name in CUT_OUT if name in there]
        self._grounds = [*there, "grounds"] if pictures.get("grounds") else there

    def film(self, rng: np.random.Generator, family: str) -> Film:
        """Make one film; object 1 may be hidden or small."""
        if family == "stack":
            return self._leafed(rng)
        picture = self._draw(rng, family)
        objects = picture.objects()
        while not len(objects):
            picture = self._draw(rng, family)
            objects = picture.objects()
        whole = rng.random() < MOVES_WHOLE.get(family, 0.45)
        return (self._whole if whole else self._composed)(rng, picture, objects)

    def _draw(self, rng: np.random.Generator, family: str) -> Picture:
        if family in PROCEDURAL:
            picture = PROCEDURAL[family](rng)
        else:
            pictures = self._pictures[family]
            picture = pictures[rng.integers(len(pictures))]
        if family in JOINTED and rng.random() < 0.5:
            picture = picture.joined(rng)
        return picture.flipped() if rng.random() < 0.5 else picture

    def _start(self, rng: np.random.Generator, extent: float) -> dict[str, Any]:
        """Choose how an object of this extent in its picture shall look and move in the clip."""
        wanted = self._take.extent(rng)
        return {
            "centre": tuple(self._take.centre(rng)),
            "scale": float(np.clip(wanted / extent, 0.2, 6)),
            "extent": wanted,
            "speed": speed(rng),
            "elastic": rng.choice([0, 0.02, 0.05, 0.09]),
        }

    def _motion(self, rng: np.random.Generator, **how: Any) -> Motion:
        return Motion(rng, self._size, self._frames, **how)

    def _whole(self, rng: np.random.Generator, picture: Picture, objects: np.ndarray) -> Film:
        """Let a whole picture move and deform; some of its objects perhaps otherwise."""
        main, (y, x, extent) = _fitting(rng, picture, objects)
        how = self._start(rng, extent)
        # A picture that does not fill the frame would be mirrored around itself.
        least = self._size / min(picture.labels.shape)
        how |= {"scale": max(how["scale"], least), "jointed": picture.family in JOINTED}
        how["extent"] = extent * how["scale"]
        how["centre"] = self._within(picture, (y, x), how["centre"], how["scale"])
        beats = rng.uniform(0, 0.22) if picture.family == "heart" else 0.0
        quiet = {"speed": how["speed"] * rng.choice([0.3, 1.0]), "pulse": beats}
        field = self._motion(rng, **how | quiet)
        image, labels = picture.image, _renumbered(rng, picture.labels, main, objects)
        actors = []
        if MOVES_WHOLE.get(picture.family) != 1.0 and rng.random() < 0.6:
            alone = [main]
            if picture.family == "nuclei" and rng.random() < 0.6:
                alone += _nearest(picture, objects, main, (y, x))
            for each in alone:
                mask = picture.labels == each
                number = int(labels[mask].max())
                actors.append(self._freed(rng, picture, each, number, how, (y, x)))
                image = cut_out(image, mask)
                labels = np.where(mask, 0, labels).astype(np.uint8)
            actors += self._blinds(rng, how["centre"])
        shots = [shoot(image, labels, *field.source_of(t, (y, x))) for t in range(self._frames)]
        for actor in actors:
            shots = [paste(shot, actor, t) for t, shot in enumerate(shots)]
        return _stack(shots)

    def _leafed(self, rng: np.random.Generator) -> Film:
        """Leaf through the slices of one patient, there and back; the object is what they share."""
        chosen = self._draw(rng, "stack").series
        slices = [each for each in self._pictures["stack"] if each.series == chosen]
        if rng.random() < 0.5:
            slices = [each.flipped() for each in slices]
        places = np.array([each.place(1) for each in slices])
        at = int(rng.integers(len(slices)))
        how = self._start(rng, places[at, 2]) | {"speed": 0.3 * speed(rng)}
        beats = rng.choice([0.0, rng.uniform(0, 0.25)])
        field = self._motion(rng, **how, pulse=beats)
        way = int(rng.choice([-1, 1])) * np.arange(self._frames) // rng.choice([1, 1, 2])
        turns = np.abs((at + way) % (2 * len(slices) - 2 or 1))
        shown = np.minimum(turns, 2 * len(slices) - 2 - turns)
        shots = []
        for t, n in enumerate(shown):
            source = field.source_of(t, tuple(places[at, :2]))
            shots.append(shoot(slices[n].image, (slices[n].labels == 1).astype(np.uint8), *source))
        return _stack(shots)

    def _within(
        self,
        picture: Picture,
        place: tuple[float, float],
        centre: tuple[float, float],
        scale: float,
    ) -> tuple[float, float]:
        """Return the centre moved so that the picture fills the first frame."""
        ends = zip(place, centre, picture.labels.shape, strict=True)
        y, x = (
            float(np.clip(c, p * scale - max(length * scale - self._size, 0), p * scale))
            for p, c, length in ends
        )
        return y, x

    def _freed(
        self,
        rng: np.random.Generator,
        picture: Picture,
        chosen: int,
        label: int,
        how: dict[str, Any],
        origin: tuple[float, float],
    ) -> Actor:
        """Return an object of a whole picture that begins in its place and goes its own way."""
        y, x, extent = picture.place(chosen)
        off = np.array([y - origin[0], x - origin[1]]) * how["scale"]
        own = {"centre": tuple(np.array(how["centre"]) + off), "extent": extent * how["scale"]}
        motion = self._motion(rng, **how | own, leaves=label == 1)
        return Actor(picture, soft(picture.labels == chosen, 0.7), (y, x), label, motion)

    def _blinds(self, rng: np.random.Generator, towards: tuple[float, float]) -> list[Actor]:
        """Return what passes over the objects: mostly nothing."""
        if self._frames < 3 or rng.random() > 0.12:
            return []
        picture = self._draw(rng, str(rng.choice(self._grounds)))
        return [blind(rng, picture, towards, self._size, self._frames)]

    def _composed(self, rng: np.random.Generator, picture: Picture, objects: np.ndarray) -> Film:
        """Move cut-out objects over another picture, some of them look-alikes."""
        objects = _entire(picture, objects)
        main = rng.choice(objects)
        how = self._start(rng, picture.place(main)[2])
        how["jointed"] = picture.family in JOINTED
        seam = rng.uniform(0.4, 1.4)
        actors = [self._actor(rng, picture, main, 1, how, seam)]
        for label in range(2, 1 + rng.integers(1, MOST_OBJECTS)):
            other, chosen = picture, main  # a look-alike
            if rng.random() < 0.5:
                at_home = rng.random() < AT_HOME or not self._cut
                other = self._draw(rng, picture.family if at_home else str(rng.choice(self._cut)))
                if not len(objects := other.objects()):
                    continue
                chosen = rng.choice(_entire(other, objects))
            near = {"centre": tuple(self._size * rng.uniform(0.15, 0.85, 2))}
            named = label if rng.random() < 0.6 else 0
            actors.append(self._actor(rng, other, chosen, named, how | near, seam))
        grounds = self._ground(rng, picture.family)
        if rng.random() < 0.5:
            actors = [like_its_place(rng, actor, grounds[0][0]) for actor in actors]
        actors = [actors[n] for n in rng.permutation(len(actors))]
        actors += self._blinds(rng, how["centre"])
        shots = []
        for t, shot in enumerate(grounds):
            for actor in actors:
                shot = paste(shot, actor, t)
            shots.append(shot)
        return _stack(shots)

    def _ground(self, rng: np.random.Generator, family: str) -> list[Shot]:
        """Return what lies behind objects of this family, while the camera moves."""
        at_home = rng.random() < AT_HOME
        ground = self._draw(rng, family if at_home else str(rng.choice(self._grounds)))
        middle = tuple(np.array(ground.labels.shape) * rng.uniform(0.4, 0.6, 2))
        scale = float(np.clip(self._size / min(ground.labels.shape) * rng.uniform(1, 2), 0.5, 4))
        moves = {"centre": (self._size / 2,) * 2, "scale": scale, "extent": self._size / 2}
        speed, elastic = rng.choice([0, 0.02, 0.06]), rng.choice([0, 0.02])
        camera = self._motion(rng, **moves, speed=speed, elastic=elastic)
        nothing = np.zeros(ground.labels.shape, np.uint8)
        return [
            shoot(ground.image, nothing, *camera.source_of(t, middle)) for t in range(self._frames)
        ]

    def _actor(
        self,
        rng: np.random.Generator,
        picture: Picture,
        chosen: int,
        label: int,
        how: dict[str, Any],
        seam: float,
    ) -> Actor:
        y, x, extent = picture.place(chosen)
        scale = how["scale"]
        if label != 1:
            scale = float(np.clip(how["extent"] * rng.uniform(0.7, 1.3) / extent, 0.2, 6))
        alpha = soft(picture.labels == chosen, seam)
        motion = self._motion(rng, **how | {"scale": scale}, leaves=True)
        return Actor(picture, alpha, (y, x), label, motion)


def _fitting(
    rng: np.random.Generator, picture: Picture, objects: np.ndarray
) -> tuple[int, tuple[float, float, float]]:
    """Draw an object and its place, rather one that does not fill its picture."""
    for _ in range(4):
        main = int(rng.choice(objects))
        place = picture.place(main)
        if place[2] < 0.7 * min(picture.labels.shape):
            break
    return main, place


def _entire(picture: Picture, objects: np.ndarray) -> np.ndarray:
    """Return the objects that the picture's border does not cut, or else all."""
    labels = picture.labels
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    entire = objects[~np.isin(objects, border)]
    return entire if len(entire) else objects


def _nearest(
    picture: Picture, objects: np.ndarray, main: int, origin: tuple[float, float]
) -> list[int]:
    """Return the objects nearest to the main one, without it."""
    rows, columns = np.nonzero(picture.labels)
    ids = picture.labels[rows, columns]
    far = (rows - origin[0]) ** 2 + (columns - origin[1]) ** 2
    count = np.maximum(np.bincount(ids), 1)
    means = np.bincount(ids, far) / count
    others = [int(each) for each in objects if each != main]
    return sorted(others, key=lambda each: float(means[each]))[:NEIGHBOURS]


def _stack(shots: list[Shot]) -> Film:
    frames, labels = zip(*shots, strict=True)
    return np.stack(frames), np.stack(labels)


def _renumbered(
    rng: np.random.Generator, labels: np.ndarray, main: int, objects: np.ndarray
) -> np.ndarray:
    """Return (H, W) uint8 labels: the main object is 1, up to three others follow."""
    return numbered(rng, np.where(np.isin(labels, objects), labels, 0)[None], int(main))[0]
