"""Keep the frames that differ most (READMem, Vujasinovic et al. 2023; thesis ch. 5).

A frame that is offered has to resemble the annotated one (the *lower similarity bound*). It is
appended while there is room. Then it replaces that frame with whose place it makes the memory most
diverse (see `diversity`), if it makes it more diverse at all.

Before two frames are compared, they are brought into one *frame of reference*, since an object that
only moved has not changed: each place of the one is compared with that place of the other which is
most similar to it (thesis eq. 5.6-5.7; *robust embedding association*).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.diversity import Diversity
from napari_lazyvos.memory.reading import QUERIES
from napari_lazyvos.memory.retention import Remembered

__all__ = ["Preset", "ReadMem", "Scores", "closest"]

Similarity = Literal["cosine", "dot"]
Align = Literal["affinity", "fixed", "none"]
Scores = Literal["l2", "dot"]
Initialisation = Literal["stream", "copies"]
Preset = Literal["thesis", "code"]

Keys = Mapping[int, Tensor]  # (HW, C) float by label

TIE = 1e-6  # determinants whose logarithms differ by less are equal
SAME = 1e-5  # so are keys whose distance is no larger part of their length

CODE: dict[str, Any] = {"size": 10, "strict": False, "rounding": 5, "align_filling": False}
"""What the author's program does otherwise than the thesis says."""


