"""The bundled tracker: what it looks at, and what it keeps to look it up anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.compact import CompactNet, Looks
from napari_lazyvos.nets.weights import Weights, fill
from napari_lazyvos.trackers.compact.witnesses import Bank, Sighting, predict
from napari_lazyvos.trackers.dropout import Dropout
from napari_lazyvos.trackers.protocol import Probabilities
from napari_lazyvos.trackers.windowed.flow import consistency
from napari_lazyvos.trackers.windowed.fragments import drop_fragments
from napari_lazyvos.trackers.windowed.memory import Memory, State
from napari_lazyvos.trackers.windowed.tracker import (
    MOST_READ,
    Motion,
    View,
    WindowedTracker,
    seen_from,
)

__all__ = ["CompactTracker"]

LEAST_TRUST = 0.2  # of the flow, as in training
MEMORY_EVERY = 5  # frames between two that are kept to be looked up anywhere
MOST_KEPT = 3  # of them, beside the permanent ones
MOST_CELLS = 500  # of one frame: those of objects first
LEAST_SHARE = 0.15  # of a mask's largest piece: smaller ones are doubted
# What the decoder learned from photographs holds in films; what it learned from drawn cells and
# organs holds less in real ones. Chosen on the developers' clips.
BELIEF_IN_COLOUR, BELIEF_IN_GREY = 1.0, 0.5
# Added to the objects' logits: in doubt a pixel is theirs. What is missed is lost to the frames
# that follow, and masks would shrink; what is too much meets the first frame again. Chosen so, too.
LEAN = 0.2
GREY = 0.01  # mean difference of red and blue; compression tints grey films a little
LEAST_DEVIATION = 0.02  # of grey values: flat images are not blown up


@dataclass(frozen=True, slots=True)
class SeenView(View):
    """A view as the network sees it."""

    looks: Looks


@dataclass(frozen=True, slots=True)
class Cells:
    """What one frame adds to the bank."""

    t: int
    keys: Tensor  # (D, N) float32
    masks: Tensor  # (1 + K, N) float32, background first
    labels: tuple[int, ...]  # of masks[1:]
    permanent: bool

    @classmethod
    def of(cls, memory: Memory, far: Tensor, *, permanent: bool) -> Cells:
        """Choose cells of a (D, h / 8, w / 8) frame: of objects first, the others evenly."""
        masks = F.avg_pool2d(memory.masks, 8).flatten(1)
        keys = far.flatten(1)
        if masks.shape[1] > MOST_CELLS:
            chosen = _choose(masks, far.shape[1:])
            keys, masks = keys[:, chosen], masks[:, chosen]
        return cls(memory.t, keys, masks, memory.labels, permanent)

    def masks_of(self, labels: tuple[int, ...]) -> Tensor:
        """Return (1 + len(labels), N); a label not spoken of is not there."""
        none = torch.zeros_like(self.masks[:1])
        of = [self.masks[[self.labels.index(k) + 1]] if k in self.labels else none for k in labels]
        return torch.cat([self.masks[:1], *of])

    def without(self, label: int) -> Cells:
        """Return these cells with the object turned to background."""
        if label not in self.labels:
            return self
        others = tuple(k for k in self.labels if k != label)
        masks = self.masks_of(others)
        masks[0] += self.masks[1 + self.labels.index(label)]
        return replace(self, masks=masks, labels=others)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "t": self.t,
            "keys": self.keys.cpu().clone(),
            "masks": self.masks.cpu().clone(),
            "labels": self.labels,
            "permanent": self.permanent,
        }


@dataclass(slots=True)
class CompactMind:
    """What is known beside where the objects were."""

    mean: float  # of the first window's values
    deviation: float
    belief: float  # in the decoder, 0 to 1
    cells: list[Cells] = field(default_factory=list)  # oldest first

    def add(self, new: Cells) -> None:
        """Keep a frame's cells, and let go of the oldest beyond what may be kept."""
        kept = [old for old in self.cells if old.t != new.t]
        permanent = [old for old in (*kept, new) if old.permanent]
        passing = [old for old in (*kept, new) if not old.permanent]
        self.cells = [*permanent[:1], *permanent[1:][-MOST_READ + 1 :], *passing[-MOST_KEPT:]]

    def bank(self, labels: tuple[int, ...]) -> Bank:
        """Return all cells as a batch of one."""
        keys = torch.cat([cells.keys for cells in self.cells], 1)
        masks = torch.cat([cells.masks_of(labels) for cells in self.cells], 1)
        return Bank(keys[None], masks[None])

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        cells = [each.pack() for each in self.cells]
        units = {"mean": self.mean, "deviation": self.deviation, "belief": self.belief}
        return units | {"cells": cells}


