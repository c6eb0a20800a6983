"""What the bundled tracker keeps to look it up anywhere: cells of a few frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.memory.frame import SHARED
from napari_lazyvos.memory.keeping import Keeping
from napari_lazyvos.memory.readmem import ReadMem
from napari_lazyvos.memory.retention import KeepAll, Remembered, Retention
from napari_lazyvos.trackers.compact.witnesses import Bank
from napari_lazyvos.trackers.windowed.memory import Memory
from napari_lazyvos.trackers.windowed.tracker import MOST_READ

__all__ = ["MOST_KEPT", "Cells", "CompactMind", "Latest"]

MOST_KEPT = 3
"""Frames beside the permanent ones whose cells are kept."""

MOST_CELLS = 500  # of one frame: those of objects first


@dataclass(frozen=True, slots=True)
class Cells:
    """What one frame adds to the bank."""

    t: int
    keys: Tensor  # (D, N) float32
    masks: Tensor  # (1 + K, N) float32, background first
    labels: tuple[int, ...]  # of masks[1:]
    permanent: bool
    kept: bool = False  # permanent because a person asked for it

    @classmethod
    def of(cls, memory: Memory, far: Tensor, *, permanent: bool) -> Cells:
        """Choose cells of a (D, h / 8, w / 8) frame: of objects first, the others evenly."""
        masks = F.avg_pool2d(memory.masks, 8).flatten(1)
        keys = far.flatten(1)
        if masks.shape[1] > MOST_CELLS:
            chosen = _choose(masks, far.shape[1:])
            keys, masks = keys[:, chosen], masks[:, chosen]
        return cls(memory.t, keys, masks, memory.labels, permanent)

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], device: torch.device) -> Cells:
        """Return what `pack` saved, on a device."""
        keys, masks = (packed[name].to(device, copy=True) for name in ("keys", "masks"))
        labels = tuple(packed["labels"])
        return cls(packed["t"], keys, masks, labels, packed["permanent"], packed["kept"])

    def as_seen(self) -> Remembered:
        """Return the cells as a rule of retention sees them."""
        return Remembered(self.t, self.permanent, {SHARED: self.keys.T})

    def masks_of(self, labels: tuple[int, ...]) -> Tensor:
        """Return (1 + len(labels), N); a label not spoken of is not there."""
        none = torch.zeros_like(self.masks[:1])
        of = [self.masks[[self.labels.index(k) + 1]] if k in self.labels else none for k in labels]
        return torch.cat([self.masks[:1], *of])

    def without(self, label: int) -> Cells:
        """Return these cells with the object turned to background."""
        if label not in self.labels:
            return self
        others = tuple(k for k in self.labels if k != label)
        masks = self.masks_of(others)
        masks[0] += self.masks[1 + self.labels.index(label)]
        return replace(self, masks=masks, labels=others)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "t": self.t,
            "keys": self.keys.cpu().clone(),
            "masks": self.masks.cpu().clone(),
            "labels": self.labels,
            "permanent": self.permanent,
            "kept": self.kept,
        }


class Latest(KeepAll):
    """The latest frames stay, beside the permanent ones.

    Parameters
    ----------
    size : int
        Frames that stay, the permanent ones not counted in.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def admit(self, kept: Sequence[Remembered], new: Remembered) -> int | None:
        """Let none leave while there is room, then the first that may."""
        passing = [place for place, each in enumerate(kept) if not each.permanent]
        is_full = not new.permanent and len(passing) >= self.size
        return passing[0] if is_full else len(kept)


