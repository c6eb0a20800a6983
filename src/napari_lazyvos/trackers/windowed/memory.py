"""What a tracker remembers that looks through a window."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.trackers.windowed.window import Grid, Window

__all__ = ["Memory", "Mind", "State"]


@dataclass(frozen=True, slots=True)
class Memory:
    """One remembered frame, and where its pixels lie since."""

    t: int
    window: Window
    picture: Tensor  # (h, w, 3) uint8
    cells: Tensor  # (D, h / cell, w / cell) float32, features
    masks: Tensor  # (1 + K, h, w) float32, background first
    labels: tuple[int, ...]  # of masks[1:]: those that this frame speaks of
    drift: Tensor  # (2, h', w') float32: from a pixel of the latest window, the way to this frame

    def masks_of(self, labels: tuple[int, ...]) -> Tensor:
        """Return (1 + len(labels), h, w); a label not spoken of is as likely as background."""
        channels = [self.labels.index(k) + 1 if k in self.labels else 0 for k in labels]
        return self.masks[[0, *channels]]

    def as_unit(self) -> np.ndarray:
        """Return the picture as (h, w, 3) float32 in [0, 1]."""
        return self.picture.cpu().numpy().astype(np.float32) / np.float32(255)

    def without(self, label: int) -> Memory:
        """Return this memory with the object's pixels turned to background."""
        if label not in self.labels:
            return self
        others = tuple(k for k in self.labels if k != label)
        masks = self.masks_of(others)
        masks[0] += self.masks[1 + self.labels.index(label)]
        return replace(self, masks=masks, labels=others)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        tensors = {name: getattr(self, name).cpu().clone() for name in _TENSORS}
        return {"t": self.t, "window": astuple(self.window), "labels": self.labels, **tensors}

    @classmethod
    def unpack(cls, packed: dict[str, Any], device: torch.device) -> Memory:
        """Return what `pack` saved, on a device."""
        tensors = {name: packed[name].to(device, copy=True) for name in _TENSORS}
        window, labels = Window(*packed["window"]), tuple(packed["labels"])
        return cls(t=packed["t"], window=window, labels=labels, **tensors)


_TENSORS = ("picture", "cells", "masks", "drift")


class Mind(Protocol):
    """What a method knows beside its frames."""

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        ...


@dataclass(slots=True)
class State:
    """All that a tracker knows of a video."""

    grid: Grid
    grey: np.ndarray  # (H, W) uint8, the latest frame
    last: Memory
    mind: Any  # a `Mind`, of the tracker's own class
    permanent: list[Memory] = field(default_factory=list)  # oldest commit first

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels of all objects, in the order of the probabilities."""
        return self.last.labels

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "grid": astuple(self.grid),
            "grey": torch.from_numpy(self.grey.copy()),
            "last": self.last.pack(),
            "mind": self.mind.pack(),
            "permanent": [memory.pack() for memory in self.permanent],
        }

    @classmethod
    def unpack(cls, packed: dict[str, Any], mind: Mind, device: torch.device) -> State:
        """Return what `pack` saved, on a device, with its mind unpacked already."""
        return cls(
            grid=Grid(*packed["grid"]),
            grey=packed["grey"].numpy().copy(),
            last=Memory.unpack(packed["last"], device),
            mind=mind,
            permanent=[Memory.unpack(memory, device) for memory in packed["permanent"]],
        )
