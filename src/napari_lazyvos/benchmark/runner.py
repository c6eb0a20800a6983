"""Many clips, one after the other, or several at a time in processes of their own."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread
from typing import TypeAlias, TypeVar

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.errors import LazyVosError

__all__ = ["Failure", "Work", "each_clip"]

OnFrame: TypeAlias = Callable[[], object]
T = TypeVar("T")
Work: TypeAlias = Callable[[Clip, Path, OnFrame], T]
"""A clip, an empty folder to work in, and what to call after each frame, to what was measured."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A clip that nothing was measured of."""

    name: str
    message: str  # a sentence


class _StoppedError(Exception):
    """Nobody waits for the result any more."""


def each_clip(
    clips: Sequence[Clip],
    work: Work[T],
    *,
    jobs: int = 1,
    threads: int | None = None,
    on_frame: OnFrame = lambda: None,
) -> Generator[T | Failure, None, None]:
    """Do some work on each clip, and yield what came of it, in the order in which that is known.

    A clip that fails does not stop the others. Closing the generator stops what is under way after
    the frame in flight.

    Parameters
    ----------
    clips : sequence of Clip
    work : Work
        Picklable, if there are several jobs.
    jobs : int
        Processes that work at once; 1: this one alone.
    threads : int, optional
        Of torch and OpenCV in each process; None: the cores, shared out among the jobs.
    on_frame : called after each frame, from any thread

    Raises
    ------
    LazyVosError
        If `jobs` is less than 1.
    """
    if jobs < 1:
        raise LazyVosError(f"jobs is {jobs}: give 1 process or more.")
    jobs = min(jobs, len(clips))
    with tempfile.TemporaryDirectory(prefix="lazyvos-benchmark-") as folder:
        if jobs > 1:
            yield from _in_processes(clips, work, Path(folder), jobs, threads, on_frame)
            return
        for clip in clips:
            yield _attempt(work, clip, Path(folder), on_frame)


def _in_processes(
    clips: Sequence[Clip],
    work: Work[T],
    folder: Path,
    jobs: int,
    threads: int | None,
    on_frame: OnFrame,
) -> Generator[T | Failure, None, None]:
    # Spawned: a forked process would inherit the threads of torch in whatever state they are.
    context = get_context("spawn")
    stop, ticks = context.Event(), context.SimpleQueue()
    threads = threads or max(1, (os.cpu_count() or 1) // jobs)
    own = (stop, ticks, threads)
    with (
        _listening(ticks, on_frame),
        ProcessPoolExecutor(jobs, context, _set_up, own) as pool,
    ):
        waiting = {pool.submit(_attempt_there, work, clip, folder): clip for clip in clips}
        try:
            for future in as_completed(waiting):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Failure(
                        waiting[future].name,
                        "a process died, perhaps for lack of memory: run it again with fewer jobs.",
                    )
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _attempt(work: Work[T], clip: Clip, folder: Path, on_frame: OnFrame) -> T | Failure:
    """Do the work on one clip; whatever goes wrong is said."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        try:
            return work(clip, Path(own), on_frame)
        except LazyVosError as error:
            return Failure(clip.name, str(error))
        except _StoppedError:
            return Failure(clip.name, "stopped.")
        except Exception as error:
            return Failure(clip.name, f"{type(error).__name__}: {error}")


@contextmanager
def _listening(ticks: SimpleQueue[bool], on_frame: OnFrame) -> Iterator[None]:
    """Call `on_frame` here for each frame that another process reports."""

    def listen() -> None:
        while ticks.get():
            on_frame()

    thread = Thread(target=listen, name="lazyvos-ticks")
    thread.start()
    try:
        yield
    finally:
        ticks.put(False)
        thread.join()


# In a process of the pool ------------------------------------------------------------------------

_shared: tuple[Event, SimpleQueue[bool]]


def _set_up(stop: Event, ticks: SimpleQueue[bool], threads: int) -> None:
    import cv2
    import torch

    global _shared
    _shared = stop, ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked ends this one
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _attempt_there(work: Work[T], clip: Clip, folder: Path) -> T | Failure:
    stop, ticks = _shared

    def on_frame() -> None:
        if stop.is_set():
            raise _StoppedError
        ticks.put(True)

    return _attempt(work, clip, folder, on_frame)
