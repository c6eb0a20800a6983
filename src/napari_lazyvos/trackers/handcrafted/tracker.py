"""The tracker itself: what it remembers, and how it weighs its witnesses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.handcrafted import appearance, edges
from napari_lazyvos.trackers.handcrafted.features import CELL, contrast_around, describe, gauss, to_lab
from napari_lazyvos.trackers.handcrafted.flow import consistency, motion, warp
from napari_lazyvos.trackers.handcrafted.matching import read
from napari_lazyvos.trackers.handcrafted.window import BLOCK, Grid, Window
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["HandcraftedTracker"]

_FLOOR = 1e-3
OBJ = 80
BUDGET = 120e3
BUDGETK = 250e3
UPMAX = 3.0
_MOST_READ = 3
SHARP, SPACE = 10.0, 1.0
SHARP0, SPACE0 = 10.0, 1.6
R1, R0 = 4, 8
WF, WM, W0 = 0.33, 0.33, 0.33
RW, BETA, ITERS = 3.0, 20.0, 12
GF, GFEPS, GFR = 0, 1e-2, 3
TRUSTMIX = 1
WA, AFLOOR = 0.6, 0.03
GAIN = 2.0
WA2, PH, PH0, TMIN = 0.3, 0.0, 0.0, 0.2
SLO, SHI = 0.2, 0.6
GMIN, G2LO, G2HI = 0.2, -0.2, 0.2
SPACEW, GLO, GHI = 4.0, 0.3, 0.5
GS, WG = 6.0, 0.3


@dataclass(frozen=True, slots=True)
class _Memory:
    """One remembered frame, with where its pixels have gone since."""

    t: int
    window: Window
    cells: Tensor  # (D, h / CELL, w / CELL)
    masks: Tensor  # (1 + K, h, w) float32, background first
    labels: tuple[int, ...]  # those this frame speaks of
    drift: Tensor  # (2, h', w'): from the latest window's pixels to this frame's


@dataclass(frozen=True, slots=True)
class _Pending:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    grey: np.ndarray
    window: Window
    cells: Tensor
    masks: Tensor
    full: Tensor
    drifts: tuple[Tensor, ...]


@dataclass(slots=True)
class _State:
    """All that a tracker knows."""

    grid: Grid
    contrast: float
    grey: np.ndarray | None = None
    recent: appearance.Sums | None = None
    fixed: appearance.Sums | None = None
    reach: float = 0.0
    spec: float = 0.0
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
        return self._pending.full.clone()

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
        around = state.grid.around(given[0] < 0.5)
        if pending is None or pending.frame is not frame:
            pending = self._predict(state, frame, None if state.last else around)
        if around and not pending.window.contains(around):
            pending = self._predict(state, frame, pending.window.union(around))
        known = state.labels
        missing = set(known) - set(labels)
        state.labels = (*known, *(label for label in labels if label not in known))
        window = pending.window
        if labels == known and torch.equal(given, pending.full):
            masks = pending.masks
        else:
            small = state.grid.shrink(given, window)
            masks = torch.zeros(1 + len(state.labels), *window.size, device=self.device)
            masks[: 1 + len(known)] = pending.masks
            for channel, label in enumerate(labels, start=1):
                masks[1 + state.labels.index(label)] = small[channel]
            others = [i for i, label in enumerate(state.labels, start=1) if label in missing]
            masks[others] = torch.minimum(masks[others], small[:1])
            masks[0] = (1 - masks[1:].sum(0)).clamp(min=0)
            masks = masks / masks.sum(0)
        still = torch.zeros(2, *window.size, device=self.device)
        state.permanent = [
            replace(m, drift=d) for m, d in zip(state.permanent, pending.drifts, strict=True)
        ]
        state.grey = pending.grey
        if WA:
            f = appearance.lift(pending.cells, *appearance.basis(len(pending.cells), self.device))
            new = appearance.sums(f, F.avg_pool2d(masks, CELL))
            state.recent = appearance.mix(state.recent, new, appearance.DECAY)
            if permanent:
                state.reach = _recovery(pending.cells, masks)
                state.fixed = appearance.mix(state.fixed, new, 0.5)
                state.spec = appearance.specificity(f, F.avg_pool2d(masks, CELL), appearance.fit(state.fixed))
        state.last = _Memory(t, window, pending.cells, masks, state.labels, still)
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
        if state is None or state.last is None or state.grey is None:
            return {}
        grid = state.grid
        return {
            "grid": (grid.height, grid.width, grid.pitch),
            "contrast": state.contrast,
            "grey": torch.from_numpy(state.grey.copy()),
            "labels": state.labels,
            "last": _pack(state.last),
            "permanent": [_pack(m) for m in state.permanent],
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._pending = None
        if not snapshot:
            self._state = None
            return
        self._state = _State(
            grid=Grid(*snapshot["grid"]),
            contrast=snapshot["contrast"],
            grey=snapshot["grey"].numpy().copy(),
            labels=tuple(snapshot["labels"]),
            last=self._unpack(snapshot["last"]),
            permanent=[self._unpack(m) for m in snapshot["permanent"]],
        )

    def _begin(self, frame: np.ndarray, masks: Tensor) -> _State:
        height, width = frame.shape[1:]
        sizes = masks[1:].sum((1, 2))
        sizes = sizes[sizes > 0]
        side = float(sizes.median().sqrt()) if len(sizes) else min(height, width) / 4
        probe = Grid(height, width, max(1, round(side / 4)))
        window = probe.around(masks[0] < 0.5) or probe.whole
        area = window.size[0] * window.size[1] * (probe.pitch / BLOCK) ** 2
        budget = BUDGET + (BUDGETK - BUDGET) * min(1, (len(sizes) - 1) / 8)
        factor = min(OBJ / side, (budget / area) ** 0.5, UPMAX)
        if self._size != -1:
            factor = min(factor, max(1.0, self._size / min(height, width)) * UPMAX)
        grid = Grid(height, width, max(1, round(BLOCK / factor)))
        window = grid.around(masks[0] < 0.5) or grid.whole
        lab = to_lab(grid.cut(_last_axis(frame), window), 1.0, self.device)
        return _State(grid, contrast_around(lab[0], grid.shrink(masks[1:], window).sum(0)))

    def _predict(
        self, state: _State, frame: np.ndarray, window: Window | None = None
    ) -> _Pending:
        last, grid = state.last, state.grid
        if window is None:
            window = grid.follow(last.masks, last.window) if last else grid.whole
        image = _last_axis(frame)
        colour = to_lab(grid.cut(image, window), state.contrast, self.device)
        cells = describe(colour)
        light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        grey = np.round(light.clip(0, 1) * 255).astype(np.uint8)
        if last is None or state.grey is None:
            masks = torch.ones(1, *window.size, device=self.device)
            return _Pending(frame, grey, window, cells, masks, grid.enlarge(masks, window), ())
        here, before = grid.cut(grey, window), grid.cut(state.grey, window)
        back = motion(here, before).to(self.device)
        forth = motion(before, here).to(self.device)
        trust = consistency(back, forth)
        step = _shift(back, window, last.window)
        drifts = tuple(back + warp(m.drift, step) for m in state.permanent)
        labels = state.labels
        matched = _look_up(cells, last, step, R1, SHARP, SPACE, labels)
        carried = warp(_spread(last, labels), step)
        if PH:
            trust = trust * _likeness(cells, last, step, PH)
        trust = trust.clamp(min=TMIN)
        f = appearance.lift(cells, *appearance.basis(len(cells), self.device))
        theta = appearance.fit(appearance.mix(state.fixed, state.recent, 1 - appearance.SHARE))
        p = (f @ theta).T.unflatten(1, cells.shape[1:]).clamp(min=AFLOOR)
        p = F.interpolate(p[None], scale_factor=2, mode="bilinear", align_corners=False)[0]
        p = (p / p.sum(0)).log()
        p = p[[0] + [1] * len(labels)]
        good = GMIN + (1 - GMIN) * min(1, max(0, (state.reach - G2LO) / (G2HI - G2LO)))
        logs = trust * ((WF + (1 - good) * (WM + W0)) * carried.clamp(min=_FLOOR).log() + good * WM * matched.clamp(min=_FLOOR).log())
        logs = logs + min(1, max(0, (state.spec - SLO) / (SHI - SLO))) * (WA + WA2 * (1 - trust)) * p
        if WG:
            near = gauss(F.avg_pool2d(carried, 4), GS / 4)
            near = F.interpolate(near[None], scale_factor=4, mode="bilinear", align_corners=False)[0]
            logs = logs + (1 - trust) * WG * near.clamp(min=_FLOOR).log()
        for memory, drift in list(zip(state.permanent, drifts, strict=True))[-_MOST_READ:]:
            place = _shift(drift, window, memory.window)
            vote = good * W0 * _look_up(cells, memory, place, R0, SHARP0, SPACE0 + (SPACEW - SPACE0) * min(1, max(0, (state.reach - GLO) / (GHI - GLO))), labels).clamp(min=_FLOOR).log()
            logs = logs + (vote * _likeness(cells, memory, place, PH0) if PH0 else vote)
        masks = (logs * GAIN).softmax(0)
        if RW > 0:
            masks = edges.smooth(masks, colour, RW, BETA, ITERS)
        if GF:
            masks = edges.guided(masks, colour, GFR, GFEPS)
        full = grid.enlarge(masks, window)
        return _Pending(frame, grey, window, cells, masks, full, drifts)

    def _unpack(self, packed: dict[str, Any]) -> _Memory:
        cells, masks, drift = (
            packed[key].to(self.device, copy=True) for key in ("cells", "masks", "drift")
        )
        labels, window = tuple(packed["labels"]), Window(*packed["window"])
        return _Memory(packed["t"], window, cells, masks, labels, drift)


def _look_up(
    cells: Tensor,
    memory: _Memory,
    place: Tensor,
    radius: int,
    sharp: float,
    space: float,
    labels: tuple[int, ...],
) -> Tensor:
    masks = F.avg_pool2d(_spread(memory, labels), CELL)
    place = F.avg_pool2d(place / CELL, CELL)
    remembered = warp(torch.cat((memory.cells, masks)), place)
    depth = cells.shape[0]
    readout = read(
        cells,
        remembered[:depth],
        remembered[depth:],
        radius=radius,
        sharpness=sharp,
        reach=space,
    )
    return F.interpolate(readout[None], scale_factor=CELL, mode="bilinear", align_corners=False)[0]


def _shift(flow: Tensor, window: Window, other: Window) -> Tensor:
    x, y = window.offset_in(other)
    return flow + torch.tensor((x, y), dtype=flow.dtype, device=flow.device)[:, None, None]


def _last_axis(frame: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(frame.transpose(1, 2, 0), dtype=np.float32)


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
    w = memory.window
    return {
        "t": memory.t,
        "window": (w.top, w.left, w.bottom, w.right),
        "cells": memory.cells.cpu().clone(),
        "masks": memory.masks.cpu().clone(),
        "labels": memory.labels,
        "drift": memory.drift.cpu().clone(),
    }


def _likeness(cells: Tensor, memory: _Memory, place: Tensor, sharp: float) -> Tensor:
    there = warp(memory.cells, F.avg_pool2d(place / CELL, CELL))
    like = torch.exp(-sharp * (there - cells).square().sum(0, keepdim=True))
    return F.interpolate(like[None], scale_factor=CELL, mode="bilinear", align_corners=False)[0, 0]


def _recovery(cells: Tensor, masks: Tensor) -> float:
    small = F.avg_pool2d(masks, CELL)
    gains = []
    for dx, dy in ((4, 0), (-4, 0), (0, 4), (0, -4)):
        place = torch.tensor((dx, dy), dtype=torch.float32, device=cells.device)
        place = place[:, None, None].expand(2, *cells.shape[1:])
        depth = len(cells)
        there = warp(torch.cat((cells, small)), place)
        found = read(cells, there[:depth], there[depth:], radius=R0, sharpness=SHARP0, reach=4.0)
        j = _soft_iou(found, small)
        c = _soft_iou(there[depth:], small)
        gains.append((j - c) / (1 - c + 1e-3))
    return sum(gains) / 4


def _soft_iou(a: Tensor, b: Tensor) -> float:
    both = torch.minimum(a[1:], b[1:]).sum((1, 2))
    return float((both / torch.maximum(a[1:], b[1:]).sum((1, 2)).clamp(min=1e-3)).mean())
