"""Weigh what the witnesses say of one frame: motion, matching, looks and place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.trackers.handcrafted.edges import snap
from napari_lazyvos.trackers.handcrafted.features import CELL, blur, to_cells, to_pixels
from napari_lazyvos.trackers.handcrafted.matching import read
from napari_lazyvos.trackers.windowed.flow import consistency, warp
from napari_lazyvos.trackers.windowed.fragments import drop_fragments
from napari_lazyvos.trackers.windowed.memory import Memory, State
from napari_lazyvos.trackers.windowed.tracker import MOST_READ, Motion, View, seen_from

__all__ = ["ColourView", "predict"]

# Weights and ranges below were chosen on the developers' clips (docs/explanation/benchmarks.md).
_SHARE = 1 / 3  # of each of: carried along, matched in the last frame, in the permanent ones
_LOOKS = 1.0  # of looks, beside the shares
_LOOKS_UNSEEN = 0.3  # more of looks where the flow is not to be trusted
_PLACE_UNSEEN = 0.3  # and of being near where the object was expected
_PLACE_BLUR = 1.5  # that nearness, in steps of 4 pixels
_SHARPEN = 2.0  # undoes the blur of warping a mask again and again
_FLOOR = 1e-3  # no vote is more certain than this
_LEAST_SHARE = 0.4  # of a mask's largest piece: smaller ones are doubted
_LEAST_TRUST = 0.2
_NARROW, _WIDE = 1.6, 4.0  # reach in the permanent frames, in cells
_LATEST = 1.0  # reach in the last frame, which the flow points into


@dataclass(frozen=True, slots=True)
class ColourView(View):
    """A view with its colours."""

    colour: Tensor  # (3, h, w) float32, Lab in units of contrast


def predict(state: State, view: ColourView, motion: Motion) -> Tensor:
    """Return the masks in a view, (1 + K, h, w) float32, which sum to 1."""
    last, labels, mind = state.last, state.labels, state.mind
    trust = consistency(motion.back, motion.forth).clamp(min=_LEAST_TRUST)
    carried = warp(last.masks, motion.place)
    matched = _look_up(view, last, motion.place, labels, reach=_LATEST)
    carried = carried * trust + matched * (1 - trust)
    able = _ramp(mind.recovery, -0.2, 0.2, least=0.2)
    # Where matching is not able, motion has its shares.
    logits = trust * _SHARE * ((3 - 2 * able) * _log(carried) + able * _log(matched))
    logits += able * _SHARE * _vote_of_permanent(state, view, motion)
    telling = _ramp(mind.looks.telling, 0.2, 0.6)
    looks = to_pixels(mind.looks.classify(view.cells)).log()
    logits += telling * (_LOOKS + _LOOKS_UNSEEN * (1 - trust)) * looks[[0] + [1] * len(labels)]
    logits += (1 - trust) * _PLACE_UNSEEN * _log(_near(carried))
    masks = (_SHARPEN * logits).softmax(0)
    return drop_fragments(snap(masks, view.colour), _LEAST_SHARE)


def _vote_of_permanent(state: State, view: ColourView, motion: Motion) -> Tensor:
    labels = state.labels
    reach = _NARROW + (_WIDE - _NARROW) * _ramp(state.mind.recovery, 0.3, 0.5)
    votes = [torch.zeros(1 + len(labels), *motion.window.size, device=view.cells.device)]
    read_now = list(zip(state.permanent, motion.drifts, strict=True))[-MOST_READ:]
    for memory, drift in read_now:
        place = seen_from(motion.window, memory.window, drift)
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


def _near(masks: Tensor) -> Tensor:
    step = F.avg_pool2d(masks[None], 4)[0]
    return F.interpolate(
        blur(step, _PLACE_BLUR)[None], scale_factor=4, mode="bilinear", align_corners=False
    )[0]


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(min=_FLOOR).log()


def _ramp(value: float, low: float, high: float, *, least: float = 0.0) -> float:
    return least + (1 - least) * min(1.0, max(0.0, (value - low) / (high - low)))
