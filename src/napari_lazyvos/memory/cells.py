"""What is remembered of places: keys, and for each object a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Cells", "Known", "join", "unused"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one object, in the places where it is known."""

    rows: Tensor  # (n,) int64, rising: places of the cells
    values: Tensor  # (n, C) float


@dataclass(frozen=True, slots=True)
class Cells:
    """N places of remembered frames, or prototypes of such."""

    keys: Tensor  # (N, D) float
    shrinkage: Tensor | None  # (N,) float, 1 or more; None: ones
    selection: Tensor | None  # (N, D) float in [0, 1]; None: ones, or they are prototypes
    usage: Tensor  # (N,) float: how much of all reads came from here
    life: Tensor  # (N,) float: how many reads there were
    known: Mapping[int, Known]  # by label

    @classmethod
    def of_frame(
        cls,
        keys: Tensor,
        values: Mapping[int, Tensor],
        *,
        shrinkage: Tensor | None = None,
        selection: Tensor | None = None,
    ) -> Cells:
        """Return the cells of a new frame, in which each object's (N, C) values are known."""
        everywhere = torch.arange(len(keys), device=keys.device)
        known = {label: Known(everywhere, each) for label, each in values.items()}
        return cls(keys, shrinkage, selection, *unused(len(keys), keys.device), known)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def used(self) -> Tensor:
        """Usage for each read, (N,) (XMem, sec. 3.3)."""
        return self.usage / self.life

    def at(self, rows: Tensor) -> Cells:
        """Return some of the cells, by (n,) int64 rising places."""
        known = {label: _chosen(each, rows) for label, each in self.known.items()}
        return Cells(
            self.keys[rows],
            None if self.shrinkage is None else self.shrinkage[rows],
            None if self.selection is None else self.selection[rows],
            self.usage[rows],
            self.life[rows],
            {label: each for label, each in known.items() if len(each.rows)},
        )

    def without(self, label: int) -> Cells:
        """Return the cells without an object."""
        return replace(self, known={k: each for k, each in self.known.items() if k != label})

    def on_grid(self, before: tuple[int, int], after: tuple[int, int]) -> Cells:
        """Return the cells of a whole frame as if it had been looked at on another grid.

        Parameters
        ----------
        before, after : rows and columns of places
        """

        def there(tensor: Tensor) -> Tensor:
            picture = tensor.reshape(*before, -1).movedim(2, 0)[None].float()
            resized = F.interpolate(picture, after, mode="bilinear", align_corners=False)[0]
            return resized.flatten(1).T.reshape(-1, *tensor.shape[1:]).to(tensor.dtype)

        everywhere = torch.arange(after[0] * after[1], device=self.keys.device)
        return Cells(
            there(self.keys),
            None if self.shrinkage is None else there(self.shrinkage),
            None if self.selection is None else there(self.selection),
            there(self.usage),
            there(self.life),
            {k: Known(everywhere, there(each.values)) for k, each in self.known.items()},
        )

    def to(self, device: torch.device, *, copy: bool = False) -> Cells:
        """Return the cells on a device; with `copy` they share no memory with these."""

        def there(tensor: Tensor) -> Tensor:
            return tensor.to(device, copy=copy)

        return Cells(
            there(self.keys),
            None if self.shrinkage is None else there(self.shrinkage),
            None if self.selection is None else there(self.selection),
            there(self.usage),
            there(self.life),
            {k: Known(there(n.rows), there(n.values)) for k, n in self.known.items()},
        )

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        kept = self.to(torch.device("cpu"), copy=True)
        names = ("keys", "shrinkage", "selection", "usage", "life")
        packed: dict[str, Any] = {name: getattr(kept, name) for name in names}
        known = {k: {"rows": n.rows, "values": n.values} for k, n in kept.known.items()}
        return packed | {"known": known}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], device: torch.device) -> Cells:
        """Return a copy of cells that were packed, on a device."""
        known = {label: Known(**each) for label, each in packed["known"].items()}
        return cls(**{**packed, "known": known}).to(device, copy=True)


def unused(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return usage and life of new cells; no life is quite zero, so that it can divide."""
    return torch.zeros(count, device=device), torch.full((count,), 1e-7, device=device)


def join(parts: Sequence[Cells]) -> Cells:
    """Return all cells of the parts, in order; there is at least one part."""
    starts = [0, *torch.tensor([len(part) for part in parts]).cumsum(0).tolist()]
    known = {}
    for label in dict.fromkeys(label for part in parts for label in part.known):
        mine = [(n, part.known[label]) for n, part in enumerate(parts) if label in part.known]
        rows = torch.cat([starts[n] + each.rows for n, each in mine])
        known[label] = Known(rows, torch.cat([each.values for _, each in mine]))
    return Cells(
        torch.cat([part.keys for part in parts]),
        _joined([part.shrinkage for part in parts]),
        _joined([part.selection for part in parts]),
        torch.cat([part.usage for part in parts]),
        torch.cat([part.life for part in parts]),
        known,
    )


def _chosen(known: Known, rows: Tensor) -> Known:
    """Return what is known at some places, which are numbered anew."""
    there = torch.isin(rows, known.rows)
    at = torch.searchsorted(known.rows, rows[there])
    return Known(torch.where(there)[0], known.values[at])


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    """Return what the parts have, if all have it."""
    there = [part for part in parts if part is not None]
    return torch.cat(there) if len(there) == len(parts) else None