@dataclass(eq=False)
class ReadMem:
    """READMem's rule of retention.

    Permanent frames never leave; the first of them that knows an object of the new frame is the
    annotated frame. A new permanent frame enters whatever it is like, in the place of that frame
    which is missed least; there may be more than `size` only if all are permanent.

    Frames are compared object by object, and the mean is taken over those that both know. Two that
    have none in common are as different as can be.
    """

    size: int = 20  # of the memory, the annotated frame counted in
    bound: float | None = 0.5
    """Lower similarity bound, in parts of the annotated frame's similarity to itself; None: any
    frame may enter."""

    similarity: Similarity = "cosine"
    """Of two key maps, each as one vector: the cosine of the angle between them, or their dot
    product."""

    align: Align = "affinity"
    """Frame of reference. ``"affinity"``: that of the new frame, to which each of the others is
    aligned. ``"fixed"``: that of the frame in which an object was first known; a frame is aligned
    once, when it comes, and the Gram matrix is a true one (thesis sec. 5.7). ``"none"``: places are
    compared as they lie."""

    scores: Scores = "l2"
    """What makes two places similar when frames are aligned: their squared distance (STCN), or
    their dot product (MiVOS)."""

    strict: bool = True
    """Whether the memory has to become more diverse, and never holds a frame twice; else it is
    enough that it does not become less so."""

    rounding: int | None = None  # decimals of similarities; None: all
    align_filling: bool = True  # whether ``"affinity"`` also holds while there is room

    initialisation: Initialisation = "stream"
    """``"copies"``: the first frame is thought of as filling all of the memory, so that from the
    start frames enter only if they make it more diverse; its copies leave before others."""

    diversify: bool = True  # False: the first that may leave does, in a full memory

    _diversity: Diversity = field(init=False, repr=False, default_factory=Diversity)
    _copies: int = field(init=False, repr=False, default=0)  # of frame 0, ahead of it in the matrix
    _references: dict[int, Tensor] = field(init=False, repr=False, default_factory=dict)
    _aligned: list[Keys] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise LazyVosError(f"a memory of size={self.size} holds nothing: choose 1 or more.")
        for name, choices in (
            ("similarity", Similarity),
            ("align", Align),
            ("scores", Scores),
            ("initialisation", Initialisation),
        ):
            _check(name, getattr(self, name), get_args(choices))

    @classmethod
    def preset(cls, name: Preset, **changes: Any) -> ReadMem:
        """Return the rule as in the thesis or as in the author's code, with other options.

        The code keeps 10 frames instead of 20, replaces one if the determinant stays the same,
        rounds similarities to 5 decimals, and does not align frames while there is room.
        """
        _check("preset", name, get_args(Preset))
        return cls(**({} if name == "thesis" else CODE) | changes)

    @property
    def log_determinant(self) -> float:
        """Logarithm of the Gram matrix' determinant: how diverse the memory is."""
        return self._diversity.log_determinant

    def admit(self, kept: Sequence[Remembered], new: Remembered) -> int | None:
        """Let a frame enter if it resembles the annotated one and makes the memory more diverse.

        See `Retention.admit`.

        Raises
        ------
        LazyVosError
            If frames have different numbers of places, but are not to be aligned.
        """
        self._catch_up(kept)
        others, this = self._compared(kept), self._brought(new.keys)

        @cache
        def similar(place: int, align: bool) -> float:
            return self._similarity(others[place], this, align=align)

        first = _annotated(kept, others, this)
        if first is not None and self.bound is not None and not new.permanent:
            own = self._similarity(others[first], others[first])
            if similar(first, True) <= self.bound * own:
                return None
        align = self.align_filling or not self._has_room
        row = np.array([similar(place, align) for place in range(len(kept))])
        row = np.concatenate([np.repeat(row[:1], self._copies), row])
        own = self._similarity(this, this)
        leaves = self._leaving(kept, row, own, forced=new.permanent)
        if leaves is None or not (new.permanent or self._is_new(others, this)):
            return None
        place = leaves - self._copies
        if place < 0:
            self._copies -= 1
            place = len(kept)
        self._exchange(leaves, row, own)
        self._note(this, place)
        return place

    def renew(self, kept: Sequence[Remembered], place: int) -> None:
        """Compare one frame anew with all others, of two always the older one aligned.

        The fixed frame of reference stays what it was, if the frame is the one that it is of.
        """
        if not len(self._diversity):
            return
        others, this = list(self._compared(kept)), self._brought(kept[place].keys)
        others[place] = this
        own = self._similarity(this, this)
        older = [self._similarity(each, this, align=True) for each in others[:place]]
        newer = [self._similarity(this, each, align=True) for each in others[place + 1 :]]
        row = [*older, own, *newer]
        rows = range(self._copies + 1) if place == 0 else (self._copies + place,)
        for n in rows:
            self._diversity.put(n, np.array([row[0]] * self._copies + row), own)
        if self.align == "fixed":
            self._aligned = others
            self._references = {**this, **self._references}

    def forget(self, place: int) -> None:
        """Take a frame out; the copies of the first one leave with it."""
        if not len(self._diversity):
            return
        if place == 0:
            for _ in range(self._copies):
                self._diversity.remove(0)
            self._copies = 0
        self._diversity.remove(self._copies + place)
        if self._aligned:
            del self._aligned[place]

    def pack(self) -> dict[str, Any]:
        """Return the Gram matrix, and the keys in the fixed frame of reference."""
        return {
            "gram": self._diversity.pack(),
            "copies": self._copies,
            "references": _copied(self._references, "cpu"),
            "aligned": [_copied(keys, "cpu") for keys in self._aligned],
        }

    def unpack(self, packed: Mapping[str, Any]) -> None:
        """Put back what was packed; if it is empty, the frames in memory are compared anew."""
        self._diversity = Diversity.unpack(packed["gram"]) if packed else Diversity()
        self._copies = packed.get("copies", 0)
        self._references = _copied(packed.get("references", {}))
        self._aligned = [_copied(keys) for keys in packed.get("aligned", [])]

    @property
    def _has_room(self) -> bool:
        return len(self._diversity) < self.size

    def _leaving(
        self, kept: Sequence[Remembered], row: np.ndarray, own: float, *, forced: bool
    ) -> int | None:
        """Return which row of the Gram matrix makes way for a new one; its size: none has to.

        None: the new one may not enter.
        """
        size = len(self._diversity)
        passing = list(range(self._copies))
        passing += [self._copies + n for n, each in enumerate(kept) if not each.permanent]
        if self._has_room or (forced and not passing):
            return size
        if not passing:
            return None
        if not self.diversify:
            return passing[0]
        with np.errstate(divide="ignore"):
            gains = np.log(np.abs(self._diversity.ratios(row, own)[passing]))
        best = int(gains.argmax())
        grows = gains[best] > TIE if self.strict else gains[best] >= -TIE
        return passing[best] if forced or grows else None

    def _is_new(self, others: Sequence[Keys], this: Keys) -> bool:
        """Return whether a frame is not in memory already, if that counts."""
        counts = self.strict and self.diversify
        return not (counts and any(_are_same(each, this) for each in others))

    def _exchange(self, leaves: int, row: np.ndarray, own: float) -> None:
        """Put a new row into the Gram matrix; the first one may fill all of it."""
        if leaves < len(self._diversity):
            self._diversity.replace(leaves, row, own)
            return
        self._diversity.append(row, own)
        if self.initialisation == "copies" and leaves == 0:
            for count in range(1, self.size):
                self._diversity.append(np.full(count, own), own)
            self._copies = self.size - 1

    def _catch_up(self, kept: Sequence[Remembered]) -> None:
        """Compare the frames in memory, if nothing is known of them."""
        if len(self._diversity):
            return
        for n, each in enumerate(kept):
            this = self._brought(each.keys)
            row = [self._similarity(other, this, align=True) for other in self._compared(kept[:n])]
            self._diversity.append(np.array(row), self._similarity(this, this))
            self._note(this, n)

    def _compared(self, kept: Sequence[Remembered]) -> list[Keys]:
        """Return by what each frame is compared."""
        return self._aligned if self.align == "fixed" else [each.keys for each in kept]

    def _brought(self, keys: Keys) -> Keys:
        """Return by what a new frame is compared: its keys in the fixed frame of reference."""
        if self.align != "fixed":
            return keys
        brought = dict(keys)
        for label in keys.keys() & self._references:
            reference = self._references[label].to(keys[label])
            if not _are_close(keys[label], reference):  # else it lies there, whatever the scores
                brought[label] = keys[label][closest(keys[label], reference, self.scores)]
        return brought

    def _note(self, keys: Keys, place: int) -> None:
        """Keep what a frame is compared by, if that is not in memory; at `place` another left."""
        if self.align == "fixed":
            self._aligned = [*self._aligned[:place], *self._aligned[place + 1 :], keys]
            self._references = {**keys, **self._references}

    def _similarity(self, old: Keys, new: Keys, *, align: bool = False) -> float:
        """Return how similar two frames are, the old one aligned to the new one or not."""
        align = align and self.align == "affinity"
        found = [self._of_one(old[k], new[k], align=align) for k in new if k in old]
        return float(np.mean(found)) if found else 0.0

    def _of_one(self, old: Tensor, new: Tensor, *, align: bool) -> float:
        """Return how similar two key maps are."""
        old, new = old.to(new.device).float(), new.float()
        if align:
            old = old[closest(old, new, self.scores)]
        if len(old) != len(new):
            raise LazyVosError(
                f"frames of {len(old)} and of {len(new)} places cannot be compared place by place: "
                'choose align="fixed", or align="affinity" with align_filling=True.'
            )
        found = _inner(old, new)
        if self.similarity == "cosine":
            found /= max(np.sqrt(_inner(old, old) * _inner(new, new)), 1e-8)
        return found if self.rounding is None else round(found, self.rounding)


