"""The frames that a matching tracker remembers as they are (STM, Oh et al. 2019, sec. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.frame import SHARED, Frame
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.memory.readmem import ReadMem
from napari_lazyvos.memory.retention import KeepAll, Retention
from napari_lazyvos.memory.table import Readout, Table

__all__ = ["Bank"]


class Bank:
    """Frames that stay as long as a rule says.

    Parameters
    ----------
    device : torch.device
        Where it lies and is read; queries are brought there, and what they find is brought back.
    top_k : int or None
        See `weigh`.
    dot : bool
        See `similarity`.
    rule : Retention, optional
        Without one every frame stays.
    adjacent : bool
        Whether the frame that was passed last is read, too, if it is not among those that stay:
        ``include_last`` of STCN, the temporary slot of MiVOS, the adjacent frame of READMem.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        top_k: int | None = None,
        dot: bool = False,
        rule: Retention | None = None,
        adjacent: bool = False,
    ) -> None:
        self.device = device
        self.top_k, self.dot, self.adjacent = top_k, dot, adjacent
        self._rule = rule or KeepAll()
        self._frames: list[Frame] = []  # in the order of their coming
        self._held: Frame | None = None  # the frame that was passed last
        self._tables: dict[int, Table] = {}  # by owner, of what there is now, once it was read

    @property
    def times(self) -> tuple[int, ...]:
        """Numbers of the frames that stay, in the order of their coming."""
        return tuple(frame.t for frame in self._frames)

    @property
    def permanent(self) -> tuple[int, ...]:
        """Numbers of those that never leave, in the order of their coming."""
        return tuple(frame.t for frame in self._frames if frame.permanent)

    @property
    def diversity(self) -> float | None:
        """How diverse the frames are, where READMem keeps them; see `ReadMem.log_determinant`."""
        # 0.0: it has not compared them yet.
        return (self._rule.log_determinant or None) if isinstance(self._rule, ReadMem) else None

    def add(
        self,
        t: int,
        cells: Mapping[int, Cells],
        *,
        permanent: bool = False,
        quality: Mapping[int, float] | None = None,
    ) -> bool:
        """Offer a frame, and return whether it stays.

        The first frame that tells of an object is permanent in any case. If there is one under
        this number, it stays permanent if it was, and what is known in it of other objects stays,
        too.

        Parameters
        ----------
        t : int
        cells : by owner; see `Frame`
        permanent : never leaves
        quality : see `Remembered`
        """
        new = Frame(t, permanent, {k: each.to(self.device) for k, each in cells.items()}, quality)
        self._tables = {}
        if t in self.times:
            place = self.times.index(t)
            self._frames[place] = self._frames[place].with_more(new)
            self._rule.renew([frame.as_seen() for frame in self._frames], place)
            stays = True
        else:
            stays = self._take(replace(new, permanent=permanent or self._is_first(new)))
        self._held = new if self.adjacent and not stays else None
        return stays

    def hold(self, t: int, cells: Mapping[int, Cells]) -> None:
        """Take a frame into the slot for the one that was passed last, and offer it not."""
        if t not in self.times:
            self._held = Frame(t, False, {k: each.to(self.device) for k, each in cells.items()})
            self._tables = {}

    def read(self, query: Query) -> dict[int, Readout]:
        """Look up the places of a frame; something is remembered. Nothing changes but by `note`.

        Returns
        -------
        dict of Readout by owner; each label is spoken of once
        """
        if not self._tables:
            self._tables = {owner: self._arrange(owner) for owner in self._owners()}
        return {
            owner: table.read(query, self.top_k, dot=self.dot)
            for owner, table in self._tables.items()
        }

    def note(self, found: Mapping[int, Readout]) -> None:
        """Count a read as one of the memory's, while nothing was added since."""
        for owner, readout in found.items():
            parts = self._parts(owner)
            shares = torch.split(readout.usage, [len(part) for part in parts])
            self._put(owner, list(map(_after, parts, shares)))

    def cells(self, t: int, label: int) -> Cells | None:
        """Return what is remembered of an object in a frame; None if it is nothing."""
        frame = next((each for each in self._frames if each.t == t), None)
        owners = () if frame is None else (frame.cells.get(label), frame.cells.get(SHARED))
        return next((each for each in owners if each is not None and label in each.known), None)

    def keep(self, t: int) -> None:
        """Let a frame of those in memory never leave."""
        self._frames = [replace(f, permanent=True) if f.t == t else f for f in self._frames]

    def drop(self, t: int) -> None:
        """Remove a frame of those in memory, also a permanent one.

        Raises
        ------
        LazyVosError
            If no other frame tells of one of its objects.
        """
        place = self.times.index(t)
        rest = [*self._frames[:place], *self._frames[place + 1 :]]
        alone = self._frames[place].labels.difference(*(frame.labels for frame in rest))
        if alone:
            raise LazyVosError(
                f"Frame {t} is the only one in memory that tells of object {min(alone)}, and "
                "cannot be forgotten: track on, or annotate the object in another frame before."
            )
        self._frames, self._tables = rest, {}
        self._rule.forget(place)

    def forget(self, label: int) -> None:
        """Remove an object, and the frames that tell of nothing else."""
        rest = [frame.without(label) for frame in self._frames]
        self._frames = [frame for frame in rest if frame.cells]
        held = self._held.without(label) if self._held is not None else None
        self._held = held if held is not None and held.cells else None
        self._tables = {}
        self._rule.unpack({})

    def clear(self) -> None:
        """Forget everything."""
        self._frames, self._held, self._tables = [], None, {}
        self._rule.unpack({})

    def change_grid(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Remember frames as if they had been looked at on another grid of places."""
        self._frames = [frame.on_grid(before, after) for frame in self._frames]
        self._held = None if self._held is None else self._held.on_grid(before, after)
        self._tables = {}
        self._rule.unpack({})

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "frames": [frame.pack() for frame in self._frames],
            "held": None if self._held is None else self._held.pack(),
            "rule": self._rule.pack(),
        }

    def unpack(self, packed: Mapping[str, Any], *, anew: bool = False) -> None:
        """Put back what was packed.

        Parameters
        ----------
        packed : what `pack` returned
        anew : bool
            Another rule had kept the frames: they are offered to this one, in their order.
        """
        self.clear()
        frames = [Frame.unpack(each, self.device) for each in packed["frames"]]
        if anew:
            for frame in frames:
                self._take(frame)
        else:
            self._frames = frames
            self._rule.unpack(packed["rule"])
        held = packed["held"]
        if self.adjacent and held is not None:
            self._held = Frame.unpack(held, self.device)

    def _take(self, new: Frame) -> bool:
        """Let the rule decide on a frame, and return whether it stays."""
        place = self._rule.admit([frame.as_seen() for frame in self._frames], new.as_seen())
        if place is None:
            return False
        self._frames = [*self._frames[:place], *self._frames[place + 1 :], new]
        return True

    def _is_first(self, new: Frame) -> bool:
        """Whether a frame tells of an object of which nothing is known."""
        return not new.labels <= frozenset().union(*(frame.labels for frame in self._frames))

    def _owners(self) -> list[int]:
        return list(dict.fromkeys(owner for frame in self._read() for owner in frame.cells))

    def _read(self) -> list[Frame]:
        """Return the frames that are read."""
        return self._frames if self._held is None else [*self._frames, self._held]

    def _parts(self, owner: int) -> list[Cells]:
        """Return all cells of one owner, in the order in which they are read."""
        return [frame.cells[owner] for frame in self._read() if owner in frame.cells]

    def _put(self, owner: int, parts: Sequence[Cells]) -> None:
        """Put other cells in the place of `_parts`, one by one."""
        rest = iter(parts)
        found = [
            replace(frame, cells={**frame.cells, owner: next(rest)})
            if owner in frame.cells
            else frame
            for frame in self._read()
        ]
        if self._held is not None:
            self._held = found.pop()
        self._frames = found

    def _arrange(self, owner: int) -> Table:
        table, parts = Table.of(self._parts(owner))
        self._put(owner, parts)
        return table


def _after(cells: Cells, usage: Tensor) -> Cells:
    """Return cells after a read that took so much of them, (N,)."""
    return replace(cells, usage=cells.usage + usage, life=cells.life + 1)
