"""What MAVOS remembers: engines of ten objects each, and the slots in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.nets.deaot import Memory, Tokens
from napari_lazyvos.nets.mavos import IDENTITIES
from napari_lazyvos.trackers.protocol import Probabilities

__all__ = ["Engine", "Slot", "known_to", "masks_of", "merged", "seated"]

_FORGOTTEN = -1  # stands for the label of an identity that is the background's now
_NEVER = 1e-5  # no probability is nearer to 0 or 1 where engines are merged


@dataclass(frozen=True, slots=True)
class Slot:
    """What is remembered of a frame, or of several that were taken into one."""

    t: int  # of the last of them
    memory: Memory

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], device: torch.device) -> Slot:
        """Return what `pack` saved, on a device."""
        blocks = packed["memory"]
        memory = (Tokens(*(each.to(device, copy=True) for each in own)) for own in blocks)
        return cls(packed["t"], tuple(memory))

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {"t": self.t, "memory": [[each.cpu().clone() for each in b] for b in self.memory]}


@dataclass(frozen=True, slots=True)
class Engine:
    """What is remembered of the objects that the network tells apart at a time."""

    labels: tuple[int, ...]  # by identity, ten at most
    last: Slot  # the frame that was remembered last: the short-term memory
    reference: Slot  # the first frame
    dynamic: tuple[Slot, ...] = ()  # none or one, or with ``deaot`` any number
    correction: tuple[Slot, ...] = ()  # none or one
    since: int = 0  # frames after the last that went into the long-term memory

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], device: torch.device) -> Engine:
        """Return what `pack` saved, on a device."""
        last, reference = (Slot.unpack(packed[name], device) for name in ("last", "reference"))
        dynamic, correction = (
            tuple(Slot.unpack(each, device) for each in packed[name])
            for name in ("dynamic", "correction")
        )
        labels = tuple(packed["labels"])
        return cls(labels, last, reference, dynamic, correction, packed["since"])

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "labels": self.labels,
            "last": self.last.pack(),
            "reference": self.reference.pack(),
            "dynamic": [slot.pack() for slot in self.dynamic],
            "correction": [slot.pack() for slot in self.correction],
            "since": self.since,
        }

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The long-term memory."""
        return (*self.dynamic, self.reference, *self.correction)

    def read(self) -> Memory:
        """Return all places of the long-term memory, one after the other."""
        blocks = zip(*(slot.memory for slot in self.slots), strict=True)
        return tuple(Tokens(*map(torch.cat, zip(*block, strict=True))) for block in blocks)

    def without(self, label: int) -> Engine:
        """Return it without an object, whose identity no other object gets."""
        labels = (_FORGOTTEN if own == label else own for own in self.labels)
        return replace(self, labels=tuple(labels))


def known_to(engines: Iterable[Engine]) -> set[int]:
    """Return all labels of engines."""
    return {label for own in engines for label in own.labels if label != _FORGOTTEN}


def seated(seats: list[tuple[int, ...]], joining: list[int]) -> list[tuple[int, ...]]:
    """Return the labels of each engine, by identity, after more have joined."""
    every = [label for own in seats for label in own]
    every += joining
    return [tuple(every[n : n + IDENTITIES]) for n in range(0, len(every), IDENTITIES)]


def masks_of(found: Tensor, labels: tuple[int, ...]) -> Tensor:
    """Return (11, h, w) of an (h, w) label map: the background, and each identity."""
    own = (found == found.new_tensor(labels)[:, None, None]).float()
    nobody = 1 - own.sum(0, keepdim=True)
    return F.pad(torch.cat([nobody, own]), (0, 0, 0, 0, 0, IDENTITIES - len(labels)))


def merged(
    found: list[Tensor], seats: list[tuple[int, ...]], labels: tuple[int, ...]
) -> Probabilities:
    """Return what engines that know nothing of each other predict, as one.

    The background is what none of them claims, and the odds compete.

    Parameters
    ----------
    found : (1 + identities, H, W) float32 tensors, one of each engine; each sums to 1
    seats : labels of each engine, by identity
    labels : the order of the result
    """
    nobody, own = [], dict[int, Tensor]()
    for engine, named in zip(found, seats, strict=True):
        free = [n for n, label in enumerate(named, 1) if label == _FORGOTTEN]
        nobody.append(engine[[0, *free]].sum(0))
        own |= dict(zip(named, engine[1:], strict=True))
    merged = torch.stack([torch.stack(nobody).prod(0), *(own[label] for label in labels)])
    return merged if len(found) == 1 else merged.clamp(_NEVER, 1 - _NEVER).logit().softmax(0)
