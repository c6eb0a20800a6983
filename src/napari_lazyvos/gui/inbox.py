"""What waits for the main thread: few messages, and of the frames only the latest."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from napari_lazyvos.lazy.events import FrameResult

__all__ = ["Inbox", "Mail"]


@dataclass(slots=True)
class Mail:
    """Everything that arrived since the last look."""

    messages: list[Any] = field(default_factory=list)  # in order; no frames
    latest: FrameResult | None = None  # the last frame that was tracked
    written: set[int] = field(default_factory=set)  # all frames that were tracked


class Inbox:
    """Hands results from a worker to the main thread, with bounded work for the main thread.

    However many frames arrive between two looks, only the last is kept: the masks themselves are
    in the store.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mail = Mail()

    def put(self, message: Any) -> None:
        """Add a message; from any thread."""
        with self._lock:
            if isinstance(message, FrameResult):
                self._mail.latest = message
                self._mail.written.add(message.t)
            else:
                self._mail.messages.append(message)

    def take(self) -> Mail:
        """Return what arrived and begin anew."""
        with self._lock:
            mail, self._mail = self._mail, Mail()
        return mail