def closest(keys: Tensor, query: Tensor, scores: Scores) -> Tensor:
    """Return the most similar place of a frame for each place of a query (thesis eq. 5.6).

    These are the places of the largest elements in the affinity's columns, of which only some are
    computed at a time.

    Parameters
    ----------
    keys : (HW, C) float tensor
    query : (Q, C) float tensor
    scores : {"l2", "dot"}
        Negative squared distance, or dot product.

    Returns
    -------
    (Q,) int64 tensor
    """
    keys, query = keys.float(), query.float()
    # Of -|q - k|^2 only 2 q . k - |k|^2 depends on the place of the frame.
    offset = -keys.square().sum(1) / 2 if scores == "l2" else keys.new_zeros(len(keys))
    pieces = torch.split(query, QUERIES)
    return torch.cat([torch.addmm(offset, piece, keys.T).argmax(1) for piece in pieces])


def _inner(a: Tensor, b: Tensor) -> float:
    """Return the dot product of two (HW, C) tensors; as many terms lose digits in float32."""
    return float((a * b).sum(1).cpu().double().sum())


def _annotated(kept: Sequence[Remembered], others: Sequence[Keys], this: Keys) -> int | None:
    """Return the place of the annotated frame of what a new one shows."""
    known = [n for n, keys in enumerate(others) if kept[n].permanent and keys.keys() & this]
    return known[0] if known else None


def _are_same(one: Keys, other: Keys) -> bool:
    """Return whether two frames show the same."""
    return one.keys() == other.keys() and all(_are_close(one[k], other[k]) for k in one)


def _are_close(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    far = torch.linalg.vector_norm(one.to(other) - other)
    return bool(far <= SAME * torch.linalg.vector_norm(other))


def _copied(keys: Keys, device: str | None = None) -> dict[int, Tensor]:
    """Return a copy of keys, on a device or where they are."""
    return {k: each.detach().to(device or each.device, copy=True) for k, each in keys.items()}


def _check(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise LazyVosError(
            f"{name}={value!r} is nothing READMem knows: choose {' or '.join(map(repr, choices))}."
        )
