"""Frames from a movie file (mp4, mov, avi, mkv, ...) through PyAV.

Frame `n` is the n-th frame in the order of presentation, also with B-frames, open groups of
pictures, variable frame rates and streams that do not begin at time 0; random access gives the
same bytes as reading in order.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any
from warnings import warn

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.decoder import Decoder
from napari_lazyvos.video.frame_index import index_movie
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.source import PixelScale

__all__ = ["MovieSource"]

CACHE_BYTES = 96 * 2**20  # decoded frames that are kept, so that small steps back are cheap
NEAR = 12  # frames: decoding on over a key frame is cheaper than seeking, up to here


class MovieSource:
    """The video stream of a movie file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    LazyVosError
        If the file cannot be read, or holds zero frames. A file that ends too early is read up to
        the damage, with a warning that says how many frames that are.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index = index_movie(path)
        self._decoder = Decoder(path, self._index)
        self._cache: OrderedDict[int, VideoFrame] = OrderedDict()
        self._lock = Lock()
        self._reformatter = VideoReformatter()
        self._warned = False
        if self._index.damaged:
            self._warn_short()
        first = self._frame(0)
        self._turns = round(first.rotation / 90) % 4  # a phone held upright
        self._size = (first.width, first.height)
        self._format, self.dtype = _target(first)
        size = (first.height, first.width)
        self.height, self.width = size[::-1] if self._turns % 2 else size
        self.name = video_name(path)
        self.frames: int | None = len(self._index)
        self.rgb = self._format == "rgb24"
        self.channels = 3 if self.rgb else 1
        seconds = self._index.seconds_per_frame
        self.scale = PixelScale(t=seconds, time_unit="second") if seconds else PixelScale()
        self.origin: dict[str, Any] = {"what": str(path.resolve())}

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W) in the stored dtype."""
        with self._lock:
            frame = self._frame(t)
            if (frame.width, frame.height) != self._size:
                raise LazyVosError(
                    f"frame {t} of {self._path} is {frame.height} x {frame.width}, but frame 0 is "
                    f"{self._size[1]} x {self._size[0]} (rows x columns)"
                )
            picture = self._reformatter.reformat(frame, format=self._format).to_ndarray()
        if self._turns:
            picture = np.rot90(picture, self._turns)
        return picture[None] if picture.ndim == 2 else np.moveaxis(picture, -1, 0)

    def key_frame(self, t: int) -> int:
        """Return the last frame up to `t` that is read without decoding others first."""
        return self._decoder.first_of_run(t)

    def close(self) -> None:
        """Close the file; safe to call twice. Reading again opens it again."""
        with self._lock:
            self._decoder.close()
            self._cache.clear()

    def _frame(self, t: int) -> VideoFrame:
        """Return frame `t` as it is decoded, from the cache if possible."""
        if t not in self._cache:
            try:
                frame = self._nearest(t)
            except av.FFmpegError as error:
                self._decoder.close()
                raise LazyVosError(
                    f"frame {t} of {self._path} cannot be read ({error.strerror})"
                ) from error
            if t not in self._cache:
                self._warn_missing(t)
                self._keep(t, frame)
        self._cache.move_to_end(t)
        return self._cache[t]

    def _nearest(self, t: int) -> VideoFrame:
        """Decode frame `t`, or the last before it if its packet is damaged, or says "as before"."""
        end = t
        while end >= 0:
            frame = self._run_to(end)
            if frame is not None:
                return frame
            end = self._decoder.first_of_run(end) - 1  # nothing of this run: try the one before
        raise LazyVosError(f"frame {t} of {self._path} is damaged and cannot be decoded")

    def _run_to(self, t: int) -> VideoFrame | None:
        """Decode forwards to frame `t`; return the last frame that came up to there."""
        at, run = self._decoder.at, self._decoder.first_of_run(t)
        if t < at or (run > at and t - at > NEAR):
            self._decoder.begin(t)
        last = self._cache.get(self._decoder.at - 1)
        while self._decoder.at <= t:
            item = self._decoder.advance()
            if item is None:
                break
            self._keep(*item)
            if item[0] <= t:
                last = item[1]
        return last

    def _keep(self, t: int, frame: VideoFrame) -> None:
        self._cache[t] = frame
        bytes_each = 3 * frame.width * frame.height // 2  # yuv420p, as nearly all movies are
        while len(self._cache) > max(4, CACHE_BYTES // bytes_each):
            self._cache.popitem(last=False)

    def _warn_short(self) -> None:
        promised = f"of {self._index.promised} frames " if self._index.promised else "frames "
        warn(
            f"{self._path} ends too early: the first {len(self._index)} {promised}can be read, "
            "and these are used",
            stacklevel=3,
        )

    def _warn_missing(self, t: int) -> None:
        if not self._warned:
            self._warned = True
            warn(
                f"frame {t} of {self._path} cannot be decoded: the frame before it is shown in its "
                "place, here and wherever else this happens",
                stacklevel=4,
            )


def _target(frame: VideoFrame) -> tuple[str, np.dtype[Any]]:
    """Return the pixel format to convert to, and its dtype: grey stays grey, with all its bits."""
    name = frame.format.name
    if not name.startswith("gray"):
        return "rgb24", np.dtype(np.uint8)
    return ("gray", np.dtype(np.uint8)) if name == "gray" else ("gray16le", np.dtype(np.uint16))
