"""What the tracker did by itself, told in passing."""

from __future__ import annotations

from collections.abc import Callable

from napari_lazyvos.lazy.events import Corrected, WelcomeBack

__all__ = ["News"]


class News:
    """Remembers what happened in one run, until something else is asked for after it.

    Parameters
    ----------
    name : callable
        Returns an object's name for its label.
    """

    def __init__(self, name: Callable[[int], str]) -> None:
        self._name = name
        self._corrections = 0
        self._back = ""
        self._over = False

    def end(self) -> None:
        """Take note that the run has ended."""
        self._over = True

    def forget(self) -> None:
        """Begin anew, if the run has ended."""
        if self._over:
            self._corrections, self._back, self._over = 0, "", False

    def hear(self, event: Corrected | WelcomeBack) -> None:
        """Take note of an event."""
        if isinstance(event, WelcomeBack):
            seen = f", last seen in {event.last_seen}" if event.last_seen is not None else ""
            self._back = f"{self._name(event.label)} is back in frame {event.t}{seen}."
        elif event.accepted:
            self._corrections += 1

    @property
    def text(self) -> str:
        """All of it in words; empty if nothing happened."""
        count = self._corrections
        times = "once" if count == 1 else f"{count} times"
        corrected = f"The tracker corrected itself {times}." if count else ""
        return " ".join(part for part in (self._back, corrected) if part)
