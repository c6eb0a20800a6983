"""What a network of the space-time memory family sees of a frame: resized, normalised, padded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Canvas"]

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures


@dataclass(frozen=True, slots=True)
class Canvas:
    """Brings frames and masks of one video to the size that a network works at, and back.

    Parameters
    ----------
    height, width : of the video
    size : length to which a longer short side is brought, in pixels; -1: frames stay as they are
    stride : sides of the canvas are multiples of it; what is beyond the frame is zero
    """

    height: int
    width: int
    size: int
    stride: int = 16

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of the frame on the canvas."""
        short = min(self.height, self.width)
        if self.size == -1 or short <= self.size:
            return self.height, self.width
        return int(self.height / short * self.size), int(self.width / short * self.size)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the places that the network compares."""
        rows, columns = (math.ceil(side / self.stride) for side in self.inner)
        return rows, columns

    def image(self, frame: np.ndarray, device: torch.device) -> Tensor:
        """Return a (3, H, W) float32 frame in [0, 1] as (1, 3, h, w), normalised."""
        pixels = torch.from_numpy(np.ascontiguousarray(frame)).to(device)
        mean, deviation = (pixels.new_tensor(x)[:, None, None] for x in (_MEAN, _DEVIATION))
        return self._padded(_resized((pixels - mean) / deviation, self.inner, "bilinear"))[None]

    def masks(self, masks: Tensor) -> Tensor:
        """Return (C, H, W) masks as (C, h, w)."""
        return self._padded(_resized(masks, self.inner, "nearest"))

    def smooth(self, maps: Tensor) -> Tensor:
        """Return (C, H, W) maps with values in between, such as probabilities, as (C, h, w)."""
        return self._padded(_resized(maps, self.inner, "bilinear"))

    def back(self, probabilities: Tensor) -> Tensor:
        """Return (C, h, w) probabilities at the video's size."""
        left, _, top, _ = self._margins()
        height, width = self.inner
        inner = probabilities[:, top : top + height, left : left + width]
        return _resized(inner, (self.height, self.width), "bilinear").contiguous()

    def _margins(self) -> tuple[int, int, int, int]:
        """Return what is added to the left, right, top and bottom."""
        beyond = [-side % self.stride for side in self.inner]
        (top, bottom), (left, right) = ((each // 2, each - each // 2) for each in beyond)
        return left, right, top, bottom

    def _padded(self, tensor: Tensor) -> Tensor:
        return F.pad(tensor, self._margins())


def _resized(tensor: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    if tuple(tensor.shape[1:]) == size:
        return tensor
    corners = None if mode == "nearest" else False
    return F.interpolate(tensor[None], size, mode=mode, align_corners=corners)[0]
