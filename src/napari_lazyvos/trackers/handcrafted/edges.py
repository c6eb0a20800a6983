"""Fit soft masks to the edges of the image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def smooth(prob: Tensor, colour: Tensor, weight: float, beta: float, iters: int) -> Tensor:
    """Random walker with priors (Grady 2005), Jacobi/Gauss iterations; prob (C,h,w), unary trust."""
    diffs = []
    c = colour
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        d = (c - torch.roll(c, (-dy, -dx), (1, 2))).square().sum(0)
        w = torch.exp(-beta * d) / (dy * dy + dx * dx) ** 0.5
        if dy:
            w[-1] = 0
        if dx == 1:
            w[:, -1] = 0
        if dx == -1:
            w[:, 0] = 0
        diffs.append((dy, dx, w * weight))
    total = torch.ones_like(diffs[0][2])
    for dy, dx, w in diffs:
        total = total + w + torch.roll(w, (dy, dx), (0, 1))
    x = prob
    for _ in range(iters):
        acc = prob.clone()
        for dy, dx, w in diffs:
            acc += w * torch.roll(x, (-dy, -dx), (1, 2))
            acc += torch.roll(w * x, (dy, dx), (1, 2))
        x = acc / total
    return x


def box(x: Tensor, r: int) -> Tensor:
    return F.avg_pool2d(F.pad(x[None], (r, r, r, r), mode="replicate"), 2 * r + 1, stride=1)[0]


def guided(prob: Tensor, colour: Tensor, r: int, eps: float) -> Tensor:
    g = colour[:1]
    mg, mp = box(g, r), box(prob, r)
    cov = box(g * prob, r) - mg * mp
    var = box(g * g, r) - mg * mg
    a = cov / (var + eps)
    b = mp - a * mg
    q = (box(a, r) * g + box(b, r)).clamp(1e-4, 1)
    return q / q.sum(0)
