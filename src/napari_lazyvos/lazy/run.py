"""A run in a thread of its own, for a console or a notebook that must stay responsive."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from threading import Thread

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import Event, Failed, Finished, FrameResult

__all__ = ["Run", "finish"]


def finish(
    events: Generator[Event, None, None], on_event: Callable[[Event], object] | None = None
) -> Finished:
    """Run to the end and return the last event; `on_event` is called with each.

    Raises
    ------
    LazyVosError
        If the run failed; what was tracked before is kept.
    """
    failure: Failed | None = None
    with closing(events):
        for event in events:
            if on_event is not None:
                on_event(event)
            if isinstance(event, Failed):
                failure = event
            if isinstance(event, Finished):
                break
        else:
            raise AssertionError("a run ends with Finished")
    if failure is not None:
        where = "" if failure.t is None else f" after frame {failure.t}"
        raise LazyVosError(f"tracking stopped{where}: {failure.message}") from failure.error
    return event


class Run:
    """Tracking that goes on in the background.

    Attributes
    ----------
    latest : FrameResult or None
        The frame that was tracked last.
    """

    def __init__(
        self,
        events: Generator[Event, None, None],
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        self.latest: FrameResult | None = None
        self._finished: Finished | None = None
        self._error: LazyVosError | None = None
        self._on_event = on_event
        self._thread = Thread(target=self._drain, args=(events,), name="lazyvos-run", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the run has ended, for whatever reason."""
        return not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> Finished | None:
        """Wait until the run has ended, and return how; None if it has not after `timeout` s.

        Raises
        ------
        LazyVosError
            If the run failed; what was tracked before is kept.
        """
        self._thread.join(timeout)
        if self._error is not None:
            raise self._error
        return self._finished

    def _drain(self, events: Generator[Event, None, None]) -> None:
        try:
            self._finished = finish(self._watch(events), self._on_event)
        except LazyVosError as error:
            self._error = error

    def _watch(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        for event in events:
            if isinstance(event, FrameResult):
                self.latest = event
            yield event