class CompactTracker(WindowedTracker):
    """Follow objects with a small network that was trained on synthetic clips.

    Parameters
    ----------
    weights : a .safetensors file, a state dict, or None for the bundled ones
    device, size : see `WindowedTracker`
    dropout, passes, seed : see `Dropout`; of `samples` alone
    """

    name = "compact"
    _enough = 32

    def __init__(
        self,
        *,
        weights: Weights = None,
        device: torch.device | None = None,
        size: int = 480,
        dropout: float = 0.2,
        passes: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__(device=device, size=size)
        self._dropout = Dropout(dropout, passes, seed)
        self.net = fill(CompactNet(), weights, "tracker").to(self.device)

    def samples(self) -> Iterator[Probabilities]:
        """Yield predictions with channels of the queries dropped; see `SamplingTracker.samples`.

        The frame is looked at, and its flow measured, once: only what reads by the keys, near by
        and anywhere, is computed anew.
        """
        state, waiting = self._state, self._waiting
        if state is None or waiting is None:
            raise LazyVosError("There is nothing to sample: predict a frame with step before.")
        return self._draw(state, waiting.view, waiting.motion)

    def _draw(self, state: State, view: SeenView, motion: Motion) -> Iterator[Probabilities]:
        near, far = view.looks.near, view.looks.far
        for kept in self._dropout.draws(near.shape[1] + far.shape[1], self.device):
            factors = torch.split(kept[:, None, None], [near.shape[1], far.shape[1]])
            looks = replace(view.looks, near=near * factors[0], far=far * factors[1])
            masks = self._predict(state, SeenView(view.cells, looks), motion)
            yield state.grid.enlarge(masks, motion.window)

    def _meet(self, picture: np.ndarray, masks: Tensor) -> CompactMind:
        grey = np.abs(picture[..., 0] - picture[..., 2]).mean() < GREY
        deviation = max(LEAST_DEVIATION, float(picture.std()))
        belief = BELIEF_IN_GREY if grey else BELIEF_IN_COLOUR
        return CompactMind(float(picture.mean()), deviation, belief)

    @torch.inference_mode()
    def _look(self, picture: np.ndarray, mind: CompactMind) -> SeenView:
        image = (picture - mind.mean) / mind.deviation
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        looks = self.net.look(pixels[None].to(self.device))
        return SeenView(looks.near[0], looks)

    @torch.inference_mode()
    def _predict(self, state: State, view: SeenView, motion: Motion) -> Tensor:
        labels, last = state.labels, state.last
        trust = consistency(motion.back, motion.forth).clamp(min=LEAST_TRUST)
        kept = list(zip(state.permanent, motion.drifts, strict=True))[-MOST_READ:]
        kept = kept or [(last, motion.back)]
        logits, _ = predict(
            self.net,
            view.looks,
            trust[None, None],
            _sighting(last, motion.place, labels),
            [
                _sighting(each, seen_from(motion.window, each.window, drift), labels)
                for each, drift in kept
            ],
            state.mind.bank(labels),
            apart=True,
            belief=state.mind.belief,
        )
        logits[:, 1:] += LEAN
        return drop_fragments(logits[0].softmax(0), LEAST_SHARE)

    def _learn(self, state: State, view: SeenView, *, permanent: bool) -> None:
        cells = state.mind.cells
        if permanent or not cells or abs(state.last.t - cells[-1].t) >= MEMORY_EVERY:
            state.mind.add(Cells.of(state.last, view.looks.far[0], permanent=permanent))

    def _relearn(self, state: State) -> None:
        state.mind.cells = []
        kept = [(memory, True) for memory in state.permanent]
        if not kept or state.last.t != kept[-1][0].t:
            kept.append((state.last, False))
        for memory, permanent in kept:
            looks = self._look(memory.as_unit(), state.mind).looks
            state.mind.add(Cells.of(memory, looks.far[0], permanent=permanent))

    def _unlearn(self, state: State, label: int) -> None:
        state.mind.cells = [cells.without(label) for cells in state.mind.cells]

    def _unpack_mind(self, packed: dict[str, Any]) -> CompactMind:
        cells = [
            Cells(
                each["t"],
                each["keys"].to(self.device, copy=True),
                each["masks"].to(self.device, copy=True),
                tuple(each["labels"]),
                each["permanent"],
            )
            for each in packed["cells"]
        ]
        return CompactMind(packed["mean"], packed["deviation"], packed["belief"], cells)


def _sighting(memory: Memory, place: Tensor, labels: tuple[int, ...]) -> Sighting:
    return Sighting(memory.cells[None], memory.masks_of(labels)[None], place[None])


def _choose(masks: Tensor, size: torch.Size) -> Tensor:
    """Return the numbers of the cells to keep: objects and what touches them, then the rest."""
    objects = (1 - masks[0]).view(1, 1, *size)
    near = F.max_pool2d(objects, 3, stride=1, padding=1).flatten() > 0.1
    inside, outside = torch.where(near)[0], torch.where(~near)[0]
    inside = _evenly(inside, max(MOST_CELLS * 3 // 4, MOST_CELLS - len(outside)))
    return torch.cat([inside, _evenly(outside, MOST_CELLS - len(inside))])


def _evenly(numbers: Tensor, most: int) -> Tensor:
    if len(numbers) <= most:
        return numbers
    return numbers[torch.linspace(0, len(numbers) - 1, most, device=numbers.device).long()]
