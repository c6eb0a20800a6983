"""The tracker itself: what it remembers, and how it weighs its witnesses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.handcrafted.features import CELL, Encoding, contrast_around, encode
from napari_lazyvos.trackers.handcrafted.flow import consistency, motion, warp
from napari_lazyvos.trackers.handcrafted.matching import read
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["HandcraftedTracker"]

_FLOOR = 1e-3
_SHORT_SIDE = 240
_MOST_READ = 3


@dataclass(frozen=True, slots=True)
class _Memory:
    """One remembered frame, with where its pixels have gone since."""

    t: int
    encoding: Encoding
    masks: Tensor  # (1 + K, h, w) float32, background first
    labels: tuple[int, ...]  # those this frame speaks of
    drift: Tensor  # (2, h, w): from the latest frame's pixels to this frame's


@dataclass(frozen=True, slots=True)
class _Pending:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    encoding: Encoding
    masks: Tensor
    drifts: tuple[Tensor, ...]


@dataclass(slots=True)
class _State:
    """All that a tracker knows."""

    shape: tuple[int, int]  # of the video
    size: tuple[int, int]  # at which the tracker works
    contrast: float
    labels: tuple[int, ...] = ()
    last: _Memory | None = None
    permanent: list[_Memory] = field(default_factory=list)


class HandcraftedTracker:
    """Follow objects by what they look like and how they move, with no learned weights."""

    name = "handcrafted"

    def __init__(
        self, *, weights: Any = None, device: torch.device | None = None, size: int = 480
    ) -> None:
        if weights is not None:
            raise LazyVosError("The tracker handcrafted has no weights: load it without any.")
        self.device = device or torch.device("cpu")
        self._size = size
        self._state: _State | None = None
        self._pending: _Pending | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._state.labels if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that are remembered, sorted."""
        if self._state is None or self._state.last is None:
            return ()
        return tuple(sorted({m.t for m in (*self._state.permanent, self._state.last)}))

    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        state = self._state
        if state is None or state.last is None:
            raise LazyVosError("The tracker remembers nothing yet: commit a first mask before.")
        self._pending = self._predict(state, frame)
        return _enlarge(self._pending.masks, state.shape)

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
        pending, self._pending = self._pending, None
        if probabilities is None:
            return
        given = probabilities.to(self.device, torch.float32)
        if self._state is None:
            self._state = self._begin(frame, given)
        state = self._state
        missing = set(state.labels) - set(labels)
        if state.last and (pending is None or pending.frame is not frame):
            pending = self._predict(state, frame) if missing else None
        known = state.labels
        state.labels = (*known, *(label for label in labels if label not in known))
        encoding = pending.encoding if pending else self._encode(state, frame)
        small = _shrink(given, state.size)
        masks = torch.zeros(1 + len(state.labels), *state.size, device=self.device)
        if pending and missing:
            masks[: 1 + len(known)] = pending.masks
        for channel, label in enumerate(labels, start=1):
            masks[1 + state.labels.index(label)] = small[channel]
        others = [i for i, label in enumerate(state.labels, start=1) if label in missing]
        masks[others] = torch.minimum(masks[others], small[:1])
        masks[0] = (1 - masks[1:].sum(0)).clamp(min=0)
        still = torch.zeros(2, *state.size, device=self.device)
        if pending:
            state.permanent = [
                replace(m, drift=d) for m, d in zip(state.permanent, pending.drifts, strict=True)
            ]
        state.last = _Memory(t, encoding, masks / masks.sum(0), state.labels, still)
        if permanent:
            spoken = replace(state.last, masks=_spread(state.last, labels), labels=labels)
            state.permanent = [m for m in state.permanent if m.t != t] + [spoken]

    def forget(self, label: int) -> None:
        """Remove an object from memory; its pixels become background there."""
        state = self._state
        if state is None or label not in state.labels:
            return
        self._pending = None
        state.labels = tuple(other for other in state.labels if other != label)
        state.permanent = [_without(m, label) for m in state.permanent]
        if state.last:
            state.last = _without(state.last, label)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory."""
        state = self._state
        if state is None:
            return {}
        return {
            "shape": state.shape,
            "size": state.size,
            "contrast": state.contrast,
            "labels": state.labels,
            "last": _pack(state.last) if state.last else None,
            "permanent": [_pack(m) for m in state.permanent],
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._pending = None
        if not snapshot:
            self._state = None
            return
        self._state = _State(
            shape=tuple(snapshot["shape"]),
            size=tuple(snapshot["size"]),
            contrast=snapshot["contrast"],
            labels=tuple(snapshot["labels"]),
            last=self._unpack(snapshot["last"]) if snapshot["last"] else None,
            permanent=[self._unpack(m) for m in snapshot["permanent"]],
        )

    def _begin(self, frame: np.ndarray, masks: Tensor) -> _State:
        height, width = frame.shape[1:]
        short = _SHORT_SIDE if self._size == 480 else max(16, self._size // 2)
        if self._size == -1:
            short = min(height, width)
        factor = short / min(height, width)
        size = tuple(CELL * max(8, round(side * factor / CELL)) for side in (height, width))
        small = _shrink(masks, (size[0], size[1]))
        plain = encode(frame, (size[0], size[1]), 1.0, self.device)
        contrast = contrast_around(plain.colour[0], small[1:].sum(0))
        return _State((height, width), (size[0], size[1]), contrast)

    def _encode(self, state: _State, frame: np.ndarray) -> Encoding:
        return encode(frame, state.size, state.contrast, self.device)

    def _predict(self, state: _State, frame: np.ndarray) -> _Pending:
        assert state.last is not None
        last = state.last
        now = self._encode(state, frame)
        back = motion(now.grey, last.encoding.grey).to(self.device)
        forth = motion(last.encoding.grey, now.grey).to(self.device)
        trust = consistency(back, forth)
        drifts = tuple(back + warp(m.drift, back) for m in state.permanent)
        labels = state.labels
        matched = _look_up(now, last, back, radius=6, labels=labels)
        carried = warp(_spread(last, labels), back)
        votes = [(carried * trust + matched * (1 - trust)), matched]
        for memory, drift in list(zip(state.permanent, drifts, strict=True))[-_MOST_READ:]:
            votes.append(_look_up(now, memory, drift, radius=10, labels=labels))
        logs = torch.stack([vote.clamp(min=_FLOOR).log() for vote in votes])
        return _Pending(frame, now, logs.mean(0).softmax(0), drifts)

    def _unpack(self, packed: dict[str, Any]) -> _Memory:
        grey = packed["grey"].numpy().copy()
        colour, cells, masks, drift = (
            packed[key].to(self.device, copy=True) for key in ("colour", "cells", "masks", "drift")
        )
        encoding = Encoding(grey, colour, cells)
        return _Memory(packed["t"], encoding, masks, tuple(packed["labels"]), drift)


def _look_up(
    now: Encoding, memory: _Memory, drift: Tensor, *, radius: int, labels: tuple[int, ...]
) -> Tensor:
    masks = _spread(memory, labels)
    there = F.avg_pool2d(torch.cat((drift / CELL, masks)), CELL)
    remembered = warp(torch.cat((memory.encoding.cells, there[2:])), there[:2])
    depth = now.cells.shape[0]
    readout, _ = read(now.cells, remembered[:depth], remembered[depth:], radius, 10.0, 20.0)
    size = (now.colour.shape[-2], now.colour.shape[-1])
    return F.interpolate(readout[None], size, mode="bilinear", align_corners=False)[0]


def _spread(memory: _Memory, labels: tuple[int, ...]) -> Tensor:
    """Masks for all labels; one that the memory does not speak of is as likely as background."""
    positions = [
        memory.labels.index(label) + 1 if label in memory.labels else 0 for label in labels
    ]
    return memory.masks[[0, *positions]]


def _without(memory: _Memory, label: int) -> _Memory:
    if label not in memory.labels:
        return memory
    others = tuple(other for other in memory.labels if other != label)
    masks = _spread(memory, others)
    masks[0] += memory.masks[1 + memory.labels.index(label)]
    return replace(memory, masks=masks, labels=others)


def _pack(memory: _Memory) -> dict[str, Any]:
    return {
        "t": memory.t,
        "grey": torch.from_numpy(memory.encoding.grey.copy()),
        "colour": memory.encoding.colour.cpu().clone(),
        "cells": memory.encoding.cells.cpu().clone(),
        "masks": memory.masks.cpu().clone(),
        "labels": memory.labels,
        "drift": memory.drift.cpu().clone(),
    }


def _shrink(masks: Tensor, size: tuple[int, int]) -> Tensor:
    if masks.shape[-2:] == size:
        return masks
    return F.interpolate(masks[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def _enlarge(masks: Tensor, shape: tuple[int, int]) -> Tensor:
    full = F.interpolate(masks[None], shape, mode="bilinear", antialias=True, align_corners=False)[
        0
    ]
    return full / full.sum(0)
