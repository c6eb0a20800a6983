"""The tracker: when to look where, and what to remember."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.handcrafted.features import contrast_around, to_cells
from napari_lazyvos.trackers.handcrafted.looks import Looks
from napari_lazyvos.trackers.handcrafted.matching import recovery
from napari_lazyvos.trackers.handcrafted.memory import Memory, State
from napari_lazyvos.trackers.handcrafted.votes import View, predict
from napari_lazyvos.trackers.windowed.window import Grid, Window
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["HandcraftedTracker"]


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    view: View
    masks: Tensor  # (1 + K, h, w), in the view's window
    full: Tensor  # (1 + K, H, W), at the video's size
    drifts: tuple[Tensor, ...]  # one for each permanent frame


class HandcraftedTracker:
    """Follow objects by how they move and what they look like, with no learned weights.

    Parameters
    ----------
    weights : None
        There are none.
    device : torch.device or None
        None is the CPU. Optical flow is computed on the CPU in any case.
    size : int
        In frames whose short side is longer than this, small objects are looked at as coarsely
        as if the frame had been brought to it; -1 means that frames keep their size.
    """

    name = "handcrafted"

    def __init__(
        self, *, weights: Any = None, device: torch.device | None = None, size: int = 480
    ) -> None:
        if weights is not None:
            raise LazyVosError("The tracker handcrafted has no weights: load it without any.")
        if size != -1 and size < 16:
            raise LazyVosError(f"size is {size}: give 16 or more pixels, or -1 for native size.")
        self.device = device or torch.device("cpu")
        self._size = size
        self._state: State | None = None
        self._waiting: _Prediction | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._state.labels if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that are remembered, sorted."""
        if self._state is None:
            return ()
        return tuple(sorted({m.t for m in (*self._state.permanent, self._state.last)}))

    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        if self._state is None:
            raise LazyVosError("The tracker remembers nothing yet: commit a first mask before.")
        self._waiting = self._predict(self._state, frame)
        return self._waiting.full.clone()

    def commit(
        self,
        t: int,
        frame: np.ndarray,
        probabilities: Probabilities | None,
        labels: tuple[int, ...],
        *,
        permanent: bool = False,
    ) -> None:
        """Tell the tracker what a frame holds; see `Tracker.commit`."""
        waiting, self._waiting = self._waiting, None
        if probabilities is None:
            return
        given = probabilities.to(self.device, torch.float32)
        if self._state is None:
            self._state = self._begin(t, frame, given, labels, permanent=permanent)
            return
        state = self._state
        if waiting is None or waiting.frame is not frame:
            waiting = self._predict(state, frame)
        around = state.grid.around(given[0] < 0.5)
        if around and not waiting.view.window.contains(around):
            waiting = self._predict(state, frame, waiting.view.window.union(around))
        masks, known = _merge(state, waiting, given, labels)
        self._remember(t, waiting, masks, known)
        small = to_cells(masks)
        cells = waiting.view.cells
        state.looks = state.looks.after(cells, small, permanent=permanent)
        if permanent:
            state.recovery = recovery(cells, small)
            self._keep(labels)

    def forget(self, label: int) -> None:
        """Remove an object from memory; its pixels become background there."""
        state = self._state
        if state is None or label not in state.labels:
            return
        self._waiting = None
        state.last = state.last.without(label)
        state.permanent = [memory.without(label) for memory in state.permanent]
        first, *others = [*state.permanent, state.last]
        state.looks = Looks.of(first.cells, to_cells(first.masks))
        for memory in others:
            kept = memory is not state.last
            state.looks = state.looks.after(memory.cells, to_cells(memory.masks), permanent=kept)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        return self._state.pack() if self._state else {}

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._waiting = None
        self._state = State.unpack(snapshot, self.device) if snapshot else None

    def _begin(
        self, t: int, frame: np.ndarray, given: Tensor, labels: tuple[int, ...], *, permanent: bool
    ) -> State:
        """Choose a scale, and remember the first frame."""
        grid = Grid.suited(given, self._size)
        window = grid.around(given[0] < 0.5) or grid.whole
        masks = grid.shrink(given, window)
        plain = View.of(frame, grid, window, 1.0, self.device)
        contrast = contrast_around(plain.colour[0], masks[1:].sum(0))
        view = View.of(frame, grid, window, contrast, self.device)
        memory = Memory(t, window, view.cells, masks, labels, _still(window, self.device))
        small = to_cells(masks)
        looks = Looks.of(view.cells, small)
        kept = [memory] if permanent else []
        return State(grid, contrast, view.grey, memory, looks, recovery(view.cells, small), kept)

    def _predict(
        self, state: State, frame: np.ndarray, window: Window | None = None
    ) -> _Prediction:
        if frame.shape[1:] != (state.grid.height, state.grid.width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were "
                f"{(state.grid.height, state.grid.width)}: start a new tracker for another video."
            )
        window = window or state.grid.follow(state.last.masks, state.last.window)
        view = View.of(frame, state.grid, window, state.contrast, self.device)
        masks, drifts = predict(state, view)
        return _Prediction(frame, view, masks, state.grid.enlarge(masks, window), drifts)

    def _remember(self, t: int, seen: _Prediction, masks: Tensor, labels: tuple[int, ...]) -> None:
        """Make a frame the latest one."""
        state, view = self._state, seen.view
        assert state is not None
        state.permanent = [
            replace(memory, drift=drift)
            for memory, drift in zip(state.permanent, seen.drifts, strict=True)
        ]
        state.grey = view.grey
        still = _still(view.window, self.device)
        state.last = Memory(t, view.window, view.cells, masks, labels, still)

    def _keep(self, labels: tuple[int, ...]) -> None:
        """Make the latest frame permanent, as far as it speaks of these labels."""
        state = self._state
        assert state is not None
        last = state.last
        before = next((m.labels for m in state.permanent if m.t == last.t), ())
        spoken = tuple(k for k in last.labels if k in labels or k in before)
        kept = replace(last, masks=last.masks_of(spoken), labels=spoken)
        state.permanent = [*(m for m in state.permanent if m.t != last.t), kept]


def _merge(
    state: State, seen: _Prediction, given: Tensor, labels: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """Return masks for old and new labels: as given, else as predicted where nothing is given."""
    known = (*state.labels, *(label for label in labels if label not in state.labels))
    if labels == state.labels and torch.equal(given, seen.full):
        return seen.masks, known
    window = seen.view.window
    small = state.grid.shrink(given, window)
    masks = torch.zeros(1 + len(known), *window.size, device=given.device)
    for channel, label in enumerate(known, start=1):
        if label in labels:
            masks[channel] = small[1 + labels.index(label)]
        else:
            masks[channel] = torch.minimum(seen.masks[channel], small[0])
    masks[0] = (1 - masks[1:].sum(0)).clamp(min=0)
    return masks / masks.sum(0), known


def _still(window: Window, device: torch.device) -> Tensor:
    return torch.zeros(2, *window.size, device=device)
