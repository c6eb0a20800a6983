"""Decode a movie forwards from a key frame, knowing the number of each frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from napari_lazyvos.video.frame_index import FrameIndex, Stamp, first_video

__all__ = ["Decoder"]


class Decoder:
    """Runs through a movie from any key frame. Not safe to use from several threads.

    Attributes
    ----------
    at : int
        The lowest number that the next frame can have.
    """

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self._path = path
        self._index = index
        self._container: InputContainer | None = None
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self.at = len(index)

    def begin(self, t: int) -> None:
        """Go to the last key frame from where frame `t` can be decoded."""
        key = self._index.key_before(t)
        self.at = self._first_shown(key)
        self._frames = self._decode(self._packets_from(key), self.at)

    def first_of_run(self, t: int) -> int:
        """Return the number of the frame from which a run to frame `t` would begin."""
        return self._first_shown(self._index.key_before(t))

    def advance(self) -> tuple[int, VideoFrame] | None:
        """Decode the next frame; return it with its number, or None at the end."""
        item = next(self._frames, None)
        self.at = len(self._index) if item is None else item[0] + 1
        return item

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._frames = iter(())
        self.at = len(self._index)
        self._close_file()

    def _close_file(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def _first_shown(self, key: Stamp) -> int:
        return (self._index.number(key.pts) or 0) if self._index.timed else 0

    def _open(self) -> InputContainer:
        self._close_file()
        self._container = av.open(self._path, metadata_errors="replace")
        first_video(self._container, self._path).thread_type = "AUTO"
        return self._container

    def _packets_from(self, key: Stamp) -> Iterator[Packet[VideoStream]]:
        """Yield the packets from a key frame on, whatever the container's seeking is worth."""
        target = key.pts if key.dts is None else key.dts
        if self._container is not None and key != self._index.keys[0] and target is not None:
            stream = first_video(self._container, self._path)
            stream.codec_context.flush_buffers()
            packets = _from(key, self._container.demux(stream))
            try:
                self._container.seek(target, stream=stream)
                first = next(packets, None)
            except av.FFmpegError:
                first = None  # cannot be sought, or is damaged where the seeking led
            if first is not None:
                yield first
                yield from packets
                return
        container = self._open()
        yield from _from(key, container.demux(first_video(container, self._path)))

    def _decode(
        self, packets: Iterator[Packet[VideoStream]], at: int
    ) -> Iterator[tuple[int, VideoFrame]]:
        for packet in packets:
            if packet.is_corrupt:  # cut short: the index ends before it; the empty packet follows
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # a damaged packet; the frame that is missing is noticed by its number
            for frame in frames:
                t = self._index.number(frame.pts) if self._index.timed else at
                # not in the index: shown before the first key frame, or after the damage
                if t is not None and at <= t < len(self._index):
                    at = t + 1
                    yield t, frame


def _from(key: Stamp, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    """Skip to the packet of a key frame; nothing if it does not come."""
    for packet in packets:
        if packet.is_keyframe and (packet.pts, packet.dts) == (key.pts, key.dts):
            yield packet
            yield from packets
            return
        if packet.dts is not None and key.dts is not None and packet.dts > key.dts:
            return
