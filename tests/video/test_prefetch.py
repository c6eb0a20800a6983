"""Decoding runs ahead, in order, bounded, and stops when nobody wants it any more."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import Video, ahead, open_video
from napari_lazyvos.video.array import ArraySource

MOVIE = np.arange(20, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 5), np.uint8)


class Slow(ArraySource):
    """Frames that take a while, with a list of those that were read."""

    def __init__(self, seconds: float = 0.0, broken: int | None = None) -> None:
        super().__init__(MOVIE)
        self.seconds, self.broken = seconds, broken
        self.seen: list[int] = []

    def read(self, t: int) -> np.ndarray:
        time.sleep(self.seconds)
        self.seen.append(t)
        if t == self.broken:
            raise LazyVosError(f"frame {t} is broken")
        return super().read(t)


def video(source: ArraySource) -> Video:
    return Video(source, contrast_limits=(0, 255))


def decoders() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("lazyvos-decode")]


@given(order=st.lists(st.integers(0, 19), max_size=30), depth=st.integers(1, 6))
@settings(max_examples=30)
def test_any_order_comes_back_as_it_was_asked_for(order: list[int], depth: int) -> None:
    movie = open_video(MOVIE, contrast_limits=(0, 255))
    got = [(t, int(frame[0, 0, 0] * 255 + 0.5)) for t, frame in ahead(movie, order, depth=depth)]
    assert got == [(t, t) for t in order]


def test_reads_ahead_while_the_caller_works() -> None:
    source = Slow(0.01)
    frames = ahead(video(source), range(20), depth=4)
    next(frames)
    deadline = time.monotonic() + 5
    while len(source.seen) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert source.seen == [0, 1, 2, 3, 4]  # the one that is out, and four that wait
    frames.close()


def test_closing_stops_the_thread_promptly() -> None:
    source = Slow(0.02)
    frames = ahead(video(source), range(20), depth=8)
    next(frames)
    start = time.monotonic()
    frames.close()
    assert time.monotonic() - start < 1
    assert decoders() == []
    assert len(source.seen) < 8


@pytest.mark.parametrize("started", [False, True])
def test_dropping_stops_the_thread(started: bool) -> None:
    frames = ahead(video(Slow(0.01)), range(20))
    if started:
        next(frames)
    del frames
    gc.collect()
    assert decoders() == []


def test_leaving_a_loop_stops_the_thread() -> None:
    for t, _ in ahead(video(Slow()), range(20)):
        if t == 3:
            break
    gc.collect()
    assert decoders() == []


def test_error_arrives_in_its_place() -> None:
    got = []
    with pytest.raises(LazyVosError, match="frame 7 is broken"):  # noqa: PT012
        for t, _ in ahead(video(Slow(broken=7)), range(20), depth=5):
            got.append(t)
    assert got == [0, 1, 2, 3, 4, 5, 6]
    assert decoders() == []


def test_endless_indices_are_taken_only_as_far_as_needed() -> None:
    taken = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(threading.current_thread())
            yield len(taken) % 20

    frames = ahead(video(Slow()), endless(), depth=3)
    for _ in range(5):
        next(frames)
    frames.close()
    assert len(taken) == 8
    assert set(taken) == {threading.current_thread()}
