"""Weigh what the witnesses say of one frame: motion, matching, looks and place."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.trackers.handcrafted.edges import drop_fragments, snap
from napari_lazyvos.trackers.handcrafted.features import (
    CELL,
    blur,
    describe,
    to_cells,
    to_lab,
    to_pixels,
)
from napari_lazyvos.trackers.windowed.flow import consistency, motion, warp
from napari_lazyvos.trackers.handcrafted.matching import read
from napari_lazyvos.trackers.handcrafted.memory import Memory, State
from napari_lazyvos.trackers.windowed.window import Grid, Window

__all__ = ["MOST_READ", "View", "predict"]

MOST_READ = 3
"""Permanent frames that are read, the latest; so many corrections do not slow a frame down."""

# Weights and ranges below were chosen on the developers' clips (docs/explanation/benchmarks.md).
_SHARE = 1 / 3  # of each of: carried along, matched in the last frame, in the permanent ones
_LOOKS = 1.0  # of looks, beside the shares
_LOOKS_UNSEEN = 0.3  # more of looks where the flow is not to be trusted
_PLACE_UNSEEN = 0.3  # and of being near where the object was expected
_PLACE_BLUR = 1.5  # that nearness, in steps of 4 pixels
_SHARPEN = 2.0  # undoes the blur of warping a mask again and again
_FLOOR = 1e-3  # no vote is more certain than this
_LEAST_TRUST = 0.2
_NARROW, _WIDE = 1.6, 4.0  # reach in the permanent frames, in cells
_LATEST = 1.0  # reach in the last frame, which the flow points into


@dataclass(frozen=True, slots=True)
class View:
    """One frame as the tracker sees it."""

    window: Window
    grey: np.ndarray  # (H, W) uint8, the whole frame
    colour: Tensor  # (3, h, w) float32, Lab in units of contrast
    cells: Tensor  # (D, h / CELL, w / CELL) float32, features

    @classmethod
    def of(
        cls, frame: np.ndarray, grid: Grid, window: Window, contrast: float, device: torch.device
    ) -> View:
        """Look at a (3, H, W) frame through a window."""
        image = np.ascontiguousarray(frame.transpose(1, 2, 0), dtype=np.float32)
        lightness = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).clip(0, 1)
        grey = np.round(lightness * 255).astype(np.uint8)
        colour = to_lab(grid.cut(image, window), contrast, device)
        return cls(window, grey, colour, describe(colour))


def predict(state: State, view: View) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the masks in a view, and the new drift of each permanent frame.

    Returns
    -------
    (1 + K, h, w) float32 tensor that sums to 1
    tuple of (2, h, w) float32 tensors
    """
    last, labels = state.last, state.labels
    here, before = (state.grid.cut(grey, view.window) for grey in (view.grey, state.grey))
    back, forth = (motion(*pair).to(view.cells.device) for pair in ((here, before), (before, here)))
    trust = consistency(back, forth).clamp(min=_LEAST_TRUST)
    place = _seen_from(view.window, last.window, back)
    drifts = _follow(state, back, place)

    carried = warp(last.masks, place)
    matched = _look_up(view, last, place, labels, reach=_LATEST)
    carried = carried * trust + matched * (1 - trust)
    able = _ramp(state.recovery, -0.2, 0.2, least=0.2)
    # Where matching is not able, motion has its shares.
    logits = trust * _SHARE * ((3 - 2 * able) * _log(carried) + able * _log(matched))
    logits += able * _SHARE * _vote_of_permanent(state, view, drifts)
    telling = _ramp(state.looks.telling, 0.2, 0.6)
    looks = to_pixels(state.looks.classify(view.cells)).log()
    logits += telling * (_LOOKS + _LOOKS_UNSEEN * (1 - trust)) * looks[[0] + [1] * len(labels)]
    logits += (1 - trust) * _PLACE_UNSEEN * _log(_near(carried))
    masks = (_SHARPEN * logits).softmax(0)
    return drop_fragments(snap(masks, view.colour)), drifts


def _follow(state: State, back: Tensor, place: Tensor) -> tuple[Tensor, ...]:
    """Return the drifts one frame on; those of frames that are no longer read stay."""
    unread = len(state.permanent) - MOST_READ
    return tuple(
        memory.drift if i < unread else back + warp(memory.drift, place)
        for i, memory in enumerate(state.permanent)
    )


def _vote_of_permanent(state: State, view: View, drifts: tuple[Tensor, ...]) -> Tensor:
    labels = state.labels
    reach = _NARROW + (_WIDE - _NARROW) * _ramp(state.recovery, 0.3, 0.5)
    votes = [torch.zeros(1 + len(labels), *view.window.size, device=view.cells.device)]
    read_now = list(zip(state.permanent, drifts, strict=True))[-MOST_READ:]
    for memory, drift in read_now:
        place = _seen_from(view.window, memory.window, drift)
        votes.append(_log(_look_up(view, memory, place, labels, reach=reach)))
    return torch.stack(votes).sum(0) / max(1, len(read_now))


def _look_up(
    view: View, memory: Memory, place: Tensor, labels: tuple[int, ...], *, reach: float
) -> Tensor:
    """Read a remembered frame around where each pixel is thought to have been."""
    where = to_cells(place) / CELL
    masks = warp(to_cells(memory.masks_of(labels)), where)
    readout = read(view.cells, warp(memory.cells, where), masks, reach=reach)
    return to_pixels(readout)


def _seen_from(window: Window, other: Window, flow: Tensor) -> Tensor:
    """Return a flow between places of the frame as one between pixels of two windows."""
    offset = torch.tensor(window.offset_in(other), dtype=flow.dtype, device=flow.device)
    return flow + offset[:, None, None]


def _near(masks: Tensor) -> Tensor:
    step = F.avg_pool2d(masks[None], 4)[0]
    return F.interpolate(
        blur(step, _PLACE_BLUR)[None], scale_factor=4, mode="bilinear", align_corners=False
    )[0]


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(min=_FLOOR).log()


def _ramp(value: float, low: float, high: float, *, least: float = 0.0) -> float:
    return least + (1 - least) * min(1.0, max(0.0, (value - low) / (high - low)))
