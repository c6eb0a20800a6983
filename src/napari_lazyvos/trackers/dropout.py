"""Predict as if a part of the network were missing, in several ways (Gal & Ghahramani 2016)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError

__all__ = ["Dropout"]


@dataclass(frozen=True, slots=True)
class Dropout:
    """Which channels of features are dropped, whole ones, in each of several passes.

    The draws depend on the seed alone. So each frame is seen through the same passes, and what
    changes from frame to frame is not by chance.

    Parameters
    ----------
    dropout : float in [0, 1)
        The share of channels that is dropped; 0.2 in Lazy-XMem (thesis sec. 6.8.3).
    passes : int, 2 or more; 20 there
    seed : int

    Raises
    ------
    LazyVosError
        If a value is out of its range.
    """

    dropout: float = 0.2
    passes: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise LazyVosError(f"dropout is {self.dropout}: give a share from 0 to less than 1.")
        if self.passes < 2:
            raise LazyVosError(
                f"passes is {self.passes}: give 2 or more, whose spread is measured."
            )

    def draws(self, channels: int, device: torch.device) -> Iterator[Tensor]:
        """Yield for each pass the (channels,) float32 factors of the features.

        Dropped channels have 0, and the others what makes up for those: 1 / (1 - dropout).
        """
        chance = torch.Generator().manual_seed(self.seed)  # the CPU's: the same on every device
        for _ in range(self.passes):
            kept = torch.rand(channels, generator=chance) >= self.dropout
            yield (kept / (1 - self.dropout)).to(device)
