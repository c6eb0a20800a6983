"""The video that trackers, refiners and measurements see."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.intensity import (
    Intensity,
    Limits,
    check_limits,
    choose_channels,
    measure_limits,
)
from napari_lazyvos.video.source import PixelScale, Source

__all__ = ["Video"]


class Video:
    """Frames of one source, as stored and as RGB. Safe to read from several threads.

    Parameters
    ----------
    source : Source
        Closed together with the video.
    channels : sequence of 1 to 3 ints, optional
        Which channels become RGB; see `Intensity`.
    contrast_limits : (low, high) or one pair per chosen channel, optional
        Stored values that become 0 and 1; without it they are measured once for the whole video,
        when the first frame is mapped.

    Raises
    ------
    LazyVosError
        If there is no such channel, or the contrast limits do not fit.
    """

    def __init__(
        self,
        source: Source,
        *,
        channels: Sequence[int] | None = None,
        contrast_limits: Limits | None = None,
    ) -> None:
        self.source = source
        self._channels = choose_channels(source, channels)
        self._limits = (
            None if contrast_limits is None else check_limits(contrast_limits, len(self._channels))
        )
        self._lock = Lock()
        self._intensity: Intensity | None = None

    def __repr__(self) -> str:
        frames = "growing" if self.frames is None else self.frames
        return f"<Video {self.name!r}: {frames} frames of {self.height} x {self.width}>"

    @property
    def name(self) -> str:
        """Short name, without folder or suffix; results are named after it."""
        return self.source.name

    @property
    def frames(self) -> int | None:
        """How many frames there are; None while unknown."""
        return self.source.frames

    @property
    def height(self) -> int:
        """Rows of a frame."""
        return self.source.height

    @property
    def width(self) -> int:
        """Columns of a frame."""
        return self.source.width

    @property
    def scale(self) -> PixelScale:
        """Physical size of one step along t, y and x."""
        return self.source.scale

    @property
    def intensity(self) -> Intensity:
        """The one mapping of this video to RGB; the first use may read up to 16 frames."""
        with self._lock:
            if self._intensity is None:
                limits = self._limits or measure_limits(self.source, self._channels)
                self._intensity = Intensity(
                    self.source.dtype, self._channels, limits, name=self.name
                )
            return self._intensity

    def frame(self, t: int) -> np.ndarray:
        """Return frame `t` as (3, H, W) float32, RGB in [0, 1].

        Raises
        ------
        LazyVosError
            If there is no such frame, or it cannot be read.
        """
        return self.intensity(self.raw(t))

    def raw(self, t: int) -> np.ndarray:
        """Return frame `t` as (C, H, W) in the stored dtype, with all channels of the source.

        Raises
        ------
        LazyVosError
            If there is no such frame, or it cannot be read.
        """
        self.check(t)
        return self.source.read(int(t))

    def check(self, t: int) -> None:
        """Raise a `LazyVosError` if there is no frame `t`."""
        if t < 0 or (self.frames is not None and t >= self.frames):
            known = "" if self.frames is None else f" to {self.frames - 1}"
            raise LazyVosError(f"there is no frame {t} in {self.name}: frames are 0{known}")

    def describe(self) -> dict[str, Any]:
        """Return what `open_video(**description)` needs to open this video again, as JSON types.

        It holds the measured contrast limits, so that frames come out the same, bit for bit, even
        if the source has grown. ``what`` is None for a video that lives in memory only.
        """
        intensity = self.intensity
        return self.source.origin | {
            "channels": list(intensity.channels),
            "contrast_limits": [list(pair) for pair in intensity.limits],
        }

    def close(self) -> None:
        """Let go of files; safe to call twice."""
        self.source.close()

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
