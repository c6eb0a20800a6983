"""What a place looks like, without learning: colour at two scales, and oriented gradients."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 2
ORIENT = 6
W_COLOUR, W_COARSE, W_GRAD = 1.0, 0.7, 0.5


@dataclass(frozen=True, slots=True)
class Encoding:
    """One frame as the tracker sees it, at working resolution (h, w) and in cells."""

    grey: np.ndarray  # (h, w) uint8, for the flow
    colour: Tensor  # (3, h, w) float32, CIE Lab / 100
    cells: Tensor  # (D, h / CELL, w / CELL) float32


def encode(
    frame: np.ndarray, size: tuple[int, int], contrast: float, device: torch.device
) -> Encoding:
    h, w = size
    rgb = np.ascontiguousarray(frame.transpose(1, 2, 0))
    shrink = h * w < rgb.shape[0] * rgb.shape[1]
    if rgb.shape[:2] != size:
        rgb = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    grey = np.round(np.clip(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 0, 1) * 255).astype(np.uint8)
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
    colour = torch.from_numpy(np.ascontiguousarray(lab.transpose(2, 0, 1))).to(device) / (
        100 * contrast
    )
    return Encoding(grey, colour, describe(colour))


def gauss(x: Tensor, sigma: float) -> Tensor:
    r = max(1, round(2.5 * sigma))
    k = torch.exp(-torch.arange(-r, r + 1, device=x.device).float().square() / (2 * sigma**2))
    k = k / k.sum()
    x = F.pad(x[:, None], (r, r, r, r), mode="replicate")
    x = F.conv2d(x, k[None, None, :, None])
    return F.conv2d(x, k[None, None, None, :])[:, 0]


def describe(colour: Tensor) -> Tensor:
    L = gauss(colour[:1], 1.0)[0]
    gx = F.pad(L[:, 2:] - L[:, :-2], (1, 1)) / 2
    gy = F.pad(L[2:] - L[:-2], (0, 0, 1, 1)) / 2
    mag = (gx.square() + gy.square()).sqrt()
    ang = torch.atan2(gy, gx) * 2
    centers = torch.arange(ORIENT, device=L.device) * (2 * torch.pi / ORIENT)
    e = mag * F.relu(torch.cos(ang - centers[:, None, None]))
    e = F.avg_pool2d(e[None], CELL)[0]
    e = gauss(e, 1.5)
    e = e / (gauss(e.sum(0, keepdim=True), 6) + 0.1)
    fine = F.avg_pool2d(colour[None], CELL)[0]
    coarse = gauss(fine, 2.5)
    return torch.cat((fine * W_COLOUR, coarse * W_COARSE, e * W_GRAD / ORIENT**0.5))


def contrast_around(lightness: Tensor, masks: Tensor) -> float:
    """Return the standard deviation of lightness in the box of the masks and its surroundings."""
    inside = masks > 0.5
    if not bool(inside.any()):
        return max(0.02, float(lightness.std()))
    rows, columns = torch.where(inside)
    margin = int(inside.sum().sqrt() / 2) + 4
    top, left = max(0, int(rows.min()) - margin), max(0, int(columns.min()) - margin)
    region = lightness[top : int(rows.max()) + margin, left : int(columns.max()) + margin]
    return max(0.02, float(region.std()))
