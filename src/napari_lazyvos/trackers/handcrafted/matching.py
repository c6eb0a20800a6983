"""Space-time memory read in a local window (STM, Oh et al. 2019; local as in AOT, 2021)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 8


def read(
    query: Tensor, keys: Tensor, values: Tensor, radius: int, sharp: float, space: float
) -> tuple[Tensor, Tensor]:
    """query (D,h,w), keys (D,h,w), values (V,h,w) -> (V,h,w) readout and (h,w) best distance."""
    D, h, w = query.shape
    V = values.shape[0]
    ph, pw = -h % TILE, -w % TILE
    H, W = h + ph, w + pw
    k = TILE + 2 * radius
    q = F.pad(query, (0, pw, 0, ph))
    nt = (H // TILE) * (W // TILE)
    q = (
        q.reshape(D, H // TILE, TILE, W // TILE, TILE)
        .permute(1, 3, 2, 4, 0)
        .reshape(nt, TILE**2, D)
    )
    bias = -keys.square().sum(0, keepdim=True)
    pad = (radius, radius + pw, radius, radius + ph)
    m = torch.cat((F.pad(torch.cat((keys, values)), pad), F.pad(bias, pad, value=-1e4)))
    cols = F.unfold(m[None], k, stride=TILE)[0].reshape(D + V + 1, k * k, nt)
    kk = cols[:D].permute(2, 0, 1)
    vv = cols[D : D + V].permute(2, 1, 0)
    bb = cols[-1].T
    s = torch.baddbmm(bb[:, None], q, kk, alpha=2.0)  # nt, 64, k*k: -|k|^2+2qk
    ty = torch.arange(TILE**2, device=q.device)
    ky = torch.arange(k * k, device=q.device)
    d2 = (ty[:, None] // TILE + radius - ky // k).square() + (
        ty[:, None] % TILE + radius - ky % k
    ).square()
    s = s.mul_(sharp).sub_(d2 * (space / radius**2))
    best = s.amax(-1, keepdim=True)
    a = (s - best).exp_()
    out = torch.bmm(a, vv) / a.sum(-1, keepdim=True)
    best = best[..., 0] / sharp - q.square().sum(-1)
    out = torch.cat((out, best[..., None]), -1)
    out = (
        out.reshape(H // TILE, W // TILE, TILE, TILE, V + 1)
        .permute(4, 0, 2, 1, 3)
        .reshape(V + 1, H, W)
    )
    return out[:V, :h, :w], -out[V, :h, :w]
