"""What a format needs to know of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lazyvos.store.ledger import Row
from napari_lazyvos.store.scale import PixelScale

if TYPE_CHECKING:
    from napari_lazyvos.store.store import Store

__all__ = ["Results", "present_labels"]


def _no_rows(t: int) -> tuple[Row, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Results:
    """Label maps by frame, and what is known beside them."""

    label_map: Callable[[int], np.ndarray]  # t -> (H, W) of `dtype`
    frames: int
    height: int
    width: int
    dtype: np.dtype[Any]  # uint8, or uint16 where labels are above 255
    scale: PixelScale = field(default_factory=PixelScale)
    rows_at: Callable[[int], tuple[Row, ...]] = _no_rows  # t -> what is known of each object
    names: Mapping[int, str] = field(default_factory=dict)  # label -> what a person calls it
    raw: Callable[[int], np.ndarray] | None = None  # t -> (C, H, W) pixels as they are stored

    @classmethod
    def of(cls, store: Store, raw: Callable[[int], np.ndarray] | None = None) -> Results:
        """Return the results of a store."""
        return cls(
            store.masks.stored,
            store.frames,
            store.height,
            store.width,
            store.masks.dtype,
            store.scale,
            store.ledger.rows_at,
            {label: info.name for label, info in store.document.objects.items()},
            raw,
        )

    def label_maps(self) -> Iterator[np.ndarray]:
        """Go through the label maps, (H, W) each, in the order of time."""
        for t in range(self.frames):
            yield self.label_map(t)


def present_labels(label_map: np.ndarray) -> np.ndarray:
    """Return the labels in a label map, sorted, without background."""
    labels = np.flatnonzero(np.bincount(label_map.ravel()))  # twice as fast as np.unique
    return labels[labels > 0]
