"""RITM (Sofiiuk, Petrov & Konushin 2022): clicks and the mask so far, beside an image, to a mask.

Modules bear the names of the authors' checkpoints, which load unchanged: those that end in
``_itermask``, which take the mask so far.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.hrnet import STEM, HrNetOcr
from napari_lazyvos.nets.weights import Weights, build, read

__all__ = ["RADIUS", "RitmNet", "disks", "load", "ritm_sizes"]

RADIUS = 5.0
"""Of the disks that mark clicks, in pixels of what the network sees (sec. 3.1)."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
_HIDDEN = 16  # channels of the first layer over clicks and mask


class RitmNet(nn.Module):
    """Segments what clicks are about.

    Parameters
    ----------
    width, context, small : see `HrNetOcr`
    """

    def __init__(self, width: int, context: int, *, small: bool) -> None:
        super().__init__()
        self.maps_transform = nn.Sequential(
            nn.Conv2d(3, _HIDDEN, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(_HIDDEN, STEM, 3, 2, 1),
            _Scale(),
        )
        self.feature_extractor = HrNetOcr(width, context, small=small)

    def features(self, image: Tensor, clicks: Tensor, previous: Tensor) -> Tensor:
        """Look at images with clicks on them; the slow part.

        Parameters
        ----------
        image : (B, 3, h, w) float tensor, RGB in [0, 1]
        clicks : (B, 2, h, w), disks of positive and of negative clicks; see `disks`
        previous : (B, 1, h, w) in [0, 1], the mask so far, or 0

        Returns
        -------
        (B, C, h / 4, w / 4) float tensor, sides rounded up; C is 270 for a width of 18
        """
        mean, deviation = (image.new_tensor(x)[:, None, None] for x in (_MEAN, _DEVIATION))
        beside = self.maps_transform(torch.cat([previous, clicks], 1))
        return self.feature_extractor.features((image - mean) / deviation, beside)

    def logits(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """Decide on features of images of a size, h and w: (B, 1, h, w) logits."""
        logits = self.feature_extractor.logits(features)
        return F.interpolate(logits, size, mode="bilinear", align_corners=True)

    def forward(self, image: Tensor, clicks: Tensor, previous: Tensor) -> Tensor:
        """Return (B, 1, h, w) logits of the mask; see `features`."""
        height, width = image.shape[-2:]
        return self.logits(self.features(image, clicks, previous), (height, width))


class _Scale(nn.Module):
    """A number that says how much clicks count beside the image."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.abs()


def disks(places: Tensor, size: tuple[int, int]) -> Tensor:
    """Draw clicks.

    Parameters
    ----------
    places : (B, N, 3) float tensor: y, x in pixels, and 1 for a positive click, -1 for a negative
    size : height and width of what the network sees

    Returns
    -------
    (B, 2, h, w) float tensor, 1 inside of disks: positive ones, then negative ones
    """
    y = torch.arange(size[0], device=places.device)[:, None]
    x = torch.arange(size[1], device=places.device)
    square = (y - places[..., 0, None, None]) ** 2 + (x - places[..., 1, None, None]) ** 2
    inside = square <= RADIUS**2
    kinds = [inside & (places[..., 2, None, None] == sign) for sign in (1, -1)]
    return torch.stack([kind.any(1) for kind in kinds], 1).float()


def load(weights: Weights) -> RitmNet:
    """Return the network that published weights are of, with them.

    Parameters
    ----------
    weights : see `Weights`; None means those of ``ritm`` that are installed

    Raises
    ------
    LazyVosError
        If there are no such weights, or they are not RITM's.
    """
    state = read(weights, "ritm")
    width, context, small = ritm_sizes(state)
    return build(lambda: RitmNet(width, context, small=small), state, "ritm")


def ritm_sizes(state: dict[str, Tensor]) -> tuple[int, int, bool]:
    """Return width, context and small of the network that weights are of; see `HrNetOcr`.

    Raises
    ------
    LazyVosError
        If they are not RITM's.
    """
    trunk = "feature_extractor"
    finest = state.get(f"{trunk}.transition1.0.0.weight")
    down = state.get(f"{trunk}.ocr_distri_head.object_context_block.f_down.0.weight")
    if finest is None or down is None or "maps_transform.0.weight" not in state:
        raise LazyVosError(
            "These weights are not RITM's with an HRNet: get a file whose name ends in _itermask."
        )
    return len(finest), len(down), f"{trunk}.layer1.2.conv1.weight" not in state
