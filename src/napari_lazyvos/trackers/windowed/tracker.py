"""The part of a tracker that is the same for all that look through a window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.protocol import Probabilities, RememberedFrame, Snapshot
from napari_lazyvos.trackers.remembered import check_remembered
from napari_lazyvos.trackers.windowed.flow import motion, warp
from napari_lazyvos.trackers.windowed.memory import Memory, Mind, State
from napari_lazyvos.trackers.windowed.rescale import better_grid, transfer, transfer_drift
from napari_lazyvos.trackers.windowed.window import OBJECT_SIDE, Detail, Grid, Window

__all__ = ["MOST_READ", "Motion", "View", "WindowedTracker", "seen_from"]

MOST_READ = 3
"""Permanent frames that are read, the latest; so many corrections do not slow a frame down."""


@dataclass(frozen=True, slots=True)
class View:
    """One frame as the tracker sees it; a method adds what it needs."""

    cells: Tensor  # (D, h / cell, w / cell) float32, features


@dataclass(frozen=True, slots=True)
class Motion:
    """How the pixels of a view moved since what is remembered, by optical flow."""

    window: Window  # of the view
    back: Tensor  # (2, h, w): from a pixel to the last frame, in pixels
    forth: Tensor  # (2, h, w): from the last frame to this one
    place: Tensor  # (2, h, w): from a pixel to the last memory's window
    drifts: tuple[Tensor, ...]  # (2, h, w) each: to the permanent frames

    @classmethod
    def since(cls, state: State, grey: np.ndarray, window: Window) -> Motion:
        """Measure the flow in a window between the last frame and a new one, (H, W) uint8."""
        here, before = (state.grid.cut(image, window) for image in (grey, state.grey))
        pairs = ((here, before), (before, here))
        back, forth = (motion(*pair).to(state.last.masks.device) for pair in pairs)
        place = seen_from(window, state.last.window, back)
        unread = len(state.permanent) - MOST_READ  # their drift stays: nobody asks for it
        drifts = tuple(
            memory.drift if i < unread else back + warp(memory.drift, place)
            for i, memory in enumerate(state.permanent)
        )
        return cls(window, back, forth, place, drifts)


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    grey: np.ndarray  # (H, W) uint8
    window: Window
    picture: np.ndarray  # (h, w, 3) float32
    view: Any  # a `View`
    masks: Tensor  # (1 + K, h, w), in the view's window
    full: Tensor  # (1 + K, H, W), at the video's size
    motion: Motion


class WindowedTracker(ABC):
    """Follow objects in a window around them, at a scale that suits them.

    A method says how it looks at a frame, how it predicts masks, and what it learns.

    Parameters
    ----------
    device : torch.device or None
        None is the CPU. Optical flow is computed on the CPU in any case.
    size : int
        In frames whose short side is longer than this, small objects are looked at as coarsely
        as if the frame had been brought to it; -1 means that frames keep their size.
    """

    name: str
    _enough = OBJECT_SIDE  # see `Detail`

    def __init__(self, *, device: torch.device | None = None, size: int = 480) -> None:
        if size != -1 and size < 16:
            raise LazyVosError(f"size is {size}: give 16 or more pixels, or -1 for native size.")
        self.device = device or torch.device("cpu")
        self._detail = Detail(size, self._enough)
        self._state: State | None = None
        self._waiting: _Prediction | None = None

    @abstractmethod
    def _meet(self, picture: np.ndarray, masks: Tensor) -> Any:
        """Return a new mind, from the first picture, (h, w, 3), and its (1 + K, h, w) masks."""

    @abstractmethod
    def _look(self, picture: np.ndarray, mind: Any) -> Any:
        """Return the `View` of an (h, w, 3) float32 picture, RGB in [0, 1]."""

    @abstractmethod
    def _predict(self, state: State, view: Any, motion: Motion) -> Tensor:
        """Return the (1 + K, h, w) masks in a view; they sum to 1."""

    @abstractmethod
    def _learn(self, state: State, view: Any, *, permanent: bool) -> None:
        """Change the mind by what the latest frame shows, which is `state.last` already."""

    @abstractmethod
    def _relearn(self, state: State) -> None:
        """Change the mind after the scale has changed, and with it all that is remembered."""

    @abstractmethod
    def _unlearn(self, state: State, label: int) -> None:
        """Change the mind as if an object had been background; the frames are changed already."""

    def _unlearn_frame(self, state: State, t: int) -> None:
        """Change the mind after a frame was forgotten; `state.permanent` is without it already."""
        self._relearn(state)

    @abstractmethod
    def _unpack_mind(self, packed: dict[str, Any]) -> Mind:
        """Return the mind that was packed."""

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

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """The permanent frames, sorted; see `RememberingTracker.remembered`."""
        kept = self._state.permanent if self._state else ()
        return tuple(RememberedFrame(t, True) for t in sorted(memory.t for memory in kept))

    @property
    def diversity(self) -> float | None:
        """None: every permanent frame stays; see `RememberingTracker.diversity`."""
        return None

    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        if self._state is None:
            raise LazyVosError("The tracker remembers nothing yet: commit a first mask before.")
        self._waiting = self._prepare(self._state, frame)
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
            self._begin(t, frame, given, labels, permanent=permanent)
            return
        state = self._state
        if waiting is None or waiting.frame is not frame:
            waiting = self._prepare(state, frame)
        around = state.grid.around(given[0] < 0.5)
        if around and not waiting.window.contains(around):
            waiting = self._prepare(state, frame, waiting.window.union(around))
        masks, known = _merge(state, waiting, given, labels)
        self._remember(t, waiting, masks, known)
        self._learn(state, waiting.view, permanent=permanent)
        if permanent:
            self._keep(labels)
        self._rescale(state)

    def forget(self, label: int) -> None:
        """Remove an object from memory; its pixels become background there."""
        state = self._state
        if state is None or label not in state.labels:
            return
        self._waiting = None
        state.last = state.last.without(label)
        state.permanent = [memory.without(label) for memory in state.permanent]
        self._unlearn(state, label)

    def forget_frame(self, t: int) -> None:
        """Remove a permanent frame; what is learned on the way is learned from the others anew."""
        check_remembered(t, self.remembered)
        state = self._state
        assert state is not None  # else nothing is remembered
        self._waiting = None
        state.permanent = [memory for memory in state.permanent if memory.t != t]
        self._unlearn_frame(state, t)

    def keep_frame(self, t: int) -> None:
        """Accept a frame that is permanent already; see `RememberingTracker.keep_frame`."""
        check_remembered(t, self.remembered)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        return self._state.pack() if self._state else {}

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._waiting = self._state = None
        if snapshot:
            mind = self._unpack_mind(snapshot["mind"])
            self._state = State.unpack(snapshot, mind, self.device)

    def _begin(
        self, t: int, frame: np.ndarray, given: Tensor, labels: tuple[int, ...], *, permanent: bool
    ) -> None:
        """Choose a scale, and remember the first frame."""
        grid = Grid.suited(given, self._detail)
        window = grid.around(given[0] < 0.5) or grid.whole
        masks = grid.shrink(given, window)
        image = _image(frame)
        picture = grid.cut(image, window)
        mind = self._meet(picture, masks)
        view = self._look(picture, mind)
        still = _still(window, self.device)
        bytes_ = _to_bytes(picture, self.device)
        memory = Memory(t, window, bytes_, view.cells, masks, labels, still)
        kept = [memory] if permanent else []
        self._state = State(grid, _grey(image), memory, mind, kept)
        self._learn(self._state, view, permanent=permanent)

    def _prepare(
        self, state: State, frame: np.ndarray, window: Window | None = None
    ) -> _Prediction:
        if frame.shape[1:] != (state.grid.height, state.grid.width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were "
                f"{(state.grid.height, state.grid.width)}: start a new tracker for another video."
            )
        window = window or state.grid.follow(state.last.masks, state.last.window)
        image = _image(frame)
        picture, grey = state.grid.cut(image, window), _grey(image)
        view = self._look(picture, state.mind)
        moved = Motion.since(state, grey, window)
        masks = self._predict(state, view, moved)
        full = state.grid.enlarge(masks, window)
        return _Prediction(frame, grey, window, picture, view, masks, full, moved)

    def _remember(self, t: int, seen: _Prediction, masks: Tensor, labels: tuple[int, ...]) -> None:
        """Make a frame the latest one."""
        state = self._state
        assert state is not None
        state.permanent = [
            replace(memory, drift=drift)
            for memory, drift in zip(state.permanent, seen.motion.drifts, strict=True)
        ]
        state.grey = seen.grey
        still = _still(seen.window, self.device)
        picture = _to_bytes(seen.picture, self.device)
        state.last = Memory(t, seen.window, picture, seen.view.cells, masks, labels, still)

    def _keep(self, labels: tuple[int, ...]) -> None:
        """Make the latest frame permanent, as far as it speaks of these labels."""
        state = self._state
        assert state is not None
        last = state.last
        before = next((m.labels for m in state.permanent if m.t == last.t), ())
        spoken = tuple(k for k in last.labels if k in labels or k in before)
        kept = replace(last, masks=last.masks_of(spoken), labels=spoken)
        state.permanent = [*(m for m in state.permanent if m.t != last.t), kept]

    def _rescale(self, state: State) -> None:
        """Look more closely or more coarsely from now on, if the objects have changed so much."""
        grid = better_grid(state, self._detail)
        if grid is None:
            return
        old, window = state.grid, state.last.window
        state.last = self._seen_again(transfer(state.last, old, grid), state.mind)
        state.permanent = [
            replace(
                self._seen_again(transfer(memory, old, grid), state.mind),
                drift=transfer_drift(memory.drift, state.last.window, window, old, grid),
            )
            for memory in state.permanent
        ]
        state.last = replace(state.last, drift=_still(state.last.window, self.device))
        state.grid = grid
        self._relearn(state)

    def _seen_again(self, memory: Memory, mind: Any) -> Memory:
        return replace(memory, cells=self._look(memory.as_unit(), mind).cells)


def _image(frame: np.ndarray) -> np.ndarray:
    """Return a (3, H, W) frame as OpenCV wants it, (H, W, 3)."""
    return np.ascontiguousarray(frame.transpose(1, 2, 0), dtype=np.float32)


def _to_bytes(picture: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.round(picture * 255).clip(0, 255).astype(np.uint8)).to(device)


def _grey(image: np.ndarray) -> np.ndarray:
    """Return the lightness of an (H, W, 3) float32 RGB image as (H, W) uint8."""
    lightness = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).clip(0, 1)
    return np.round(lightness * 255).astype(np.uint8)


def seen_from(window: Window, other: Window, flow: Tensor) -> Tensor:
    """Return a flow between places of the frame as one between pixels of two windows."""
    offset = torch.tensor(window.offset_in(other), dtype=flow.dtype, device=flow.device)
    return flow + offset[:, None, None]


def _merge(
    state: State, seen: _Prediction, given: Tensor, labels: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """Return masks for old and new labels: as given, else as predicted where nothing is given."""
    known = (*state.labels, *(label for label in labels if label not in state.labels))
    if labels == state.labels and torch.equal(given, seen.full):
        return seen.masks, known
    window = seen.window
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
