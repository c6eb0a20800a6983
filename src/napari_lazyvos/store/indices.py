"""numpy's indexing of a stack, taken apart into indexing of single frames."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Piece", "pieces", "result_shape", "split"]

Frames: TypeAlias = int | slice | np.ndarray


@dataclass(frozen=True, slots=True)
class Piece:
    """One frame's share of an indexing operation: ``result[outer] = frame(t)[inner]``."""

    t: int
    inner: tuple[Any, ...]
    outer: Any


def split(key: Any, shape: tuple[int, int, int]) -> tuple[Frames, tuple[Any, ...]]:
    """Split a key into what it says of frames and what it says of a plane.

    Parameters
    ----------
    key : anything that numpy takes, but for `None`, and arrays mixed with slices
    shape : (T, Y, X)

    Returns
    -------
    frames : int, slice with all three numbers, or integer array; all of them 0 or more
    plane : two entries, each an int, a slice or an array

    Raises
    ------
    IndexError
        For a frame outside the stack, and for what is not supported.
    """
    if isinstance(key, np.ndarray) and key.dtype == bool and key.ndim == len(shape):
        key = key.nonzero()
    entries = _complete(key if isinstance(key, tuple) else (key,), len(shape))
    first, plane = entries[0], entries[1:]
    if isinstance(first, slice):
        return slice(*first.indices(shape[0])), plane
    if isinstance(first, (list, np.ndarray)) and np.ndim(first):
        return _frame_numbers(np.asarray(first), shape[0]), plane
    return int(_frame_numbers(np.asarray(operator.index(first)), shape[0])), plane


def result_shape(frames: Frames, plane: tuple[Any, ...], blank: np.ndarray) -> tuple[int, ...]:
    """Return the shape of the result; `blank` is any plane of the stack."""
    if isinstance(frames, int):
        return np.shape(blank[plane])
    if isinstance(frames, slice):
        return (_length(frames), *np.shape(blank[plane]))
    if _all_slices(plane):
        return (*frames.shape, *blank[plane].shape)
    return np.broadcast_shapes(frames.shape, *(np.shape(entry) for entry in plane))


def pieces(frames: Frames, plane: tuple[Any, ...]) -> Iterator[Piece]:
    """Go through the frames that the key touches."""
    if isinstance(frames, int):
        yield Piece(frames, plane, ())
    elif isinstance(frames, slice):
        for i, t in enumerate(range(frames.start, frames.stop, frames.step)):
            yield Piece(t, plane, i)
    elif _all_slices(plane):
        for at in np.ndindex(frames.shape):
            yield Piece(int(frames[at]), plane, at)
    else:
        numbers, *points = np.broadcast_arrays(frames, *plane)
        for t in np.unique(numbers):
            here = np.nonzero(numbers == t)
            yield Piece(int(t), tuple(axis[here] for axis in points), here)


def _complete(entries: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """Spell out an Ellipsis and what is missing at the end."""
    if any(entry is None for entry in entries):
        raise IndexError("a frame stack takes no new axes: index first, then add the axis")
    named = sum(entry is not Ellipsis for entry in entries)
    at = next((i for i, entry in enumerate(entries) if entry is Ellipsis), len(entries))
    if named > ndim or len(entries) - named > 1:
        raise IndexError(f"{len(entries)} indices for a frame stack, which has {ndim} axes")
    return entries[:at] + (slice(None),) * (ndim - named) + entries[at + 1 :]


def _frame_numbers(numbers: np.ndarray, frames: int) -> np.ndarray:
    if numbers.dtype == bool:
        if numbers.shape != (frames,):
            raise IndexError(f"a boolean index of shape {numbers.shape} for {frames} frames")
        return np.flatnonzero(numbers)
    outside: np.ndarray = (numbers < -frames) | (numbers >= frames)
    if outside.any():
        raise IndexError(f"frame {numbers[outside].flat[0]} of a stack of {frames} frames")
    return np.where(numbers < 0, numbers + frames, numbers)


def _all_slices(plane: tuple[Any, ...]) -> bool:
    arrays = [not isinstance(entry, slice) for entry in plane]
    if any(arrays) and not all(arrays):
        raise IndexError("a frame stack takes arrays on all axes or on the first alone")
    return not any(arrays)


def _length(frames: slice) -> int:
    return len(range(frames.start, frames.stop, frames.step))
