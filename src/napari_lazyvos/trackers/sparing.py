"""Go on with less when the memory of the GPU is full."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.protocol import (
    AttendingTracker,
    Probabilities,
    RatingTracker,
    RememberedFrame,
    RememberingTracker,
    SamplingTracker,
    Snapshot,
    Tracker,
)

__all__ = ["PlainSparingTracker", "SparingRatingTracker", "SparingTracker", "spare"]

SMALLER = 2 / 3  # of the inference size

Result = TypeVar("Result")


class PlainSparingTracker:
    """A tracker on a GPU that loses no frame when the memory of the GPU is full.

    First what it remembers moves to the CPU's memory, where the tracker has an option for that;
    then frames are looked at in a smaller size, where what it remembers can be read so; then the
    CPU computes. Each step is told once, as a warning.

    Parameters
    ----------
    make : class of the tracker
        Takes `options`, among them ``device`` and ``size``.
    """

    def __init__(self, make: type[Any], **options: Any) -> None:
        self._make, self._options = make, options
        self._inner: Tracker = make(**options)
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

    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        self._frame = frame
        return self._spare(frame, lambda: self._inner.step(frame))

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

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        return self._inner.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._inner.restore(snapshot)

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
        kept = self._inner.snapshot()
        del self._inner
        torch.cuda.empty_cache()
        # SimVOS cannot read in another size what it remembers: nothing is lost, so it is left out.
        while (made := self._made_with(change, kept)) is None:
            told, change = next(self._steps)
        warnings.warn(f"The memory of the GPU is full: {told} from now on.", stacklevel=5)
        self._inner, self.device = made, made.device
        self._options |= change
        self._made += 1

    def _made_with(self, change: dict[str, Any], kept: Snapshot) -> Tracker | None:
        """Return a tracker that has what was remembered; None if it cannot read that."""
        made: Tracker = self._make(**self._options | change)
        try:
            made.restore(kept)
        except LazyVosError:
            return None
        return made

    def _less(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what can be done, one after the other: in words, and as options."""
        movable = _has_memory_device(self._make)
        if movable and self._options.get("memory_device") != "cpu":
            yield "the CPU's memory holds what is remembered", {"memory_device": "cpu"}
        limit = self._options.get("size", 480)
        size = round(SMALLER * (self._short if limit == -1 else min(limit, self._short)))
        yield f"frames are looked at with a short side of {size} pixels", {"size": size}
        here = {"memory_device": "same"} if movable else {}
        yield "the CPU computes", {"device": torch.device("cpu"), **here}


class SparingTracker(PlainSparingTracker):
    """Such a one that also tells which frames it remembers, and predicts a frame several times."""

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """The frames that others are compared with; see `RememberingTracker.remembered`."""
        return self._remembering.remembered

    @property
    def diversity(self) -> float | None:
        """How diverse they are; see `RememberingTracker.diversity`."""
        return self._remembering.diversity

    def samples(self) -> Iterator[Probabilities]:
        """Yield predictions of the last frame; see `SamplingTracker.samples`."""
        return self._go_on_sampling(self._sampling.samples())

    def forget_frame(self, t: int) -> None:
        """Remove one frame from memory; see `RememberingTracker.forget_frame`."""
        self._remembering.forget_frame(t)

    def keep_frame(self, t: int) -> None:
        """Make one frame permanent; see `RememberingTracker.keep_frame`."""
        self._remembering.keep_frame(t)

    @property
    def _remembering(self) -> RememberingTracker:
        assert isinstance(self._inner, RememberingTracker)  # else `spare` takes the class above
        return self._inner

    def attend(self, t: int, label: int, maps: np.ndarray) -> torch.Tensor:
        """Bring what is marked in frame `t` to the last one; see `AttendingTracker.attend`."""
        inner = self._inner
        assert isinstance(inner, AttendingTracker)  # all are that remember frames and sample
        return inner.attend(t, label, maps)

    @property
    def _sampling(self) -> SamplingTracker:
        assert isinstance(self._inner, SamplingTracker)
        return self._inner

    def _go_on_sampling(self, samples: Iterator[Probabilities]) -> Iterator[Probabilities]:
        """Yield all samples, wherever the tracker was made anew; the draws are the same then."""
        frame, made, given = self._frame, self._made, 0

        def following() -> Probabilities | None:
            nonlocal samples, made
            if made != self._made:
                self._inner.step(frame)
                samples, made = islice(self._sampling.samples(), given, None), self._made
            return next(samples, None)

        while (found := self._spare(frame, following)) is not None:
            given += 1
            yield found


class SparingRatingTracker(SparingTracker):
    """Such a one that also says how good its masks are: not every tracker does."""

    def quality(self) -> Mapping[int, float]:
        """Return how good the masks of the last frame are; see `RatingTracker.quality`."""
        inner = self._inner
        assert isinstance(inner, RatingTracker)  # else `spare` takes the class above
        return inner.quality()


def spare(make: type[Any], **options: Any) -> PlainSparingTracker:
    """Return a sparing tracker that can do what the tracker can: not every one can do all.

    Parameters
    ----------
    make : class of the tracker
    **options : what it takes, among them ``device`` and ``size``
    """
    if hasattr(make, "quality"):
        return SparingRatingTracker(make, **options)
    if hasattr(make, "remembered") and hasattr(make, "samples"):
        return SparingTracker(make, **options)
    return PlainSparingTracker(make, **options)


def _has_memory_device(make: type[Any]) -> bool:
    """Whether a tracker has the option; it may hand it on to its base."""
    return any("memory_device" in inspect.signature(each).parameters for each in make.__mro__)
