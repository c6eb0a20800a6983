"""The frames of a session as one array that napari can show and paint into.

A `FrameStack` looks like a numpy array (T, Y, X), and lies on disk. The engine writes whole frames
with `FrameStack.write`. What a person draws comes in through ``stack[...] = ...`` and waits as a
*stroke*: the whole plane as that person sees it, in memory only, until the session has made it
permanent and calls `FrameStack.drop_stroke`.

Planes are never changed once they are handed out: a stroke that goes on is a new plane. So readers
in other threads need no lock, and a plane can be compared by identity.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.chunks import ChunkFolder
from napari_lazyvos.store.indices import pieces, result_shape, split

__all__ = ["FrameStack"]

CACHE_BYTES = 64 * 2**20  # decoded planes kept in memory


class FrameStack:
    """An array-like (T, Y, X) of uint8 or uint16 over a zarr array, one chunk per frame.

    Reading a frame shows its stroke where there is one, also when the engine has written the frame
    since: the stroke wins until it is dropped. A frame that was never written is zero and costs no
    disk access. Indexing copies, as zarr does; `frame` and `stored` do not.

    All methods may be called from any thread. The lock that readers of decoded frames meet is
    held for dictionary operations only, never during compression or disk access.

    Parameters
    ----------
    folder : of the zarr array, which exists (`create` makes one)
    cache_bytes : decoded frames kept in memory, least recently used go first; at least two frames
    """

    ndim = 3

    def __init__(self, folder: Path, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._chunks = ChunkFolder(folder)
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()
        self._writes = 0  # a plane that was read from disk while it changes is stale
        self._decoded: OrderedDict[int, np.ndarray] = OrderedDict()
        self._strokes: dict[int, np.ndarray] = {}
        self._written = np.zeros(self._chunks.frames, bool)
        self._written[self._chunks.written()] = True
        self._blank = self._chunks.decode(b"")
        self.on_stroke: Callable[[int], None] | None = None  # called after each stroke, with t

    @classmethod
    def create(
        cls, folder: Path, shape: tuple[int, int, int], dtype: np.typing.DTypeLike = np.uint8
    ) -> FrameStack:
        """Make a stack of zeros of this shape (T, Y, X) in a folder that does not exist."""
        ChunkFolder.create(folder, shape, np.dtype(dtype))
        return cls(folder)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        return self._chunks.frames, self._chunks.height, self._chunks.width

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """uint8 or uint16."""
        return self._chunks.dtype

    @property
    def size(self) -> int:
        """Number of pixels."""
        frames, height, width = self.shape
        return frames * height * width

    @property
    def nbytes(self) -> int:
        """Bytes that a numpy array of this shape would take."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        frames, plane = split(key, self.shape)
        if isinstance(frames, int):
            return self.frame(frames)[plane].copy()
        result = np.empty(result_shape(frames, plane, self._blank), self.dtype)
        for piece in pieces(frames, plane):
            result[piece.outer] = self.frame(piece.t)[piece.inner]
        return result

    def __setitem__(self, key: Any, value: Any) -> None:
        """Draw: touches memory alone, where the frame is decoded already."""
        frames, plane = split(key, self.shape)
        shape = result_shape(frames, plane, self._blank)
        values = self._as_pixels(value)
        while values.ndim > len(shape) and values.shape[0] == 1:  # as numpy does
            values = values[0]
        values = np.broadcast_to(values, shape)
        for piece in pieces(frames, plane):
            stroke = self.frame(piece.t).copy()
            stroke[piece.inner] = values[piece.outer]
            stroke.flags.writeable = False
            with self._lock:
                self._strokes[piece.t] = stroke
            if self.on_stroke is not None:
                self.on_stroke(piece.t)

    def __array__(
        self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None
    ) -> np.ndarray:
        if copy is False:
            raise ValueError("a frame stack lies on disk: it cannot be an array without a copy")
        return np.asarray(self[:], dtype)

    def frame(self, t: int) -> np.ndarray:
        """Return frame `t` as a person sees it: with the stroke. (H, W), read-only, not copied."""
        with self._lock:
            stroke = self._strokes.get(t)
        return self.stored(t) if stroke is None else stroke

    def stored(self, t: int) -> np.ndarray:
        """Return frame `t` as the engine wrote it: without the stroke. (H, W), read-only."""
        self._check(t)
        with self._lock:
            plane = self._decoded.get(t)
            if plane is not None:
                self._decoded.move_to_end(t)
                return plane
            if not self._written[t]:
                return self._blank
            writes = self._writes
        plane = self._decode(t, self._chunks.read(t))
        with self._lock:
            if writes == self._writes:
                self._keep(t, plane)
        return plane

    def write(self, t: int, plane: np.ndarray) -> None:
        """Write frame `t`; it is on disk when this returns.

        Parameters
        ----------
        t : 0 <= t < T
        plane : (H, W) array of a dtype that fits in the stack's
        """
        self._check(t)
        if plane.shape != self.shape[1:] or not np.can_cast(plane.dtype, self.dtype):
            raise ValueError(
                f"frame {t} is {plane.dtype} {plane.shape}, the stack has {self.dtype} planes of "
                f"{self.shape[1:]}"
            )
        kept = plane.astype(self.dtype)
        kept.flags.writeable = False
        self._put(t, kept, self._chunks.encode(kept))

    def erase(self, t: int) -> None:
        """Set frame `t` back to zero, and remove its chunk."""
        self._check(t)
        self._put(t, None, b"")

    def chunk(self, t: int) -> bytes:
        """Return frame `t` compressed, as it lies on disk; empty where it is zero."""
        self._check(t)
        return self._chunks.read(t) if self._written[t] else b""

    def put_chunk(self, t: int, chunk: bytes) -> None:
        """Write frame `t` from what `chunk` returned, before or after `widen`."""
        self._check(t)
        if self.dtype == np.uint16:  # the chunk may be from before `widen`
            self.write(t, self._decode(t, chunk))
        else:
            self._put(t, None, chunk)

    def strokes(self) -> dict[int, np.ndarray]:
        """Return the planes (H, W, read-only) that a person drew and that wait to be permanent."""
        with self._lock:
            return dict(self._strokes)

    def drop_stroke(self, t: int, seen: np.ndarray | None = None) -> bool:
        """Forget the stroke on frame `t`.

        Parameters
        ----------
        t : 0 <= t < T
        seen : the plane that `strokes` gave. When the person has drawn on since, the newer plane,
            which holds both, is kept. None drops whatever there is.

        Returns
        -------
        bool : no stroke is left on this frame
        """
        with self._lock:
            if seen is None or self._strokes.get(t) is seen:
                self._strokes.pop(t, None)
            return t not in self._strokes

    def resize(self, frames: int) -> None:
        """Grow to this number of frames; the new ones are zero."""
        if frames < len(self):
            raise ValueError(f"a stack of {len(self)} frames cannot shrink to {frames}")
        if frames == len(self):
            return
        self._chunks.resize(frames)
        with self._lock:
            self._written = np.pad(self._written, (0, frames - len(self._written)))

    def widen(self) -> None:
        """Turn a uint8 stack into uint16, for labels above 255; strokes are kept."""
        if self.dtype == np.uint16:
            return
        self._chunks.widen()
        with self._lock:
            self._writes += 1
            self._decoded.clear()
            self._blank = self._chunks.decode(b"")
            for t, stroke in self._strokes.items():
                self._strokes[t] = stroke.astype(self.dtype)
                self._strokes[t].flags.writeable = False

    def _put(self, t: int, plane: np.ndarray | None, chunk: bytes) -> None:
        """Write a chunk, and keep the plane that it holds in memory, where it is known."""
        self._chunks.write(t, chunk)
        with self._lock:
            self._writes += 1
            self._written[t] = bool(chunk)
            self._decoded.pop(t, None)
            if chunk and plane is not None:
                self._keep(t, plane)

    def _keep(self, t: int, plane: np.ndarray) -> None:
        self._decoded[t] = plane
        most = max(2, self._cache_bytes // max(plane.nbytes, 1))
        while len(self._decoded) > most:
            self._decoded.popitem(last=False)

    def _decode(self, t: int, chunk: bytes) -> np.ndarray:
        try:
            return self._chunks.decode(chunk)
        except (RuntimeError, ValueError) as error:
            raise LazyVosError(
                f"frame {t} of the stored results is damaged ({error}): track it again."
            ) from error

    def _as_pixels(self, value: Any) -> np.ndarray:
        values = np.asarray(value)
        if values.dtype == self.dtype:
            return values
        most = np.iinfo(self.dtype).max
        if values.size and (values.min() < 0 or values.max() > most):
            raise LazyVosError(
                f"label {values.max()} does not fit in masks of {self.dtype}: use 0 to {most}, or "
                "widen the store."
            )
        return values.astype(self.dtype)

    def _check(self, t: int) -> None:
        if not 0 <= t < self._chunks.frames:
            raise IndexError(f"frame {t} of a stack of {self._chunks.frames} frames")
