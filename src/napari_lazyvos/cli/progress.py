"""Runs on a terminal: bars with frames per second and the time left, and Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import Event, Failed, Finished, FrameResult
from napari_lazyvos.lazy.session import Session, Way

__all__ = ["VideosBar", "follow", "frames_bar"]


def frames_bar(*, quiet: bool = False) -> Progress:
    """Return a bar that counts frames, on stderr; a quiet one shows nothing."""
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _FramesPerSecond(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )


class _FramesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.fields.get("fps", task.speed)  # a bar of videos says how fast their frames go
        return Text(f"{speed:.1f} frames/s" if speed else "")


class VideosBar:
    """A bar that counts videos, with their frames per second, and one for the video in hand.

    Parameters
    ----------
    total, done : videos, and how many of them are done already
    quiet : show nothing
    """

    def __init__(self, total: int, done: int, *, quiet: bool) -> None:
        self.bars = frames_bar(quiet=quiet)
        self._videos = self.bars.add_task("Videos", total=total, completed=done, fps=None)
        self._video: TaskID | None = None  # its own bar, if it is tracked in this process
        self._frames = 0  # of videos that were done in this run
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        if not self.bars.disable:
            self.bars.console.print(text)

    def show_event(self, video: str, event: Event) -> None:
        """Show how far the video in hand is."""
        if isinstance(event, FrameResult):
            if self._video is None:
                self._video = self.bars.add_task(video)
            self.bars.update(self._video, completed=event.done, total=event.total)

    def show_video(self, frames: int) -> None:
        """Show that a video is done, of which so many frames were tracked."""
        if self._video is not None:
            self.bars.remove_task(self._video)
            self._video = None
        self._frames += frames
        fps = self._frames / (time.monotonic() - self._began)
        self.bars.update(self._videos, advance=1, fps=fps)


def follow(
    session: Session,
    start: int | None,
    stop: int | None,
    direction: Way,
    *,
    quiet: bool,
) -> Finished:
    """Track with a progress bar on stderr; Ctrl-C pauses after the frame in flight.

    Parameters
    ----------
    session, start, stop, direction : see `Session.run`
    quiet : no bar

    Raises
    ------
    LazyVosError
        If tracking failed; what was tracked before is kept.
    """
    bar = frames_bar(quiet=quiet)
    events = session.run(start, stop, direction=direction)
    with _pausing_on_interrupt(session), nullcontext() if quiet else bar:
        task = bar.add_task("Tracking", total=None)
        for event in events:
            if isinstance(event, FrameResult):
                bar.update(task, completed=event.done, total=event.total)
            elif isinstance(event, Failed):
                raise LazyVosError(f"tracking stopped: {event.message}") from event.error
            elif isinstance(event, Finished):
                finished = event
    return finished


@contextmanager
def _pausing_on_interrupt(session: Session) -> Iterator[None]:
    """Let the first Ctrl-C end the run between two frames, and the second one at once."""

    def pause(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        session.pause()

    before = signal.signal(signal.SIGINT, pause)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
