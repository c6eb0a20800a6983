"""What a place looks like, without learning: colour at two scales, and oriented gradients."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 2
ORIENT = 6
W_COLOUR, W_COARSE, W_GRAD, W_ENERGY = 1.0, 0.7, 0.5, 0.4


def to_lab(rgb: np.ndarray, contrast: float, device: torch.device) -> Tensor:
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
    return torch.from_numpy(np.ascontiguousarray(lab.transpose(2, 0, 1))).to(device) / (
        100 * contrast
    )


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
    energy = e.sum(0, keepdim=True)
    energy = torch.cat((energy, gauss(energy, 4.0))).sqrt()
    e = e / (gauss(e.sum(0, keepdim=True), 6) + 0.1)
    fine = F.avg_pool2d(colour[None], CELL)[0]
    coarse = gauss(fine, 2.5)
    return torch.cat((fine * W_COLOUR, coarse * W_COARSE, e * W_GRAD / ORIENT**0.5, energy * W_ENERGY))


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
