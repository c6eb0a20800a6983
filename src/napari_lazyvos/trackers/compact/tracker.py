"""The bundled tracker: what it looks at, and what it keeps to look it up anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.keeping import Keeping
from napari_lazyvos.nets.compact import CompactNet, Looks
from napari_lazyvos.nets.weights import Weights, fill
from napari_lazyvos.trackers.compact.mind import MOST_KEPT, Cells, CompactMind
from napari_lazyvos.trackers.compact.witnesses import Sighting, predict
from napari_lazyvos.trackers.dropout import Dropout
from napari_lazyvos.trackers.protocol import Probabilities, RememberedFrame
from napari_lazyvos.trackers.remembered import check_remembered
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


class CompactTracker(WindowedTracker):
    """Follow objects with a small network that was trained on synthetic clips.

    Parameters
    ----------
    weights : a .safetensors file, a state dict, or None for the bundled ones
    device, size : see `WindowedTracker`
    memory : {"fifo", "all", "readmem"}
        Which frames are kept to be looked up anywhere; see `Keeping`. Permanent frames, three at
        most beside those that a person wants to be kept, are in any of them.
    memory_size : int
        So many frames are kept beside the permanent ones; for READMem, with three of those.
    dropout, passes, seed : see `Dropout`; of `samples` alone

    Raises
    ------
    LazyVosError
        If an option is out of its range, or there is no such memory.
    """

    name = "compact"
    memories = ("fifo", "all", "readmem")
    _enough = 32

    def __init__(
        self,
        *,
        weights: Weights = None,
        device: torch.device | None = None,
        size: int = 480,
        memory: str = "fifo",
        memory_size: int = MOST_KEPT,
        dropout: float = 0.2,
        passes: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__(device=device, size=size)
        self._keeping = Keeping(memory, memory_size)
        self._keeping.check(self.name, self.memories)
        self._dropout = Dropout(dropout, passes, seed)
        self.net = fill(CompactNet(), weights, "tracker").to(self.device)

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """The frames whose cells are kept, and the permanent ones that are read near by; sorted."""
        if self._state is None:
            return ()
        permanent = {each.t: each.permanent for each in self._state.mind.cells}
        permanent |= {memory.t: True for memory in self._state.permanent[-MOST_READ:]}
        return tuple(RememberedFrame(t, permanent[t]) for t in sorted(permanent))

    @property
    def diversity(self) -> float | None:
        """How diverse the kept cells are; see `RememberingTracker.diversity`."""
        return self._state.mind.diversity if self._state is not None else None

    def forget_frame(self, t: int) -> None:
        """Remove one frame from memory; see `RememberingTracker.forget_frame`."""
        state = self._state
        if state is not None and {each.t for each in state.mind.cells} == {t}:
            raise LazyVosError(
                f"Frame {t} is the only one in memory, and cannot be forgotten: track on before."
            )
        super().forget_frame(t)

    def keep_frame(self, t: int) -> None:
        """Make one frame permanent; see `RememberingTracker.keep_frame`."""
        check_remembered(t, self.remembered)
        if self._state is not None:
            self._state.mind.keep(t)

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
        return CompactMind(float(picture.mean()), deviation, belief, self._keeping)

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
        if permanent or state.mind.is_due(state.last.t, MEMORY_EVERY):
            state.mind.add(Cells.of(state.last, view.looks.far[0], permanent=permanent))

    def _relearn(self, state: State) -> None:
        asked = [each for each in state.mind.cells if each.kept]
        state.mind.clear()
        kept = [(memory, True) for memory in state.permanent]
        if not kept or state.last.t != kept[-1][0].t:
            kept.append((state.last, False))
        for memory, permanent in kept:
            looks = self._look(memory.as_unit(), state.mind).looks
            state.mind.add(Cells.of(memory, looks.far[0], permanent=permanent))
        seen_again = {memory.t for memory in state.permanent}
        for cells in asked:
            if cells.t not in seen_again:  # there is no picture of it to be looked at again
                state.mind.add(cells)
            state.mind.keep(cells.t)

    def _unlearn(self, state: State, label: int) -> None:
        state.mind.cells = [cells.without(label) for cells in state.mind.cells]

    def _unlearn_frame(self, state: State, t: int) -> None:
        state.mind.drop(t)

    def _unpack_mind(self, packed: dict[str, Any]) -> CompactMind:
        return CompactMind.unpack(packed, self._keeping, self.device)


def _sighting(memory: Memory, place: Tensor, labels: tuple[int, ...]) -> Sighting:
    return Sighting(memory.cells[None], memory.masks_of(labels)[None], place[None])
