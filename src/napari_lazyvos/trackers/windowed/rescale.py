"""Change the scale of a tracker when its objects have grown or shrunk a lot."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.trackers.windowed.memory import Memory, State
from napari_lazyvos.trackers.windowed.window import BLOCK, Detail, Grid, Window

__all__ = ["better_grid", "transfer", "transfer_drift"]

_SMALLER = 1.6  # times smaller than what suits: then objects are looked at more closely
_LARGER = 2.0  # times more pixels than a first window may have: then more coarsely
_BROUGHT = 1.4  # and so many are left


def better_grid(state: State, detail: Detail) -> Grid | None:
    """Return the grid that suits the latest masks, if the present one does not.

    Parameters
    ----------
    state : State
    detail : Detail
    """
    grid, last = state.grid, state.last
    areas = last.masks[1:].sum((1, 2)) * (grid.pitch / BLOCK) ** 2
    areas = areas[areas > 4]
    if not len(areas):
        return None  # nothing is seen now; what comes back is best known at the scale it left
    window = grid.follow(last.masks, last.window)
    pixels = math.prod(window.size)
    share = pixels / detail.most_pixels(areas, pixels * (grid.pitch / BLOCK) ** 2)
    pitch = grid.pitch
    if share > _LARGER:
        pitch = math.ceil(grid.pitch * math.sqrt(share / _BROUGHT))
    elif grid.suited_pitch(areas, window, detail) * _SMALLER < grid.pitch:
        pitch = grid.suited_pitch(areas, window, detail)
    return None if pitch == grid.pitch else Grid(grid.height, grid.width, pitch)


def transfer(memory: Memory, old: Grid, new: Grid) -> Memory:
    """Return a memory as it would look on another grid; its cells are to be looked at anew."""
    window = new.covering(memory.window, old)
    shape = (window, memory.window, new.pitch, old.pitch)
    picture = _warp(memory.picture.cpu().numpy(), *shape)
    masks = _warp(memory.masks.cpu().permute(1, 2, 0).numpy(), *shape)
    masks = masks.reshape(*window.size, -1)  # OpenCV drops a last axis of one
    device = memory.masks.device
    return replace(
        memory,
        window=window,
        picture=torch.from_numpy(picture).to(device),
        masks=torch.from_numpy(masks).permute(2, 0, 1).contiguous().to(device),
    )


def transfer_drift(drift: Tensor, window: Window, before: Window, old: Grid, new: Grid) -> Tensor:
    """Return a drift from the pixels of the latest window, on another grid."""
    moved = _warp(drift.cpu().permute(1, 2, 0).numpy(), window, before, new.pitch, old.pitch)
    back = torch.from_numpy(moved).permute(2, 0, 1).contiguous().to(drift.device)
    return back * (old.pitch / new.pitch)


def _warp(image: np.ndarray, to: Window, of: Window, new: int, old: int) -> np.ndarray:
    """Return an (h, w, C) image of one window and pitch in another; its border goes on."""
    step = new / old  # old pixels for one new
    shift = (step - 1) / 2  # pixel centres
    corner = [(a * new - b * old) * BLOCK / old for a, b in ((to.left, of.left), (to.top, of.top))]
    affine = np.array([[step, 0, corner[0] + shift], [0, step, corner[1] + shift]])
    if step > 1:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 * step)  # no kernel of even size: it shifts
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, affine, to.size[::-1], flags=how, borderMode=cv2.BORDER_REPLICATE)
