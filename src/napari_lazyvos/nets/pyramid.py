"""From coarse to fine: what is seen at a large stride informs what is seen at smaller ones.

Feature pyramid network (Lin et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from napari_lazyvos.nets.blocks import Block, up

__all__ = ["Pyramid"]


class Pyramid(nn.Module):
    """Merge features.

    Parameters
    ----------
    before : channels of the features, coarsest first
    after : channels of the merged features, for all but the coarsest
    """

    def __init__(self, before: Sequence[int], after: Sequence[int]) -> None:
        super().__init__()
        coarser = (before[0], *after[:-1])
        self.aside = nn.ModuleList(
            nn.Conv2d(wide, narrow, 1) for wide, narrow in zip(before[1:], after, strict=True)
        )
        self.below = nn.ModuleList(
            nn.Conv2d(wide, narrow, 1) for wide, narrow in zip(coarser, after, strict=True)
        )
        self.merge = nn.ModuleList(Block(width) for width in after)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Features of each stride to merged ones, coarsest first; the coarsest is left out."""
        x, merged = features[0], []
        for feature, aside, below, merge in zip(
            features[1:], self.aside, self.below, self.merge, strict=True
        ):
            height, width = feature.shape[2:]
            x = merge(aside(feature) + up(below(x))[..., :height, :width])
            merged.append(x)
        return merged
