"""A refiner with a small network that comes with the package.

The network sees crops of one size. What is meant is looked for in crops of every scale around the
clicks, and in one around the mask so far; the best answer is looked at once more, closer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.nets.clicks import SIDE, ClickNet, discs
from napari_lazyvos.nets.weights import Weights, fill
from napari_lazyvos.refine.protocol import Click, Refined, check_clicks

__all__ = ["CompactRefiner"]

ROOM = 1.6  # side of a crop, in sides of the object's box
SMALLEST = 24.0  # pixels of the frame in the side of a crop
STEP = 2**0.5  # from one scale of a first click to the next
LEAST_DEVIATION = 0.02  # of grey values, as in training: flat crops are not blown up
ROUNDS = 2  # closer looks
LEAST_PIXELS = 30  # of a crop; a smaller mask is no answer
DOUBT = 0.5  # how much pixels that are undecided speak against a mask
KEEPS = 2.0  # votes of the mask so far
WHOLE = 0.2  # how much a larger mask is preferred
TOUCHES, MISSES = (
    0.5,
    0.5,
)  # times less good is a mask that its crop cuts, and for each click missed


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of a frame; it may reach beyond the frame."""

    top: float
    left: float
    side: float

    @classmethod
    def around(cls, mask: np.ndarray, clicks: Sequence[Click]) -> Crop:
        """Return a crop with room around a mask and all clicks."""
        rows, columns = np.where(mask)
        rows = np.concatenate([rows, [click.y for click in clicks]])
        columns = np.concatenate([columns, [click.x for click in clicks]])
        extent = max(np.ptp(rows), np.ptp(columns)) + 1
        side = max(SMALLEST, ROOM * extent)
        y, x = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
        return cls(y - side / 2, x - side / 2, side)

    @property
    def scale(self) -> float:
        """Pixels of the network for one of the frame."""
        return SIDE / self.side

    def cut(self, image: np.ndarray, border: int) -> np.ndarray:
        """Return an (H, W) or (H, W, 3) image in this crop, (SIDE, SIDE, ...)."""
        low = np.floor((self.top, self.left)).astype(int)
        high = np.ceil((self.top + self.side, self.left + self.side)).astype(int) + 1
        inside = (slice(max(low[0], 0), high[0]), slice(max(low[1], 0), high[1]))
        piece = image[inside]
        before = np.maximum(-low, 0)
        after = np.maximum(high - image.shape[:2], 0)
        piece = cv2.copyMakeBorder(piece, before[0], after[0], before[1], after[1], border)
        if self.scale < 1:  # average before the pixels are picked
            blur = 0.45 / self.scale
            piece = cv2.GaussianBlur(piece, (0, 0), blur)
        offset = (self.top - low[0], self.left - low[1])
        step = 1 / self.scale
        shift = (step - 1) / 2  # pixel centres
        affine = np.array([[step, 0, offset[1] + shift], [0, step, offset[0] + shift]])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(piece, affine, (SIDE, SIDE), flags=how, borderMode=border)

    def paste(self, crop: np.ndarray, height: int, width: int) -> np.ndarray:
        """Return a (SIDE, SIDE) picture in a frame, 0 around it."""
        shift = (self.scale - 1) / 2
        affine = np.array(
            [
                [self.scale, 0, shift - self.left * self.scale],
                [0, self.scale, shift - self.top * self.scale],
            ]
        )
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(crop, affine, (width, height), flags=how)

    def place_of(self, other: Crop) -> Crop:
        """Return another crop of the frame as one of this crop's picture."""
        top, left = other.top - self.top, other.left - self.left
        return Crop(top * self.scale, left * self.scale, other.side * self.scale)

    def places(self, clicks: Sequence[Click]) -> Tensor:
        """Return clicks in pixels of the crop, as `discs` takes them: (1, N, 3)."""
        shift = (self.scale - 1) / 2
        rows = [
            (
                (click.y - self.top) * self.scale + shift,
                (click.x - self.left) * self.scale + shift,
                1.0 if click.positive else -1.0,
            )
            for click in clicks
        ]
        return torch.tensor([rows])


@dataclass(frozen=True, slots=True)
class _Answer:
    probability: np.ndarray  # (SIDE, SIDE) float32
    quality: float

    def area(self, crop: Crop) -> float:
        """Return the size of the mask in pixels of the frame."""
        return float((self.probability >= 0.5).sum()) / crop.scale**2


