"""A (T, Y, X) stack shown with the axes of its video's layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lazyvos.gui.axes import Axes

if TYPE_CHECKING:  # a layer's array is handed in; opening the plugin loads no store
    from napari_lazyvos.store.stack import FrameStack

__all__ = ["Lifted"]


class Lifted:
    """A frame stack that repeats along the axes which only the video's layer has.

    napari aligns layers by their last axes, so next to a (T, C, Y, X) movie a (T, Y, X) stack would
    take channels for time. Nothing is copied; writing at any index of the other axes writes the
    frame itself.

    Parameters
    ----------
    stack : FrameStack
    axes : Axes
        The layer's axes; its shape in t, y and x is the stack's.
    """

    def __init__(self, stack: FrameStack, axes: Axes) -> None:
        self.stack = stack
        self._axes = axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes; time follows the stack, which may grow."""
        shape = list(self._axes.shape)
        shape[self._axes.time] = self.stack.shape[0]
        return tuple(shape)

    @property
    def dtype(self) -> np.dtype:
        """Data type of the stack."""
        return self.stack.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._axes.ndim

    @property
    def size(self) -> int:
        """Number of pixels, repeated ones counted."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        full = self._full(key)
        if any(isinstance(part, (np.ndarray, list)) for part in full):
            return np.asarray(self.stack[self._axes.key(full)])
        spans = [_span(part, length) for part, length in zip(full, self.shape, strict=True)]
        core = np.asarray(self.stack[self._axes.key(spans)])
        lengths = [len(range(*span.indices(n))) for span, n in zip(spans, self.shape, strict=True)]
        once = [1 if axis in self._axes.others else n for axis, n in enumerate(lengths)]
        whole = np.broadcast_to(core.reshape(once), lengths)
        kept = whole[tuple(slice(None) if isinstance(part, slice) else 0 for part in full)]
        return kept.copy()  # napari writes into what it reads

    def __setitem__(self, key: Any, value: Any) -> None:
        full = self._full(key)
        value = np.asarray(value)
        if value.ndim and not any(isinstance(part, (np.ndarray, list)) for part in full):
            value = self._without_others(full, value)
        self.stack[self._axes.key(full)] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self[...], dtype=dtype)

    def _full(self, key: Any) -> tuple[Any, ...]:
        parts = key if isinstance(key, tuple) else (key,)
        gap = [i for i, part in enumerate(parts) if part is Ellipsis]
        if gap:
            missing = self.ndim - len(parts) + 1
            parts = parts[: gap[0]] + (slice(None),) * missing + parts[gap[0] + 1 :]
        return parts + (slice(None),) * (self.ndim - len(parts))

    def _without_others(self, key: Sequence[Any], value: np.ndarray) -> np.ndarray:
        """Take the first of what is written along each repeated axis: one frame has one mask."""
        kept = [axis for axis, part in enumerate(key) if isinstance(part, slice)]
        kept = kept[len(kept) - value.ndim :]
        return value[tuple(0 if axis in self._axes.others else slice(None) for axis in kept)]


def _span(part: Any, length: int) -> slice:
    if isinstance(part, slice):
        return part
    index = int(part) + (length if part < 0 else 0)
    return slice(index, index + 1)
