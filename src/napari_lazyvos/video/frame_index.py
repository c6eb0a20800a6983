"""Which frame of a movie is which: an index made from time stamps, without decoding."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from napari_lazyvos.errors import LazyVosError

__all__ = ["FrameIndex", "Stamp", "first_video", "index_movie"]

# frames that a decoder may hold back to put them in order (H.264, max_dec_frame_buffering)
MOST_REORDERED = 16


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time stamps of one packet, in units of the stream's time base."""

    pts: int | None  # when it is shown
    dts: int | None  # when it is decoded
    key: bool  # decoding can begin here


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """The frames of a movie in the order in which they are shown.

    Where `timed` is false the time stamps are missing or tell only the order of decoding (H.264
    with B-frames in an AVI). Such frames are numbered as they leave the decoder, which must then
    begin at the beginning of the file.
    """

    shown: np.ndarray  # (frames,) int64, sorted: pts of each frame
    keys: tuple[Stamp, ...]  # where decoding can begin, sorted by pts
    timed: bool
    promised: int  # how many frames the file says it has; 0 where it does not say
    damaged: bool  # the file ends too early, or inside a frame
    seconds_per_frame: float

    def __len__(self) -> int:
        return len(self.shown)

    def key_before(self, t: int) -> Stamp:
        """Return the last place from where frame `t` can be decoded.

        It is shown no later than `t`: frames that are stored after a key frame but shown before it
        (an open group of pictures) may need the group before.
        """
        if not self.timed:
            return self.keys[0]
        place = bisect_right(self.keys, int(self.shown[t]), key=_pts)
        return self.keys[place - 1]

    def number(self, pts: int | None) -> int | None:
        """Return the number of the frame that is shown at `pts`; None if there is none."""
        if pts is None:
            return None
        t = int(np.searchsorted(self.shown, pts))
        return t if t < len(self.shown) and self.shown[t] == pts else None


def first_video(container: InputContainer, path: Path) -> VideoStream:
    """Return the stream of a movie that is read.

    Raises
    ------
    LazyVosError
        If there is none, or nothing here can decode it.
    """
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise LazyVosError(f"{path} holds no video stream")
    if stream.codec_context is None:
        raise LazyVosError(f"{path} holds a video in a format that cannot be decoded")
    return stream


def index_movie(path: Path) -> FrameIndex:
    """Read the time stamps of all packets of a movie's video stream.

    Raises
    ------
    LazyVosError
        If the file cannot be read or holds zero frames.
    """
    try:
        # titles and comments in whatever encoding must not keep a movie from opening
        with av.open(path, metadata_errors="replace") as container:
            stream = first_video(container, path)
            stamps, damaged = _read_stamps(container, stream)
            damaged = damaged or _is_short(container, stream, stamps)
            timed = _is_timed(stamps, container, stream)
            promised = stream.frames
            headless = container.format.name.startswith("mpeg")  # no header tells where it ends
            tick = float(stream.time_base or 0)
            rate = float(stream.average_rate or 0)
    except av.FFmpegError as error:
        raise LazyVosError(
            f"{path} cannot be read as a movie ({error.strerror}): is the file complete?"
        ) from error
    shown, keys = _order(stamps, timed)
    if damaged or headless:
        shown = _cut_at_gap(shown, stamps) if timed else shown[:-MOST_REORDERED]
    if not len(shown):
        raise LazyVosError(f"{path} has zero frames that can be read")
    if timed and len(shown) > 1:
        seconds = float(shown[-1] - shown[0]) * tick / (len(shown) - 1)
    else:
        seconds = 1 / rate if rate else 0.0
    return FrameIndex(shown, keys, timed, promised, damaged, seconds)


def _read_stamps(container: InputContainer, stream: VideoStream) -> tuple[list[Stamp], bool]:
    """Return the stamps of all whole packets in the order of decoding, and if any is damaged."""
    stamps: list[Stamp] = []
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                return stamps, True
            # an edit list hides frames that are only there to decode others (discard)
            if packet.size and not packet.is_discard:
                stamps.append(Stamp(packet.pts, packet.dts, packet.is_keyframe))
    except av.FFmpegError:
        return stamps, True
    return stamps, False


def _is_short(container: InputContainer, stream: VideoStream, stamps: list[Stamp]) -> bool:
    """Tell if the file ends before what its headers promise."""
    kind = container.format.name
    if "mp4" in kind:  # its count is no help: an edit list may hide frames
        entries = stream.index_entries
        return bool(len(entries)) and entries[-1].pos + entries[-1].size > container.size
    if stream.frames:
        return len(stamps) < stream.frames
    times = sorted(stamp.pts for stamp in stamps if stamp.pts is not None)
    if "matroska" not in kind or container.duration is None or len(times) < 2:
        return False
    if len(container.streams) > 1 or not stream.time_base:
        return False  # the duration may be that of the sound
    longest = max(b - a for a, b in pairwise(times))
    end = container.duration / av.time_base / stream.time_base
    return bool(end - times[-1] > 2 * longest)


def _is_timed(stamps: list[Stamp], container: InputContainer, stream: VideoStream) -> bool:
    """Tell if time stamps give the order in which frames are shown."""
    times = [stamp.pts for stamp in stamps]
    if None in times or len(set(times)) < len(times):
        return False
    reorders = bool(stream.codec_context.has_b_frames)
    # AVI knows no presentation times; where its packets seem to need no reordering although the
    # codec reorders, the times are those of decoding
    in_order = all(a < b for a, b in pairwise(times))  # type: ignore[operator]
    return not (container.format.name == "avi" and reorders and in_order)


def _order(stamps: list[Stamp], timed: bool) -> tuple[np.ndarray, tuple[Stamp, ...]]:
    """Return the times of the frames that can be decoded, and the key frames, sorted."""
    first = next((i for i, stamp in enumerate(stamps) if stamp.key), len(stamps))
    usable = stamps[first:]  # what comes before the first key frame cannot be decoded
    if not timed:
        return np.arange(len(usable), dtype=np.int64), tuple(usable[:1])
    keys = tuple(sorted((stamp for stamp in usable if stamp.key), key=_pts))
    shown = np.array(sorted(_pts(stamp) for stamp in usable), np.int64)
    return shown[shown >= _pts(usable[0])] if usable else shown, keys


def _cut_at_gap(shown: np.ndarray, stamps: list[Stamp]) -> np.ndarray:
    """Drop what follows the first frame that is lost with the end of the file.

    A lost packet would be decoded after the last one that is there, so it would also be shown
    later than that one is decoded.
    """
    decoded = max((stamp.dts for stamp in stamps if stamp.dts is not None), default=None)
    if decoded is None or len(shown) < 3:
        return shown
    steps = np.diff(shown)
    gaps = np.flatnonzero((steps > 1.5 * np.median(steps)) & (shown[1:] > decoded))
    return shown[: gaps[0] + 1] if len(gaps) else shown


def _pts(stamp: Stamp) -> int:
    assert stamp.pts is not None  # only called for timed indices
    return stamp.pts
