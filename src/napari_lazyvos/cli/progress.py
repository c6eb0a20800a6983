"""A run on a terminal: a bar with frames per second and the time left, and Ctrl-C."""

from __future__ import annotations

import signal
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
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import Failed, Finished, FrameResult
from napari_lazyvos.lazy.session import Session, Way

__all__ = ["follow", "frames_bar"]


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
        return Text(f"{task.speed:.1f} frames/s" if task.speed else "")


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
