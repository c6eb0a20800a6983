"""The network of the bundled tracker: looks to match by, and a decoder that weighs the witnesses.

A witness is a first idea of the masks: the last masks carried along by optical flow, and what
looks alike in remembered frames, nearby or anywhere. The network learns the looks, how far to
trust each witness, and what they all miss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.blocks import Block, up
from napari_lazyvos.nets.lite import WIDTHS, Lite
from napari_lazyvos.nets.pyramid import Pyramid
from napari_lazyvos.nets.reading import read_anywhere, read_nearby

__all__ = ["STRIDE", "CompactNet", "Looks", "Witnesses"]

STRIDE = 16
"""Sides of images are multiples of this."""

_FINE, _AT4, _AT8, _AT16 = WIDTHS[0], 32, 64, 64  # channels at strides 2, 4, 8, 16
_NEAR, _FAR = 32, 48  # channels of the keys
_SHARED, _INSIDE = 24, 32  # channels of the decoder: of the image, and inside
_FLOOR = 1e-3  # no witness is more certain than this
_SEEN, _FOUND = 0.02, 0.5  # probabilities near by, and anywhere, from which an object is decoded
_AROUND = 6  # cells of h / 4 around it


@dataclass(frozen=True, slots=True)
class Looks:
    """What the network sees in images, before any mask."""

    fine: Tensor  # (B, 16, h / 2, w / 2)
    shared: Tensor  # (B, 24, h / 4, w / 4), for the decoder
    near: Tensor  # (B, 32, h / 4, w / 4), keys for reading nearby
    far: Tensor  # (B, 48, h / 8, w / 8), keys for reading anywhere


@dataclass(frozen=True, slots=True)
class Witnesses:
    """First ideas of the masks: (B, 1 + K, ...) probabilities, background first."""

    carried: Tensor  # at h x w: the last masks, moved by the flow
    trust: Tensor  # (B, 1, h, w) in [0, 1]: how consistent the flow is
    last: Tensor  # at h / 4: read nearby in the last frame
    kept: Tensor  # at h / 4: read nearby in the permanent frames
    far: Tensor  # at h / 8: read anywhere in the memory
    evidence: tuple[Tensor, Tensor, Tensor]  # (B, 1, ...) how well the three reads matched


class CompactNet(nn.Module):
    """1.6 million parameters; see `docs/explanation/bundled-models.md`."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes = Lite()
        self.pyramid = Pyramid(WIDTHS[:0:-1], (_AT16, _AT8, _AT4))
        self.key_near = nn.Conv2d(_AT4, _NEAR, 1)
        self.key_far = nn.Conv2d(_AT8, _FAR, 1)
        self.shared = nn.Conv2d(_AT4, _SHARED, 1)
        # Logarithms, so that they stay positive: sharpness of both reads, and their reach.
        self.sharpness = nn.Parameter(torch.tensor([0.0, 0.0]))
        self.reach = nn.Parameter(torch.tensor([1.5, 4.0]).log())
        self.weights = nn.Parameter(torch.tensor([1.0, 0.5, 0.5]))  # carried, last, kept
        self.enter = nn.Conv2d(_SHARED + 13, _INSIDE, 3, padding=1)
        self.inside = nn.Sequential(Block(_INSIDE), Block(_INSIDE))
        self.coarse = nn.Conv2d(_INSIDE, 1, 3, padding=1)
        self.leave = nn.Conv2d(_INSIDE, _FINE, 1)
        self.refine = nn.Conv2d(2 * _FINE + 2, _FINE, 3, padding=1)
        self.last = nn.Conv2d(_FINE, 1, 3, padding=1)
        for convolution in (self.coarse, self.last):  # the decoder begins by saying nothing
            nn.init.zeros_(convolution.weight)
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]

    def look(self, image: Tensor) -> Looks:
        """Look at (B, 3, h, w) images of mean 0 and deviation 1; sides are multiples of 16."""
        fine, *coarser = self.eyes(image)
        _, at8, at4 = self.pyramid(coarser[::-1])
        parts = (fine, self.shared(at4), self.key_near(at4), self.key_far(at8))
        return Looks(*(part.contiguous() for part in parts))

    def read_last(self, query: Tensor, keys: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Read the last frame, (B, C, h / 4, w / 4) each; see `read_nearby`."""
        return read_nearby(query, keys, masks, *self._near(0), radius=4)

    def read_kept(self, query: Tensor, keys: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Read a permanent frame, whose drift may be off by more; see `read_nearby`."""
        return read_nearby(query, keys, masks, *self._near(1), radius=6)

    def read_far(self, query: Tensor, keys: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Read the cells of a memory, wherever they lie; see `read_anywhere`."""
        return read_anywhere(query, keys, masks, self.sharpness[1].exp() / math.sqrt(_FAR))

    def _near(self, which: int) -> tuple[Tensor, Tensor]:
        return self.sharpness[0].exp() / math.sqrt(_NEAR), self.reach[which].exp()

    def decode(
        self, looks: Looks, said: Witnesses, *, apart: bool = False, belief: float = 1.0
    ) -> Tensor:
        """Return (B, 1 + K, h, w) logits, background first.

        Parameters
        ----------
        looks, said : see `Looks` and `Witnesses`
        apart : decode each object only where a witness sees it, so that many small objects cost
            little more than one; for a batch of one
        belief : how much counts of what the network adds to the weighed witnesses
        """
        carried = F.avg_pool2d(said.carried, 2)
        at4 = [F.avg_pool2d(carried, 2), said.last, said.kept, up(said.far)]
        weighed = self._weigh(at4)
        hints = torch.cat([self._hints(at4, said), _odds(weighed)[:, :, None]], 2)
        sharp = _odds(_log(carried))[:, :, None]
        if apart:
            more = torch.zeros_like(carried[:, 1:])
            for k, (rows, columns) in enumerate(_boxes(at4)):
                one, box = slice(k, k + 1), (..., _twice(rows), _twice(columns))
                more[(slice(None), one, *box[1:])] = self._add(
                    looks.shared[..., rows, columns],
                    looks.fine[box],
                    hints[:, one, :, rows, columns],
                    sharp[:, one][box],
                )
        else:
            more = self._add(looks.shared, looks.fine, hints, sharp)
        # What the carried masks know at h / 2, beyond what they know at h / 4.
        crisp = _log(carried) - _log(up(at4[0]))
        logits = up(weighed) + self.weights[0] * crisp
        return up(torch.cat([logits[:, :1], logits[:, 1:] + belief * more], 1))

    def _add(self, shared: Tensor, fine: Tensor, hints: Tensor, sharp: Tensor) -> Tensor:
        """Return (B, K, h / 2, w / 2): what the witnesses missed of each object."""
        batch, objects = hints.shape[:2]
        seen = torch.cat([_for_each(shared, objects), hints.flatten(0, 1)], 1)
        inside = self.inside(self.enter(seen))
        coarse = up(self.coarse(F.relu(inside)))
        parts = [_for_each(fine, objects), up(self.leave(inside)), sharp.flatten(0, 1), coarse]
        more: Tensor = coarse + self.last(F.relu(self.refine(torch.cat(parts, 1))))
        height, width = more.shape[2:]
        return more.view(batch, objects, height, width)

    def _weigh(self, at4: list[Tensor]) -> Tensor:
        """Return the weighted sum of the logarithms of the witnesses.

        But for what is read anywhere, which is only a hint: among look-alikes it sees background
        everywhere, and in a sum that would take a little off the masks in every frame.
        """
        weighed = zip(self.weights, at4[:3], strict=True)
        return torch.stack([weight * _log(said) for weight, said in weighed]).sum(0)

    def _hints(self, at4: list[Tensor], said: Witnesses) -> Tensor:
        """Return (B, K, 12, h / 4, w / 4): what every witness says of an object, and how surely."""
        of_object = []
        for probabilities in at4:
            mine = probabilities[:, 1:]
            of_object += [mine, 1 - probabilities[:, :1] - mine]  # this object, and all others
        last, kept, far = (_squash(evidence) for evidence in said.evidence)
        common = torch.cat([F.avg_pool2d(said.trust, 4), last, kept, up(far)], 1)
        wide = common[:, None].expand(-1, said.carried.shape[1] - 1, -1, -1, -1)
        return torch.cat([torch.stack(of_object, 2), wide], 2)


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(min=_FLOOR).log()


def _squash(evidence: Tensor) -> Tensor:
    """Bring the evidence to the range of the other hints."""
    return torch.tanh(evidence / 8)


def _odds(logits: Tensor) -> Tensor:
    """Return (B, K, h, w): each object's log odds, in steps of 4."""
    probability = logits.softmax(1)[:, 1:].clamp(_FLOOR, 1 - _FLOOR)
    return torch.logit(probability) / 4


def _boxes(at4: list[Tensor]) -> list[tuple[slice, slice]]:
    """Return for each object the rows and columns of cells where a witness sees it, and around."""
    carried, last, kept, far = (probabilities[0, 1:] for probabilities in at4)
    near = torch.stack([carried, last, kept]).amax(0) > _SEEN
    boxes = []
    for seen in near | (far > _FOUND):
        rows, columns = torch.where(seen.any(1))[0], torch.where(seen.any(0))[0]
        boxes.append((_reach(rows, seen.shape[0]), _reach(columns, seen.shape[1])))
    return boxes


def _reach(cells: Tensor, length: int) -> slice:
    if not len(cells):
        return slice(0, 1)  # nobody sees it: one cell, so that nothing is special
    return slice(max(0, int(cells[0]) - _AROUND), min(length, int(cells[-1]) + 1 + _AROUND))


def _twice(cells: slice) -> slice:
    return slice(2 * cells.start, 2 * cells.stop)


def _for_each(x: Tensor, objects: int) -> Tensor:
    """Repeat (B, C, h, w) for each object: (B * K, C, h, w)."""
    return x[:, None].expand(-1, objects, -1, -1, -1).flatten(0, 1)
