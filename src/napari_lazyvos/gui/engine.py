"""The one thread that works on a session, so that the main thread never waits for it.

    main thread --- jobs ---> Engine's thread --- inbox ---> main thread, at most 30 times a second

The session answers one call at a time and a call may wait for the frame in flight. The thread
takes jobs one after the other, and while it tracks, between two frames.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.gui.calm import calm, step_back
from napari_lazyvos.gui.inbox import Inbox
from napari_lazyvos.lazy.events import Event, HelpRequest

if TYPE_CHECKING:  # torch shall load in the engine's thread, not with this module
    from napari_lazyvos.lazy.session import Session

__all__ = ["Done", "Engine", "Job", "Opened", "Wrong"]

EXIT_SECONDS = 10.0  # that the end of the program waits for the frame in flight


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do with the session."""

    text: str  # what it is, in words, for the message if it fails: "place the click"
    work: Callable[[Session], Any]  # called in the engine's thread
    then: Callable[[Any], None] | None = None  # called with the result in the main thread
    peek: bool = False  # it changes nothing: nothing waits for it, and if it fails it gives None


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is there."""

    session: Session


@dataclass(frozen=True, slots=True)
class Done:
    """A job is done."""

    job: Job
    result: Any


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something failed; the thread lives on, unless the session could not be opened."""

    text: str  # what failed, in words
    error: Exception
    job: Job | None = None  # which job; None for a run
    fatal: bool = False  # the session could not be opened

    @property
    def message(self) -> str:
        """A sentence for the person."""
        if isinstance(self.error, LazyVosError):
            return str(self.error)
        return f"Could not {self.text}: {type(self.error).__name__}: {self.error}"


@dataclass(frozen=True, slots=True)
class _Run:
    begin: Callable[[Session], Generator[Event, None, None]]


_Task: TypeAlias = Job | _Run | None  # None: the end


class Engine:
    """Does jobs on a session in a thread of its own.

    Parameters
    ----------
    open_session : callable
        Opens the session, in the thread: reading a video and making a store take time.
    owned : bool
        Whether `close` closes the session too.
    after : Engine, optional
        One that was told to close; its session is let go of before this one is opened.
    """

    def __init__(
        self,
        open_session: Callable[[], Session],
        *,
        owned: bool = True,
        after: Engine | None = None,
    ) -> None:
        self.inbox = Inbox()
        self.session: Session | None = None
        self.stops_to_ask = True  # a call for help ends the run; may be changed at any time
        self._open_session = open_session
        self._owned = owned
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._live, args=(after,), name="lazyvos-engine", daemon=True
        )
        self._thread.start()
        # A daemon that computes while Python shuts down may crash it.
        atexit.register(self.close, EXIT_SECONDS)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closing.is_set()

    def do(self, job: Job) -> None:
        """Hand in a job; it is done after those before it."""
        self._tasks.put(job)

    def run(self, begin: Callable[[Session], Generator[Event, None, None]]) -> None:
        """Track; `begin` is called in the engine's thread, and starts a run of the session."""
        self._tasks.put(_Run(begin))

    def pause(self) -> None:
        """Stop tracking after the frame in flight; never blocks."""
        if self.session is not None:
            self.session.pause()

    def cancel(self) -> None:
        """Give the run up after the frame in flight; never blocks."""
        if self.session is not None:
            self.session.cancel()

    def close(self, timeout: float = 0.0) -> None:
        """Stop after the frame in flight, and wait up to `timeout` seconds for that."""
        if not self.closed:
            self._closing.set()
            self.cancel()
            self._tasks.put(None)
        if timeout:
            self.join(timeout)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended; `close` tells it to."""
        self._thread.join(timeout)

    def _live(self, after: Engine | None) -> None:
        step_back()
        if after is not None:
            after.join()
        try:
            self.session = self._open_session()
        except Exception as error:
            self.inbox.put(Wrong("open the video", error, fatal=True))
            atexit.unregister(self.close)
            return
        self.inbox.put(Opened(self.session))
        try:
            while not self.closed:
                self._do(self._tasks.get(), self.session)
        finally:
            if self._owned:
                self.session.close()
            atexit.unregister(self.close)

    def _do(self, task: _Task, session: Session) -> None:
        match task:
            case Job(text=text, work=work):
                try:
                    self.inbox.put(Done(task, work(session)))
                except Exception as error:
                    self.inbox.put(Done(task, None) if task.peek else Wrong(text, error, job=task))
            case _Run():
                try:
                    self._track(task, session)
                except Exception as error:
                    self.inbox.put(Wrong("track", error))

    def _track(self, run: _Run, session: Session) -> None:
        with calm(), contextlib.closing(run.begin(session)) as events:
            for event in events:
                self.inbox.put(event)
                if self.closed:
                    return
                # So that the person answers in peace; tracking goes on from there.
                if isinstance(event, HelpRequest) and self.stops_to_ask:
                    session.pause()
                self._do_waiting_jobs(session)

    def _do_waiting_jobs(self, session: Session) -> None:
        later: list[_Task] = []
        while True:
            try:
                task = self._tasks.get_nowait()
            except Empty:
                break
            if isinstance(task, Job):
                self._do(task, session)
            else:
                later.append(task)
        for task in later:
            self._tasks.put(task)
