"""What the objects look like, wherever they are: a classifier fitted to the masks as they come.

Ridge regression on random Fourier features (Rahimi & Recht 2007) of the cells, from looks to
object or background: the target model of Robinson et al. 2020 (FRTM), on features that nobody
learned. All that it keeps of the past are two sums, so its memory does not grow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from napari_lazyvos.trackers.handcrafted.features import blur

__all__ = ["Looks"]

# Chosen on the developers' clips.
_FEATURES = 160
_BANDWIDTH = 2.0  # inverse width of the kernel, in units of the features
_RIDGE = 0.003
_NEAR = 6.0  # cells: background this near the objects teaches most ...
_FAR = 0.1  # ... and this is the weight of the rest
_DECAY = 0.9  # per frame, of what is not permanent
_RECENT = 0.3  # share of the recent frames beside the permanent ones
_LEAST = 0.03  # a probability is never lower
_BAND = 3.0  # cells around an object in which it must be told from what touches it


@dataclass(frozen=True, slots=True)
class Looks:
    """What was learned of the objects' looks from the frames so far."""

    permanent: Tensor  # (N, N + 2) float32: sums over cells of (feature, target) products
    recent: Tensor  # the same, fading
    telling: float  # share of what touches the objects that is told from them, in [0, 1]

    @classmethod
    def of(cls, cells: Tensor, masks: Tensor) -> Looks:
        """Learn from a first frame.

        Parameters
        ----------
        cells : (D, h, w) float tensor
        masks : (1 + K, h, w) float tensor, background first
        """
        features = _lift(cells)
        sums = _sums(features, masks)
        return cls(sums, sums, _telling(features, masks, sums))

    def after(self, cells: Tensor, masks: Tensor, *, permanent: bool) -> Looks:
        """Return what is known after one more frame, shaped as for `of`."""
        features = _lift(cells)
        new = _sums(features, masks)
        recent = _DECAY * self.recent + (1 - _DECAY) * new
        if not permanent:
            return Looks(self.permanent, recent, self.telling)
        kept = (self.permanent + new) / 2
        return Looks(kept, recent, _telling(features, masks, kept))

    def classify(self, cells: Tensor) -> Tensor:
        """Return the probability of background and of object, (2, h, w), if both were as likely."""
        fitted = _fit((1 - _RECENT) * self.permanent + _RECENT * self.recent)
        both = (_lift(cells) @ fitted).T.reshape(2, *cells.shape[1:]).clamp(min=_LEAST)
        return both / both.sum(0)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "permanent": self.permanent.cpu().clone(),
            "recent": self.recent.cpu().clone(),
            "telling": self.telling,
        }

    @classmethod
    def unpack(cls, packed: dict[str, Any], device: torch.device) -> Looks:
        """Return what `pack` saved, on a device."""
        permanent, recent = (packed[key].to(device, copy=True) for key in ("permanent", "recent"))
        return cls(permanent, recent, packed["telling"])


@cache
def _basis(depth: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(depth, _FEATURES, generator=generator) * _BANDWIDTH
    return directions, torch.rand(_FEATURES, generator=generator) * (2 * math.pi)


def _lift(cells: Tensor) -> Tensor:
    """Return random Fourier features and a constant: (D, h, w) to (h * w, N)."""
    directions, phases = (part.to(cells.device) for part in _basis(len(cells)))
    waves = (cells.flatten(1).T @ directions + phases).cos() * math.sqrt(2 / _FEATURES)
    return torch.cat((waves, torch.ones_like(waves[:, :1])), dim=1)


def _sums(features: Tensor, masks: Tensor) -> Tensor:
    """Return the sums of ridge regression; object and background count the same in all."""
    objects = 1 - masks[:1]
    near = blur(objects, _NEAR)
    weights = masks[:1] * (near / near.amax().clamp(min=1e-3) + _FAR)
    both = torch.cat((weights, objects))
    sure = torch.cat((masks[:1], objects)) > 0.5
    both = torch.where(sure, both, torch.zeros_like(both)).flatten(1).T
    both = both / both.sum(0).clamp(min=4.0)
    return features.T @ torch.cat((features * both.sum(1, keepdim=True), both), dim=1)


def _fit(sums: Tensor) -> Tensor:
    ridge = _RIDGE * torch.eye(len(sums), device=sums.device)
    solution: Tensor = torch.linalg.solve(sums[:, :-2] + ridge, sums[:, -2:])
    return solution


def _telling(features: Tensor, masks: Tensor, sums: Tensor) -> float:
    objects = 1 - masks[:1]
    near = blur(objects, _BAND)
    band = torch.where((near > 0.05) & (objects < 0.5), near, torch.zeros_like(near)).flatten()
    scores = features @ _fit(sums)
    told = (band * (scores[:, 0] > scores[:, 1])).sum()
    return float(told / band.sum().clamp(min=1e-6))
