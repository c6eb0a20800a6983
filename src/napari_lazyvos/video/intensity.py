"""One mapping from stored values to RGB for a whole video.

A mapping that changes from frame to frame would flicker, and flicker breaks matching. So the
limits are measured once, on frames spread over the video, or given by the user. One channel
becomes grey; of two, the first becomes red and the second green; three become red, green, blue.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeAlias
from warnings import warn

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.source import KeyFrames, Source

__all__ = ["Intensity", "Limits", "check_limits", "choose_channels", "measure_limits"]

Limits: TypeAlias = Sequence[float] | Sequence[Sequence[float]]
"""(low, high) for all channels, or one such pair for each."""

SAMPLE_FRAMES = 16  # frames that are read to measure the limits
FEWEST_KEY_FRAMES = 3  # that may stand for a whole movie
SAMPLE_PIXELS = 65_536  # of each of these frames, on a regular grid
PERCENTILES = (0.1, 99.9)  # what lies outside saturates: hot pixels, dead pixels, specks
# uint8 whose percentiles span less than this share of its range is stretched. Of 31 real clips of
# uint8, photographs span 0.67 or more; only a dim fluorescence movie spans less, with 0.38.
LOW_CONTRAST = 0.5


class Intensity:
    """Map stored planes to RGB; call it with a frame. Safe to use from several threads.

    Parameters
    ----------
    dtype : numpy dtype
        Of the stored values.
    channels : sequence of 1 to 3 ints
        Which stored channels become RGB.
    limits : one (low, high) for each channel
        Stored values that become 0 and 1; what lies outside is clipped.
    name : str
        The video's, for the warning.
    """

    def __init__(
        self,
        dtype: np.dtype[Any],
        channels: Sequence[int],
        limits: Sequence[tuple[float, float]],
        *,
        name: str = "the video",
    ) -> None:
        self.channels = tuple(channels)
        self.limits = tuple((float(low), float(high)) for low, high in limits)
        self._name = name
        # float32 holds 24 bits exactly; wider types are brought into range before they are rounded
        wide = dtype.itemsize > (4 if dtype.kind == "f" else 2)
        self._exact = np.dtype(np.float64 if wide else np.float32)
        self._lock = Lock()
        self._warned = False

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Return a frame as (3, H, W) float32, RGB in [0, 1].

        Parameters
        ----------
        planes : (C, H, W), in the stored dtype
            NaN and infinity become 0, with one warning for the whole video.
        """
        rgb = np.zeros((3, *planes.shape[1:]), np.float32)
        for i, (channel, (low, high)) in enumerate(zip(self.channels, self.limits, strict=True)):
            rgb[i] = self._map(planes[channel], low, high)
        if len(self.channels) == 1:
            rgb[1:] = rgb[0]
        return rgb

    def _map(self, plane: np.ndarray, low: float, high: float) -> np.ndarray:
        # plain arithmetic: a lookup table for integers was measured, and is six times slower
        with np.errstate(over="ignore"):  # what overflows is clipped
            mapped: np.ndarray = np.subtract(plane, low, dtype=self._exact)
            mapped /= high - low
        if plane.dtype.kind == "f":
            bad = ~np.isfinite(plane)
            if bad.any():
                self._warn_once()
                mapped[bad] = 0
        np.clip(mapped, 0, 1, out=mapped)
        return mapped

    def _warn_once(self) -> None:
        with self._lock:
            if self._warned:
                return
            self._warned = True
        warn(f"{self._name} holds NaN or infinity: these pixels become 0", stacklevel=4)


def choose_channels(source: Source, channels: Sequence[int] | None) -> tuple[int, ...]:
    """Return the channels that become RGB: the given ones, or the first three at most.

    Raises
    ------
    LazyVosError
        If there is no such channel, or not one to three of them.
    """
    if channels is None:
        if source.channels > 3 and not source.rgb:
            warn(
                f"{source.name} has {source.channels} channels: the first three become RGB; "
                "pass channels= to choose others",
                stacklevel=3,
            )
        return tuple(range(min(source.channels, 3)))
    chosen = tuple(int(c) for c in channels)
    if not 1 <= len(chosen) <= 3:
        raise LazyVosError(f"channels names {len(chosen)} channels: choose one to three")
    for channel in chosen:
        if not 0 <= channel < source.channels:
            raise LazyVosError(
                f"there is no channel {channel} in {source.name}: it has 0 to {source.channels - 1}"
            )
    return chosen


def check_limits(limits: Limits, channels: int) -> tuple[tuple[float, float], ...]:
    """Return contrast limits as one pair per channel.

    Raises
    ------
    LazyVosError
        If they are not (low, high) or one such pair per channel, with low < high.
    """
    try:
        pairs = np.broadcast_to(np.asarray(limits, np.float64), (channels, 2))
    except ValueError:
        raise LazyVosError(
            f"contrast_limits {limits!r} do not fit: pass (low, high), or one such pair for each "
            f"of the {channels} channels"
        ) from None
    if not (np.isfinite(pairs).all() and (pairs[:, 0] < pairs[:, 1]).all()):
        raise LazyVosError(f"contrast_limits {limits!r} must be finite, with low below high")
    return tuple((float(low), float(high)) for low, high in pairs)


def measure_limits(source: Source, channels: Sequence[int]) -> tuple[tuple[float, float], ...]:
    """Measure the stored values that become 0 and 1, once for the whole video.

    uint8 keeps its full range unless its contrast is low; all other types are mapped by robust
    percentiles. The channels of a colour picture share one pair, so that colours stay.

    Parameters
    ----------
    source : Source
        At most `SAMPLE_FRAMES` of its frames are read, always the same ones.
    channels : sequence of int
    """
    if source.dtype.kind == "b":
        return ((0.0, 1.0),) * len(channels)
    sample = _sample(source, channels)
    if source.rgb:
        return (_percentile_limits(sample.ravel(), source.dtype),) * len(channels)
    return tuple(_percentile_limits(values, source.dtype) for values in sample)


def _sample(source: Source, channels: Sequence[int]) -> np.ndarray:
    """Return pixels of frames spread over the video, (channels, N)."""
    step = max(1, int(np.ceil(np.sqrt(source.height * source.width / SAMPLE_PIXELS))))
    planes = [source.read(t)[list(channels), ::step, ::step] for t in _sample_frames(source)]
    return np.concatenate([p.reshape(len(channels), -1) for p in planes], axis=1)


def _sample_frames(source: Source) -> list[int]:
    """Return frames spread over the video; of a movie its key frames, which cost far less."""
    frames = source.frames or 1
    spread = np.linspace(0, frames - 1, min(frames, SAMPLE_FRAMES)).round().astype(int)
    chosen = sorted(set(spread.tolist()))
    if isinstance(source, KeyFrames):
        keys = sorted({source.key_frame(t) for t in chosen})
        # of one or two key frames one may be black, before a movie fades in
        return keys if len(keys) >= FEWEST_KEY_FRAMES else chosen
    return chosen


def _percentile_limits(values: np.ndarray, dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "f":
        values = values[np.isfinite(values)].astype(np.float64)
    if not values.size:
        return 0.0, 1.0
    low, high = (float(p) for p in np.percentile(values, PERCENTILES))
    if dtype == np.uint8 and high - low >= LOW_CONTRAST * 255:
        return 0.0, 255.0
    # a constant video: it becomes black instead of a division by zero
    return (low, high) if low < high else (low, low + 1.0)
