"""MiVOS with the memory of QDMN (Liu et al. 2022): frames with bad masks stay out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import label_map
from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.trackers.mivos import MivosTracker
from napari_lazyvos.trackers.protocol import Probabilities
from napari_lazyvos.uncertainty import entropy, region_scores

__all__ = ["QdmnTracker"]


class QdmnTracker(MivosTracker):
    """Follow objects with the propagation network of MiVOS, and QDMN's rule of what is remembered.

    QDMN predicts the quality of each mask with a network. Its code and its weights have no licence,
    so that network is not part of this package, and the weights are those of MiVOS: the quality of
    an object's mask is 1 less its score, the entropy in and around it, and at least 0. A mask that
    a person gave has the quality 1.

    A frame that is refused does not count: the next one is offered in its place.

    Parameters
    ----------
    memory : {"quality", "all", "fifo", "readmem"}
        See `Keeping`.
    **options
        All other options of `MivosTracker`.

    Raises
    ------
    LazyVosError
        If the weights are not MiVOS', or an option is out of its range.
    """

    name = "qdmn"
    memories = ("quality", "all", "fifo", "readmem")

    def __init__(self, *, memory: str = "quality", **options: Any) -> None:
        super().__init__(memory=memory, **options)

    @property
    def predicts_quality(self) -> bool:
        """Whether a network predicts the quality of masks: no, their entropy stands for it."""
        return False

    def quality(self) -> dict[int, float]:
        """Return the quality of the masks of the last `step`; see `RatingTracker.quality`."""
        if self._state is None or self._waiting is None:
            raise LazyVosError("There is nothing to rate: predict a frame with step before.")
        return _rate(self._waiting.full, self._state.labels)

    def _offer(
        self,
        t: int,
        cells: Mapping[int, Cells],
        given: Probabilities,
        labels: tuple[int, ...],
        *,
        permanent: bool,
    ) -> bool:
        quality = _rate(given, labels)
        stays = self._bank.add(t, cells, permanent=permanent, quality=quality)
        return stays or self._keeping.memory != "quality"


def _rate(probabilities: Probabilities, labels: tuple[int, ...]) -> dict[int, float]:
    """Return the quality of each mask, by label; see `QdmnTracker`."""
    if not labels:
        return {}
    winners = label_map(probabilities, labels, np.dtype(np.int32))
    scores = region_scores(entropy(probabilities), winners, labels)
    return {label: max(0.0, 1.0 - score) for label, score in zip(labels, scores, strict=True)}
