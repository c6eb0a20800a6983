"""Decoding that runs ahead of whoever uses the frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np

from napari_lazyvos.video.video import Video

__all__ = ["ahead"]


def ahead(
    video: Video, indices: Iterable[int], *, depth: int = 4
) -> Generator[tuple[int, np.ndarray], None, None]:
    """Yield frames in the given order while a thread decodes the next ones.

    Closing the iterator stops the thread after the frame in flight. An error in reading a frame
    is raised where that frame would have come.

    Parameters
    ----------
    video : Video
    indices : iterable of int
        Consumed in the caller's thread, `depth` frames ahead.
    depth : int
        Most frames that wait decoded, 1 or more; they bound the memory.

    Yields
    ------
    t, frame : int and (3, H, W) float32, RGB in [0, 1]
    """
    waiting: deque[tuple[int, Future[np.ndarray]]] = deque()
    upcoming = iter(indices)
    pool = ThreadPoolExecutor(1, thread_name_prefix="lazyvos-decode")
    try:
        for t in islice(upcoming, depth):
            waiting.append((t, pool.submit(video.frame, t)))
        while waiting:
            t, future = waiting.popleft()
            frame = future.result()
            del future  # else it would keep the frame alive while the caller works
            for following in islice(upcoming, 1):
                waiting.append((following, pool.submit(video.frame, following)))
            yield t, frame
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