@dataclass(slots=True)
class CompactMind:
    """What is known beside where the objects were."""

    mean: float  # of the first window's values
    deviation: float
    belief: float  # in the decoder, 0 to 1
    keeping: Keeping  # which frames' cells are kept, by its name
    rule: Retention = field(init=False)
    cells: list[Cells] = field(default_factory=list)  # in the order of their coming
    refused: int | None = None  # the last frame, if the rule did not want it

    def __post_init__(self) -> None:
        size = self.keeping.memory_size or MOST_KEPT
        in_all = replace(self.keeping, memory_size=size + MOST_READ)
        self.rule = Latest(size) if self.keeping.memory == "fifo" else in_all.rule()

    @property
    def diversity(self) -> float | None:
        """How diverse the cells are, where READMem keeps them; see `ReadMem.log_determinant`."""
        # 0.0: it has not compared them yet.
        return (self.rule.log_determinant or None) if isinstance(self.rule, ReadMem) else None

    def is_due(self, t: int, every: int) -> bool:
        """Whether a frame comes so many frames after what was offered last."""
        passing = [each for each in self.cells if not each.permanent]
        offered = [each.t for each in (passing or self.cells)[-1:]]
        if self.refused is not None:
            offered.append(self.refused)
        return all(abs(t - other) >= every for other in offered)

    def add(self, new: Cells) -> None:
        """Keep a frame's cells if the rule wants them, or in the place of those that it had.

        Of the permanent frames the first and the latest are kept, and those that a person asked
        for.
        """
        times = [each.t for each in self.cells]
        if new.t in times:
            place = times.index(new.t)
            old = self.cells[place]
            permanent_now = new.permanent or old.permanent
            self.cells[place] = replace(new, permanent=permanent_now, kept=old.kept)
            self.rule.renew(self._seen(), place)
        else:
            leaves = self.rule.admit(self._seen(), new.as_seen())
            self.refused = new.t if leaves is None else None
            if leaves is None:
                return
            self.cells = [*self.cells[:leaves], *self.cells[leaves + 1 :], new]
        permanent = [n for n, each in enumerate(self.cells) if each.permanent and not each.kept]
        for place in reversed(permanent[1 : 1 - MOST_READ]):
            self._drop(place)

    def keep(self, t: int) -> None:
        """Let the cells of a frame stay for good, however many are permanent."""
        kept = [
            replace(each, permanent=True, kept=True) if each.t == t else each for each in self.cells
        ]
        self.cells = kept

    def drop(self, t: int) -> None:
        """Remove the cells of a frame, if there are any."""
        times = [each.t for each in self.cells]
        if t in times:
            self._drop(times.index(t))

    def clear(self) -> None:
        """Forget all cells."""
        self.cells, self.refused = [], None
        self.rule.unpack({})

    def bank(self, labels: tuple[int, ...]) -> Bank:
        """Return all cells as a batch of one, the permanent ones first."""
        ordered = sorted(self.cells, key=lambda each: not each.permanent)
        keys = torch.cat([cells.keys for cells in ordered], 1)
        masks = torch.cat([cells.masks_of(labels) for cells in ordered], 1)
        return Bank(keys[None], masks[None])

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        units = {"mean": self.mean, "deviation": self.deviation, "belief": self.belief}
        cells = [each.pack() for each in self.cells]
        kept = {"cells": cells, "rule": self.rule.pack(), "refused": self.refused}
        return units | kept | {"keeping": asdict(self.keeping)}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], keeping: Keeping, device: torch.device) -> Self:
        """Return what `pack` saved, on a device; cells that another rule kept are offered anew."""
        mind = cls(packed["mean"], packed["deviation"], packed["belief"], keeping)
        cells = [Cells.unpack(each, device) for each in packed["cells"]]
        if packed["keeping"] == asdict(keeping):
            mind.cells, mind.refused = cells, packed["refused"]
            mind.rule.unpack(packed["rule"])
        else:
            for each in cells:
                mind.add(each)
        return mind

    def _seen(self) -> list[Remembered]:
        """Return the cells as a rule of retention sees them."""
        return [each.as_seen() for each in self.cells]

    def _drop(self, place: int) -> None:
        self.cells = [*self.cells[:place], *self.cells[place + 1 :]]
        self.rule.forget(place)


def _choose(masks: Tensor, size: torch.Size) -> Tensor:
    """Return the numbers of the cells to keep: objects and what touches them, then the rest."""
    objects = (1 - masks[0]).view(1, 1, *size)
    near = F.max_pool2d(objects, 3, stride=1, padding=1).flatten() > 0.1
    inside, outside = torch.where(near)[0], torch.where(~near)[0]
    inside = _evenly(inside, max(MOST_CELLS * 3 // 4, MOST_CELLS - len(outside)))
    return torch.cat([inside, _evenly(outside, MOST_CELLS - len(inside))])


def _evenly(numbers: Tensor, most: int) -> Tensor:
    if len(numbers) <= most:
        return numbers
    return numbers[torch.linspace(0, len(numbers) - 1, most, device=numbers.device).long()]
