"""Motion between two frames, and what it carries along."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["consistency", "motion", "warp"]


def motion(source: np.ndarray, target: np.ndarray) -> Tensor:
    """Return where each pixel of `source` lies in `target`, by DIS flow (Kroeger et al. 2016).

    Parameters
    ----------
    source, target : (H, W) uint8, grey

    Returns
    -------
    (2, H, W) float32 tensor on the CPU: displacement along x, then along y, in pixels
    """
    if min(source.shape) < 16:  # DIS cannot build its pyramid on less
        return torch.zeros(2, *source.shape)
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = method.calc(source, target, None)  # type: ignore[call-overload]
    return torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Read an image where the flow points to, linearly between pixels.

    Parameters
    ----------
    image : (C, H, W) float tensor
    flow : (2, H, W) float tensor, x then y, in pixels of `image`

    Returns
    -------
    (C, H, W) float tensor; beyond the border the border goes on

    Both may have one more axis in front, of a batch.
    """
    if image.ndim == 3:
        return warp(image[None], flow[None])[0]
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(flow.shape[-2], device=flow.device),
        torch.arange(flow.shape[-1], device=flow.device),
        indexing="ij",
    )
    columns = (x + flow[:, 0] + 0.5) * (2 / width) - 1
    rows = (y + flow[:, 1] + 0.5) * (2 / height) - 1
    return F.grid_sample(
        image,
        torch.stack((columns, rows), dim=-1),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )


def consistency(back: Tensor, forth: Tensor) -> Tensor:
    """Return how far the way back and the way forth cancel: (H, W), 1 where they do, to 0.

    The tolerance grows with the motion, as in Sundaram et al. 2010 (eq. 5). The flows may have an
    axis of a batch in front.
    """
    there = warp(forth, back)
    error = (back + there).square().sum(-3)
    tolerance = 0.01 * (back.square().sum(-3) + there.square().sum(-3)) + 0.5
    return torch.exp(-error / (2 * tolerance))
