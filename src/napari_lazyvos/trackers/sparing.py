"""Go on with less when the memory of the GPU is full."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.protocol import (
    Probabilities,
    RatingTracker,
    RememberedFrame,
    RememberingTracker,
    SamplingTracker,
    Snapshot,
    Tracker,
)

__all__ = ["SparingRatingTracker", "SparingTracker"]

SMALLER = 2 / 3  # of the inference size

Result = TypeVar("Result")


class SparingTracker:
    """A tracker on a GPU that loses no frame when the memory of the GPU is full.

    First what it remembers moves to the CPU's memory, then frames are looked at in a smaller size,
    then the CPU computes. Each step is told once, as a warning.

    Parameters
    ----------
    make : callable
        Makes the tracker, with `options`, which have ``device``, ``size`` and ``memory_device``.
    """

    def __init__(self, make: Callable[..., Tracker], **options: Any) -> None:
        self._make, self._options = make, options
        self._inner = make(**options)
        self.name, self.device = self._inner.name, self._inner.device
        self._steps = self._less()
        self._short = 0  # side of the video's frames
        self._made = 1  # times
        self._frame = np.empty((3, 0, 0), np.float32)  # of the last step

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._inner.labels

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that are remembered, sorted."""
        return self._inner.memory_frames

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """The frames that others are compared with; see `RememberingTracker.remembered`."""
        return self._inner.remembered if isinstance(self._inner, RememberingTracker) else ()

    @property
    def diversity(self) -> float | None:
        """How diverse they are; see `RememberingTracker.diversity`."""
        return self._inner.diversity if isinstance(self._inner, RememberingTracker) else None

    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        self._frame = frame
        return self._spare(frame, lambda: self._inner.step(frame))

    def samples(self) -> Iterator[Probabilities]:
        """Yield predictions of the last frame; see `SamplingTracker.samples`."""
        if not isinstance(self._inner, SamplingTracker):
            raise LazyVosError(f"The tracker {self.name} gives one prediction of a frame only.")
        return self._go_on_sampling(self._inner.samples())

    def commit(
        self,
        t: int,
        frame: np.ndarray,
        probabilities: Probabilities | None,
        labels: tuple[int, ...],
        *,
        permanent: bool = False,
    ) -> None:
        """Tell the tracker what a frame holds; see `Tracker.commit`."""
        self._spare(
            frame, lambda: self._inner.commit(t, frame, probabilities, labels, permanent=permanent)
        )

    def forget(self, label: int) -> None:
        """Remove an object from memory."""
        self._inner.forget(label)

    def forget_frame(self, t: int) -> None:
        """Remove one frame from memory; see `RememberingTracker.forget_frame`."""
        self._remembering.forget_frame(t)

    def keep_frame(self, t: int) -> None:
        """Make one frame permanent; see `RememberingTracker.keep_frame`."""
        self._remembering.keep_frame(t)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        return self._inner.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._inner.restore(snapshot)

    @property
    def _remembering(self) -> RememberingTracker:
        if not isinstance(self._inner, RememberingTracker):
            raise LazyVosError(f"The tracker {self.name} does not tell what it remembers.")
        return self._inner

    def _go_on_sampling(self, samples: Iterator[Probabilities]) -> Iterator[Probabilities]:
        """Yield all samples, wherever the tracker was made anew; the draws are the same then."""
        frame, made, given = self._frame, self._made, 0

        def following() -> Probabilities | None:
            nonlocal samples, made
            if made != self._made and isinstance(self._inner, SamplingTracker):
                self._inner.step(frame)
                samples, made = islice(self._inner.samples(), given, None), self._made
            return next(samples, None)

        while (found := self._spare(frame, following)) is not None:
            given += 1
            yield found

    def _spare(self, frame: np.ndarray, work: Callable[[], Result]) -> Result:
        while True:
            try:
                return work()
            except torch.cuda.OutOfMemoryError:
                self._short = min(frame.shape[1:])
                change = next(self._steps, None)
                if change is None:
                    raise
            # Not in the handler: the error holds on to what filled the memory.
            self._go_on(*change)

    def _go_on(self, told: str, change: dict[str, Any]) -> None:
        """Make the tracker anew with less, and give it what it remembered."""
        warnings.warn(f"The memory of the GPU is full: {told} from now on.", stacklevel=5)
        kept = self._inner.snapshot()
        del self._inner
        torch.cuda.empty_cache()
        self._options |= change
        self._inner = self._make(**self._options)
        self._made += 1
        self._inner.restore(kept)
        self.device = self._inner.device

    def _less(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what can be done, one after the other: in words, and as options."""
        if self._options.get("memory_device") != "cpu":
            yield "the CPU's memory holds what is remembered", {"memory_device": "cpu"}
        limit = self._options.get("size", 480)
        size = round(SMALLER * (self._short if limit == -1 else min(limit, self._short)))
        yield f"frames are looked at with a short side of {size} pixels", {"size": size}
        yield "the CPU computes", {"device": torch.device("cpu"), "memory_device": "same"}


class SparingRatingTracker(SparingTracker):
    """Such a one that also says how good its masks are: not every tracker does."""

    def quality(self) -> Mapping[int, float]:
        """Return how good the masks of the last frame are; see `RatingTracker.quality`."""
        inner = self._inner
        assert isinstance(inner, RatingTracker)  # else `load` takes the class above
        return inner.quality()
