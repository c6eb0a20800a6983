"""HRNet (Wang et al. 2020) with the head of object-contextual representations (Yuan et al. 2020).

HRNet keeps a branch of features at each of the strides 4, 8, 16 and 32, and lets them exchange what
they see again and again (HRNet, sec. 3). Modules bear the names that published weights have.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.resnet import Basic, Bottleneck, stage

__all__ = ["STEM", "HrNetOcr"]

STEM = 64
"""Channels after the first convolution, at stride 2."""

_FIRST = STEM * Bottleneck.widens  # channels before the branches begin


class HrNetOcr(nn.Module):
    """Finds one kind of object.

    Parameters
    ----------
    width : int
        Channels of the finest branch; each further one has twice as many.
    context : int
        Channels of what is exchanged with the object as a whole; places have twice as many.
    small : bool
        The network that its authors call small, version 2: fewer blocks, and fewer exchanges.
    """

    def __init__(self, width: int, context: int, *, small: bool) -> None:
        super().__init__()
        blocks, exchanges = (2, (1, 3, 2)) if small else (4, (1, 4, 3))
        self.conv1 = nn.Conv2d(3, STEM, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.conv2 = nn.Conv2d(STEM, STEM, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(STEM)
        self.layer1 = stage(Bottleneck, STEM, STEM, blocks, 1)
        widths = [width * 2**branch for branch in range(4)]
        self.transition1 = _transition([_FIRST], widths[:2])
        self.stage2 = _exchanges(widths[:2], blocks, exchanges[0])
        self.transition2 = _transition(widths[:2], widths[:3])
        self.stage3 = _exchanges(widths[:3], blocks, exchanges[1])
        self.transition3 = _transition(widths[:3], widths)
        self.stage4 = _exchanges(widths, blocks, exchanges[2])
        self.channels = sum(widths)  # of the features
        self.aux_head = nn.Sequential(
            nn.Conv2d(self.channels, self.channels, 1),
            nn.BatchNorm2d(self.channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(self.channels, 1, 1),
        )
        self.conv3x3_ocr = nn.Sequential(
            nn.Conv2d(self.channels, 2 * context, 3, padding=1),
            nn.BatchNorm2d(2 * context),
            nn.ReLU(inplace=True),
        )
        self.ocr_distri_head = Context(2 * context, context)
        self.cls_head = nn.Conv2d(2 * context, 1, 1)

    def features(self, image: Tensor, beside: Tensor) -> Tensor:
        """Look at an image, and at what is known beside it.

        Parameters
        ----------
        image : (B, 3, h, w), normalised as ImageNet's
        beside : (B, 64, h / 2, w / 2), is added to what the first convolution sees

        Returns
        -------
        (B, 15 * width, h / 4, w / 4); sides are rounded up, here and above
        """
        x = F.relu_(self.bn1(self.conv1(image))) + beside
        branches = [self.layer1(F.relu_(self.bn2(self.conv2(x))))]
        for transition, exchanges in (
            (self.transition1, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            before = [*branches, branches[-1]]  # the new branch begins with the coarsest
            branches = exchanges([go(y) for go, y in zip(transition, before, strict=True)])
        return torch.cat([_to(branch, branches[0]) for branch in branches], 1)

    def logits(self, features: Tensor) -> Tensor:
        """Decide for each place whether it is of the object (OCR, sec. 3.2).

        A first guess gathers the object's looks from its places; each place then sees these, too.

        Parameters
        ----------
        features : (B, 15 * width, h, w)

        Returns
        -------
        (B, 1, h, w)
        """
        shares = self.aux_head(features).flatten(2).softmax(2)  # (B, 1, h * w)
        places = self.conv3x3_ocr(features)
        looks = places.flatten(2) @ shares.transpose(1, 2)  # (B, 2 * context, 1)
        logits: Tensor = self.cls_head(self.ocr_distri_head(places, looks[..., None]))
        return logits


class Exchange(nn.Module):
    """Branches that look for themselves, then each adds up what all have seen.

    Parameters
    ----------
    widths : channels of the branches, the finest first
    blocks : in each branch
    """

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(stage(Basic, width, width, blocks, 1) for width in widths)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_fuse(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """(B, width, h, w), and half as large with each branch, to the same."""
        seen = [look(x) for look, x in zip(self.branches, branches, strict=True)]
        return [self._fused(target, seen) for target in range(len(seen))]

    def _fused(self, target: int, seen: Sequence[Tensor]) -> Tensor:
        fuse = cast(nn.ModuleList, self.fuse_layers[target])
        parts = [_to(take(x), seen[target]) for take, x in zip(fuse, seen, strict=True)]
        return F.relu_(reduce(torch.add, parts))


class Context(nn.Module):
    """What places see of the object as a whole.

    Of several kinds of objects, each place would choose those that it is like, by `f_pixel` and
    `f_object`. Here there is one, whose share is always 1; the two are kept for their names alone.
    """

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.object_context_block = nn.ModuleDict(
            {
                "f_pixel": nn.Sequential(*_unit(channels, context), *_unit(context, context)),
                "f_object": nn.Sequential(*_unit(channels, context), *_unit(context, context)),
                "f_down": nn.Sequential(*_unit(channels, context)),
                "f_up": nn.Sequential(*_unit(context, channels)),
            }
        )
        self.conv_bn_dropout = nn.Sequential(*_unit(2 * channels, channels))

    def forward(self, places: Tensor, looks: Tensor) -> Tensor:
        """(B, channels, h, w) and the object's looks, (B, channels, 1, 1), to the former."""
        block = self.object_context_block
        context = block["f_up"](block["f_down"](looks)).expand_as(places)
        seen: Tensor = self.conv_bn_dropout(torch.cat([context, places], 1))
        return seen


def _exchanges(widths: Sequence[int], blocks: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Exchange(widths, blocks) for _ in range(count)))


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Return what leads to one more branch, and the others to their channels."""
    old = [
        nn.Identity() if has == needs else _step(has, needs, 1)
        for has, needs in zip(before, after[:-1], strict=True)
    ]
    return nn.ModuleList([*old, nn.Sequential(_step(before[-1], after[-1], 2))])


def _fuse(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """Return what one branch sees as another takes it, save for the size of coarser ones."""
    if source == target:
        return nn.Identity()
    before, after = widths[source], widths[target]
    if source > target:
        return nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))
    halved = [_step(before, before, 2) for _ in range(target - source - 1)]
    return nn.Sequential(*halved, _step(before, after, 2)[:2])


def _step(before: int, after: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def _unit(before: int, after: int) -> tuple[nn.Module, nn.Module]:
    norm = nn.Sequential(nn.BatchNorm2d(after), nn.ReLU(inplace=True))
    return nn.Conv2d(before, after, 1, bias=False), norm


def _to(x: Tensor, like: Tensor) -> Tensor:
    """Return features at the size of others; corners meet corners, as when it was trained."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)
