"""The tracker and the refiner of a session, loaded when they are first needed."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_lazyvos import refine, trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.difference import MivosFusion
from napari_lazyvos.lazy.fusion import FUSIONS, DistanceFusion, Fusion
from napari_lazyvos.models import BundledWeightsError
from napari_lazyvos.refine.protocol import Click, Embedding, Refiner
from napari_lazyvos.trackers.protocol import AttendingTracker, Tracker

__all__ = ["Models"]

UNTRAINED_TRACKER, UNTRAINED_REFINER = "handcrafted", "classical"
EMBEDDINGS_KEPT = 4  # a person clicks on one frame at a time; SAM-HQ keeps 14 to 60 MB of one


class Models:
    """What to load, and what is loaded.

    Parameters
    ----------
    tracker, refiner : names that `trackers.load` and `refine.load` know, or ready-made ones
    device : "auto", "cpu", "cuda" or "mps"
    tracker_options, refiner_options : passed to `trackers.load`, and to `refine.load`

    Raises
    ------
    LazyVosError
        If there is no tracker or refiner of that name.
    """

    def __init__(
        self,
        tracker: str | Tracker,
        refiner: str | Refiner,
        device: str,
        tracker_options: Mapping[str, Any] | None,
        refiner_options: Mapping[str, Any] | None,
    ) -> None:
        self._tracker: Tracker | None = None
        self._refiner: Refiner | None = None
        if isinstance(tracker, str):
            self.tracker_name = tracker
        else:
            self._tracker, self.tracker_name = tracker, tracker.name
        if isinstance(refiner, str):
            self.refiner_name = refiner
        else:
            self._refiner, self.refiner_name = refiner, refiner.name
        self.device = device
        self.tracker_options = dict(tracker_options or {})
        self.refiner_options = dict(refiner_options or {})
        self._fusions: dict[str, Fusion] = {}
        self._embeddings: OrderedDict[int, Embedding] = OrderedDict()  # by frame, oldest first

    @property
    def tracker(self) -> Tracker:
        """The tracker; the first use loads it."""
        if self._tracker is None:
            self._tracker = self._load_tracker()
        return self._tracker

    @property
    def refiner(self) -> Refiner:
        """The refiner; the first use loads it."""
        if self._refiner is None:
            self._refiner = self._load_refiner()
        return self._refiner

    def fusion(self, name: str) -> Fusion | None:
        """Return one of `FUSIONS`, or MiVOS' with the weights of a file; the first use loads it.

        Raises
        ------
        LazyVosError
            If there is neither a fusion nor a file of that name, its weights are not installed, or
            the tracker cannot do what it needs.
        """
        if name == "none":
            return None
        if name == DistanceFusion.name:
            return DistanceFusion()
        if name not in FUSIONS and not Path(name).is_file():
            raise LazyVosError(
                f"there is no fusion {name!r}: choose {', '.join(FUSIONS)}, or a file of weights."
            )
        if not isinstance(self.tracker, AttendingTracker):
            raise LazyVosError(
                "the fusion mivos asks the tracker where in a frame is what was corrected in "
                f"another, and {self.tracker_name} cannot tell: choose the fusion distance, or one "
                "of the trackers mivos, qdmn, stcn and xmem."
            )
        if name not in self._fusions:
            weights = None if name in FUSIONS else Path(name)
            self._fusions[name] = MivosFusion(weights, self.tracker.device)
        return self._fusions[name]

    def release(self) -> None:
        """Let go of all that was loaded, which takes much memory."""
        self._tracker = self._refiner = None
        self._fusions.clear()
        self._embeddings.clear()

    def _load_tracker(self) -> Tracker:
        options = self.tracker_options
        try:
            return trackers.load(self.tracker_name, device=self.device, **options)
        except BundledWeightsError as error:
            self.tracker_name = _instead(error, "tracker", UNTRAINED_TRACKER)
            return trackers.load(self.tracker_name, device=self.device, **options)

    def _load_refiner(self) -> Refiner:
        try:
            return refine.load(self.refiner_name, device=self.device, **self.refiner_options)
        except BundledWeightsError as error:
            self.refiner_name = _instead(error, "refiner", UNTRAINED_REFINER)
            return refine.load(self.refiner_name, device=self.device)

    def refined(
        self,
        t: int,
        frame: Callable[[], np.ndarray],
        clicks: Sequence[Click],
        previous: np.ndarray | None,
    ) -> np.ndarray:
        """Return the mask that clicks on frame `t` ask for, (H, W) bool.

        Parameters
        ----------
        t : int
        frame : returns the frame; one that was looked at lately is not asked for again
        clicks : on one object, used together
        previous : (H, W) bool or None, the mask that they correct
        """
        if t not in self._embeddings:
            self._embeddings[t] = self.refiner.embed(frame())
        self._embeddings.move_to_end(t)
        while len(self._embeddings) > EMBEDDINGS_KEPT:
            self._embeddings.popitem(last=False)
        return self.refiner.refine(self._embeddings[t], clicks, previous).mask


def _instead(error: BundledWeightsError, what: str, name: str) -> str:
    """Warn that a method without weights takes over, and return its name."""
    warnings.warn(f"{error} Until then the {what} {name} is used.", stacklevel=4)
    return name