class CompactRefiner:
    """Answer clicks with the bundled network.

    Parameters
    ----------
    weights : a .safetensors file, a state dict, or None for the bundled ones
    device : where the network computes; None is the CPU
    """

    name = "compact"

    def __init__(self, *, weights: Weights = None, device: torch.device | None = None) -> None:
        self._device = device or torch.device("cpu")
        self._net = fill(ClickNet(), weights, "clicks").to(self._device)

    def embed(self, frame: np.ndarray) -> np.ndarray:
        """Return the (3, H, W) frame as (H, W, 3): crops depend on the clicks."""
        return np.ascontiguousarray(frame.transpose(1, 2, 0), dtype=np.float32)

    def refine(
        self, embedding: np.ndarray, clicks: Sequence[Click], previous: np.ndarray | None = None
    ) -> Refined:
        """Segment the one object that all the clicks are about; see `Refiner.refine`."""
        height, width = embedding.shape[:2]
        check_clicks(clicks, height, width)
        previous = None if previous is None else np.asarray(previous, np.float32)
        known = previous is not None and (previous >= 0.5).any()
        mask = self._found(embedding, clicks, previous if known else None)
        mask = _with_clicks(mask, clicks)
        return Refined(mask >= 0.5, mask)

    def _found(
        self, image: np.ndarray, clicks: Sequence[Click], previous: np.ndarray | None
    ) -> np.ndarray:
        """Look for the object at every scale, and closer; return its (H, W) probability."""
        height, width = image.shape[:2]
        crops = _scales((height, width), clicks)
        answers = self._ask(image, crops, clicks, None)
        before = None
        if previous is not None:
            crops.append(Crop.around(previous >= 0.5, clicks))
            answers += self._ask(image, crops[-1:], clicks, previous)
            before = crops[-1], _Answer(crops[-1].cut(previous, cv2.BORDER_CONSTANT), 1.0)
        goodness = np.array([_goodness(*each, clicks) for each in zip(crops, answers, strict=True)])
        chosen = _elect(list(zip(crops, answers, strict=True)), goodness, before)
        mask = crops[chosen].paste(answers[chosen].probability, height, width)
        best = float(goodness[chosen])
        for _ in range(ROUNDS):
            crop = Crop.around(mask >= 0.5, clicks)
            (answer,) = self._ask(image, [crop], clicks, mask)
            better = _goodness(crop, answer, clicks)
            if better < best or better == 0:
                break
            mask, best = crop.paste(answer.probability, height, width), better
        return mask

    @torch.inference_mode()
    def _ask(
        self,
        image: np.ndarray,
        crops: Sequence[Crop],
        clicks: Sequence[Click],
        previous: np.ndarray | None,
    ) -> list[_Answer]:
        """Ask the network about crops of one image."""
        cuts = np.stack([crop.cut(image, cv2.BORDER_REFLECT_101) for crop in crops])
        mean = cuts.mean((1, 2, 3), keepdims=True)
        deviation = np.maximum(cuts.std((1, 2, 3), keepdims=True), LEAST_DEVIATION)
        images = torch.from_numpy(((cuts - mean) / deviation).transpose(0, 3, 1, 2).copy())
        marks = torch.cat([discs(crop.places(clicks), SIDE, SIDE) for crop in crops])
        before = torch.zeros(len(crops), 1, SIDE, SIDE)
        if previous is not None:
            pasted = [crop.cut(previous, cv2.BORDER_CONSTANT) for crop in crops]
            before = torch.from_numpy(np.stack(pasted))[:, None]
        logits, quality = self._net(*(x.to(self._device) for x in (images, marks, before)))
        probabilities = logits[:, 0].sigmoid().cpu().numpy()
        return [_Answer(*each) for each in zip(probabilities, quality.tolist(), strict=True)]


def _scales(size: tuple[int, int], clicks: Sequence[Click]) -> list[Crop]:
    """Return crops around the clicks, from the whole frame down to the smallest."""
    rows, columns = [click.y for click in clicks], [click.x for click in clicks]
    y, x = (max(rows) + min(rows)) / 2, (max(columns) + min(columns)) / 2
    least = max(SMALLEST, ROOM * max(np.ptp(rows), np.ptp(columns)))
    side = float(max(size))
    crops: list[Crop] = []
    while side > least or not crops:
        crops.append(Crop(y - side / 2, x - side / 2, side))
        side /= STEP
    return crops


def _goodness(crop: Crop, answer: _Answer, clicks: Sequence[Click]) -> float:
    """Return the guess of the network, less where there is reason to doubt it."""
    mask = answer.probability >= 0.5
    if mask.sum() < LEAST_PIXELS:
        return 0.0
    undecided = (answer.probability > 0.1) & (answer.probability < 0.9)
    goodness = answer.quality * math.exp(-DOUBT * undecided.sum() / mask.sum())
    if max(mask[[0, -1]].mean(), mask[:, [0, -1]].mean()) > 0.1:  # it goes on beyond the crop
        goodness *= TOUCHES
    places = crop.places(clicks)[0].round().int().clamp(0, SIDE - 1).tolist()
    for (y, x, _), click in zip(places, clicks, strict=True):
        if mask[y, x] != click.positive:
            goodness *= MISSES
    return goodness


def _elect(
    found: Sequence[tuple[Crop, _Answer]],
    goodness: np.ndarray,
    before: tuple[Crop, _Answer] | None,
) -> int:
    """Return the number of the answer that the others, and the mask so far, agree with most.

    What is found at one scale alone is rarely what was meant; and of two that are as good, rather
    the whole than its part.
    """
    areas = np.array([answer.area(crop) for crop, answer in found])
    agreement = np.array([[_overlap(*one, *other) for other in found] for one in found])
    votes = agreement @ goodness
    if before is not None:
        votes += KEEPS * np.array([_overlap(*one, *before) for one in found])
    return int(np.argmax(votes * np.sqrt(goodness) * areas**WHOLE))


def _overlap(crop: Crop, answer: _Answer, other_crop: Crop, other: _Answer) -> float:
    """Return the intersection over union of two masks of one frame."""
    if other_crop.side < crop.side:
        return _overlap(other_crop, other, crop, answer)
    place = other_crop.place_of(crop)
    seen = place.cut(other.probability, cv2.BORDER_CONSTANT) >= 0.5
    both = (seen & (answer.probability >= 0.5)).sum() / crop.scale**2
    return float(both / max(answer.area(crop) + other.area(other_crop) - both, 1.0))


def _with_clicks(probability: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Return a (H, W) probability that agrees with every click at its own pixel."""
    agreeing = probability.copy()
    for click in clicks:
        place = round(click.y), round(click.x)
        if (agreeing[place] >= 0.5) != click.positive:
            agreeing[place] = 1.0 if click.positive else 0.0
    return agreeing
