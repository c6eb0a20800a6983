"""What the objects look like anywhere: a classifier fitted to the masks as they come.

Ridge regression on random Fourier features (Rahimi & Recht 2007) of the cells, from looks to
labels. Its sums are all that is kept of the past, so its memory does not grow. This is the target
model of Robinson et al. 2020 (FRTM) with features that nobody learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_lazyvos.trackers.handcrafted.features import gauss

NF = 160
BAND = 2.0
LAM = 0.003
DECAY = 0.9
SHARE = 0.3


def basis(depth: int, device: torch.device) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    w = torch.randn(depth, NF, generator=g) * BAND
    ph = torch.rand(NF, generator=g) * (2 * math.pi)
    return w.to(device), ph.to(device)


def lift(cells: Tensor, w: Tensor, ph: Tensor) -> Tensor:
    x = cells.flatten(1).T
    return torch.cat(((x @ w + ph).cos() * (2 / NF) ** 0.5, torch.ones_like(x[:, :1])), 1)


@dataclass(frozen=True, slots=True)
class Sums:
    a: Tensor  # (F, F)
    b: Tensor  # (F, 1 + K)


NEAR, NFLOOR = 6.0, 0.1


def sums(f: Tensor, masks: Tensor) -> Sums:
    fg = 1 - masks[:1]
    near = gauss(fg, NEAR)
    near = near / near.amax().clamp(min=1e-3) + NFLOOR
    m = torch.cat((masks[:1] * near, fg)).flatten(1).T
    b = torch.cat((masks[:1], fg)).flatten(1).T > 0.5
    m = torch.where(b, m, torch.zeros_like(m))
    wt = m / m.sum(0).clamp(min=4.0)
    return Sums(f.T @ (f * wt.sum(1, keepdim=True)), f.T @ wt)


def mix(old: Sums | None, new: Sums, decay: float) -> Sums:
    if old is None:
        return new
    b = torch.zeros_like(new.b)
    b[:, : old.b.shape[1]] = old.b
    return Sums(old.a * decay + new.a * (1 - decay), b * decay + new.b * (1 - decay))


def fit(s: Sums) -> Tensor:
    a = s.a + LAM * torch.eye(len(s.a), device=s.a.device)
    return torch.linalg.solve(a, s.b)


def specificity(f: Tensor, masks: Tensor, theta: Tensor) -> float:
    fg = 1 - masks[:1]
    near = gauss(fg, 3.0)
    near = (near * (near > 0.05) * (fg < 0.5)).flatten()
    p = f @ theta
    return float((near * (p[:, 0] > p[:, 1])).sum() / near.sum().clamp(min=1e-6))
