"""Where the tracker looks: a window of the frame around the objects, at a scale that suits them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["BLOCK", "OBJECT_SIDE", "Detail", "Grid", "Window"]

BLOCK = 16  # pixels along one side of a block, at working scale
# Chosen on the developers' clips.
_MARGIN = 2  # blocks around the objects, room for motion; wider for larger objects
OBJECT_SIDE = 80
"""Pixels at working scale that the side of an object should have."""
_MOST_ZOOM = 3.4  # pixels at working scale for one of the video's
_MOST_PIXELS = (120_000, 250_000)  # in a first window around one object, and around 9 or more


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely a tracker looks."""

    size: int = 480
    """Frames with a longer short side are worked on no more finely than if they had been brought
    to it; -1 for no such limit."""
    enough: int = OBJECT_SIDE
    """With many objects the window may have more pixels, until the side of one has this many."""

    def most_pixels(self, areas: Tensor, extent: float) -> float:
        """Return how many pixels a first window may have, at working scale.

        Parameters
        ----------
        areas : (K,) float tensor, of the objects in pixels of the video
        extent : float, of the window in pixels of the video
        """
        one, many = _MOST_PIXELS
        if len(areas) < 2:
            return one
        more = one + (many - one) * min(1.0, (len(areas) - 1) / 8)
        enough = extent * self.enough**2 / float(areas.median())
        return max(one, min(more, enough))


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of blocks; ends are not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels at working scale."""
        return (self.bottom - self.top) * BLOCK, (self.right - self.left) * BLOCK

    def offset_in(self, other: Window) -> tuple[int, int]:
        """Return this window's corner in the pixels of another: x, then y."""
        return (self.left - other.left) * BLOCK, (self.top - other.top) * BLOCK

    def contains(self, other: Window) -> bool:
        """Whether the other lies within this one."""
        return self.union(other) == self

    def union(self, other: Window) -> Window:
        """Return the smallest window that holds both."""
        return Window(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """The frame cut into blocks of ``pitch`` x ``pitch`` pixels, each worked on as BLOCK x BLOCK.

    All windows lie on this one grid, so that what is remembered of one window can be read from
    another by a shift of whole pixels.
    """

    height: int
    width: int
    pitch: int

    @classmethod
    def suited(cls, masks: Tensor, detail: Detail) -> Grid:
        """Return the grid whose scale suits the first objects.

        Parameters
        ----------
        masks : (1 + K, H, W) float tensor, background first
        detail : Detail
        """
        height, width = masks.shape[1:]
        areas = masks[1:].sum((1, 2))
        areas = areas[areas > 0]
        side = float(areas.median().sqrt()) if len(areas) else min(height, width) / 4
        probe = cls(height, width, max(1, round(side / 4)))
        window = probe.around(masks[0] < 0.5) or probe.whole
        return cls(height, width, probe.suited_pitch(areas, window, detail))

    def suited_pitch(self, areas: Tensor, window: Window, detail: Detail) -> int:
        """Return the pitch that suits objects of these areas, in pixels, in a window."""
        short = min(self.height, self.width)
        side = float(areas.median().sqrt()) if len(areas) else short / 4
        tall, wide = (length / BLOCK * self.pitch for length in window.size)
        brought = 1.0 if detail.size == -1 else min(1.0, detail.size / short)
        zoom = min(
            OBJECT_SIDE / side,
            math.sqrt(detail.most_pixels(areas, tall * wide) / (tall * wide)),
            _MOST_ZOOM * brought,
        )
        return max(1, round(BLOCK / zoom))

    def covering(self, window: Window, other: Grid) -> Window:
        """Return the smallest window of this grid that holds a window of another one."""
        return self._clip(
            math.floor(window.top * other.pitch / self.pitch),
            math.floor(window.left * other.pitch / self.pitch),
            math.ceil(window.bottom * other.pitch / self.pitch),
            math.ceil(window.right * other.pitch / self.pitch),
        )

    @property
    def whole(self) -> Window:
        """The window that holds the whole frame."""
        return Window(0, 0, math.ceil(self.height / self.pitch), math.ceil(self.width / self.pitch))

    def around(self, mask: Tensor) -> Window | None:
        """Return the window around the pixels of a mask, with room to move; None if it is empty.

        Parameters
        ----------
        mask : (H, W) bool tensor, at the video's size
        """
        rows = torch.where(mask.any(1))[0]
        columns = torch.where(mask.any(0))[0]
        if not len(rows):
            return None
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        return self._room(top, left, bottom, right)

    def follow(self, masks: Tensor, window: Window) -> Window:
        """Return where to look next, given the masks that were found in a window.

        Parameters
        ----------
        masks : (1 + K, h, w) float tensor, at the window's size
        """
        found = masks[0] < 0.5
        rows = torch.where(found.any(1))[0]
        columns = torch.where(found.any(0))[0]
        if not len(rows):
            return self._clip(window.top - 1, window.left - 1, window.bottom + 1, window.right + 1)
        scale = self.pitch / BLOCK
        top, bottom = (window.top * BLOCK + int(rows[i]) + (i != 0) for i in (0, -1))
        left, right = (window.left * BLOCK + int(columns[i]) + (i != 0) for i in (0, -1))
        return self._room(*(round(side * scale) for side in (top, left, bottom, right)))

    def _room(self, top: int, left: int, bottom: int, right: int) -> Window:
        up = _MARGIN + (bottom - top) / self.pitch / 4
        aside = _MARGIN + (right - left) / self.pitch / 4
        return self._clip(
            math.floor(top / self.pitch - up),
            math.floor(left / self.pitch - aside),
            math.ceil(bottom / self.pitch + up),
            math.ceil(right / self.pitch + aside),
        )

    def _clip(self, top: int, left: int, bottom: int, right: int) -> Window:
        whole = self.whole
        return Window(max(0, top), max(0, left), min(whole.bottom, bottom), min(whole.right, right))

    def cut(self, image: np.ndarray, window: Window) -> np.ndarray:
        """Return a window of an (H, W) or (H, W, 3) image at working scale."""
        p = self.pitch
        top, left, bottom, right = (
            side * p for side in (window.top, window.left, window.bottom, window.right)
        )
        piece = image[top:bottom, left:right]
        below, beyond = bottom - top - piece.shape[0], right - left - piece.shape[1]
        if below or beyond:
            piece = cv2.copyMakeBorder(piece, 0, below, 0, beyond, cv2.BORDER_REPLICATE)
        if p == BLOCK:
            return np.ascontiguousarray(piece)
        how = cv2.INTER_AREA if p > BLOCK else cv2.INTER_CUBIC
        return cv2.resize(piece, window.size[::-1], interpolation=how)

    def shrink(self, masks: Tensor, window: Window) -> Tensor:
        """Return a window of (C, H, W) masks of the video's size, at working scale."""
        p = self.pitch
        top, left = window.top * p, window.left * p
        bottom, right = window.bottom * p, window.right * p
        piece = masks[:, top:bottom, left:right]
        beyond = (0, right - left - piece.shape[2], 0, bottom - top - piece.shape[1])
        if any(beyond):
            piece = F.pad(piece[None], beyond, mode="replicate")[0]
        return _resize(piece, window.size)

    def enlarge(self, masks: Tensor, window: Window) -> Tensor:
        """Return (1 + K, H, W) masks of the video's size; background outside of the window."""
        p = self.pitch
        top, left = window.top * p, window.left * p
        size = ((window.bottom - window.top) * p, (window.right - window.left) * p)
        piece = _resize(masks, size)[:, : self.height - top, : self.width - left]
        full = torch.zeros(len(masks), self.height, self.width, device=masks.device)
        full[0] = 1
        full[:, top : top + piece.shape[1], left : left + piece.shape[2]] = piece
        return full


def _resize(masks: Tensor, size: tuple[int, int]) -> Tensor:
    if masks.shape[-2:] == size:
        return masks
    shrinks = size[0] < masks.shape[-2]
    return F.interpolate(
        masks[None], size, mode="bilinear", antialias=shrinks, align_corners=False
    )[0]
