"""What a place looks like, without learning: colour at two scales, edges and their directions.

Oriented energies, divided by the contrast around them, are those of Dalal & Triggs 2005 (HOG),
kept dense.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["CELL", "blur", "contrast_around", "describe", "to_cells", "to_lab", "to_pixels"]

CELL = 2
"""Pixels along one side of a cell, at working scale."""

_DIRECTIONS = 6
# Weights chosen on the developers' clips, for colours in units of the contrast.
_COARSE = 0.7
_ORIENTED = 0.5
_ENERGY = 0.4
_LEAST_CONTRAST = 0.02


def to_lab(rgb: np.ndarray, contrast: float, device: torch.device) -> Tensor:
    """Return an (h, w, 3) float32 RGB image in [0, 1] as CIE Lab, (3, h, w).

    Lightness runs from 0 to ``1 / contrast``, so that a difference of 1 is one contrast.
    """
    lab = np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab).transpose(2, 0, 1))
    return torch.from_numpy(lab).to(device) / (100 * contrast)


def contrast_around(lightness: Tensor, masks: Tensor) -> float:
    """Return the standard deviation of lightness around the objects.

    Parameters
    ----------
    lightness, masks : (h, w) float tensors

    Returns
    -------
    float, in units of `lightness`, at least 0.02 so that noise in flat images does not count
    """
    rows, columns = torch.where(masks > 0.5)
    region = lightness
    if len(rows):
        margin = int(math.sqrt(len(rows)) / 2) + 4
        top, left = max(0, int(rows.min()) - margin), max(0, int(columns.min()) - margin)
        region = lightness[top : int(rows.max()) + margin, left : int(columns.max()) + margin]
    return max(_LEAST_CONTRAST, float(region.std()))


def describe(colour: Tensor) -> Tensor:
    """Return the features of cells: (3, h, w) Lab to (14, h / CELL, w / CELL)."""
    fine = to_cells(colour)
    oriented = blur(to_cells(_oriented_energy(blur(colour[:1], 1.0)[0])), 1.5)
    energy = oriented.sum(0, keepdim=True)
    oriented = oriented / (blur(energy, 6.0) + 0.1)
    return torch.cat(
        (
            fine,
            _COARSE * blur(fine, 2.5),
            _ORIENTED / math.sqrt(_DIRECTIONS) * oriented,
            _ENERGY * torch.cat((energy, blur(energy, 4.0))).sqrt(),
        )
    )


def blur(image: Tensor, sigma: float) -> Tensor:
    """Blur a (C, H, W) tensor with a Gaussian; the border goes on beyond itself."""
    radius = max(1, round(2.5 * sigma))
    places = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-places.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(image[:, None], (radius, radius, radius, radius), mode="replicate")
    along_y = F.conv2d(padded, kernel[None, None, :, None])
    return F.conv2d(along_y, kernel[None, None, None, :])[:, 0]


def to_cells(image: Tensor) -> Tensor:
    """Average the pixels of each cell: (C, h, w) to (C, h / CELL, w / CELL)."""
    return F.avg_pool2d(image[None], CELL)[0]


def to_pixels(cells: Tensor) -> Tensor:
    """Spread cells over pixels, linearly: (C, h / CELL, w / CELL) to (C, h, w)."""
    return F.interpolate(cells[None], scale_factor=CELL, mode="bilinear", align_corners=False)[0]


def _oriented_energy(lightness: Tensor) -> Tensor:
    """Return how strong the edges of each direction are: (h, w) to (_DIRECTIONS, h, w)."""
    along_x = F.pad(lightness[:, 2:] - lightness[:, :-2], (1, 1)) / 2
    along_y = F.pad(lightness[2:] - lightness[:-2], (0, 0, 1, 1)) / 2
    strength = (along_x.square() + along_y.square()).sqrt()
    double_angle = 2 * torch.atan2(along_y, along_x)  # an edge and its opposite are one direction
    centres = torch.arange(_DIRECTIONS, device=lightness.device) * (2 * torch.pi / _DIRECTIONS)
    return strength * F.relu(torch.cos(double_angle - centres[:, None, None]))
