"""One piece of work on one model, in a thread of its own, so that the main thread never waits.

Nothing here knows Qt: the widget looks at the errand now and then.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_lazyvos.gui.engine import Wrong
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import Entry
from napari_lazyvos.models.download import download

__all__ = ["Arrived", "Errand", "adding", "fetching", "removing"]

EXIT_SECONDS = 5.0  # that the end of the program waits for the piece that is being written


@dataclass(frozen=True, slots=True)
class Arrived:
    """How far a download is."""

    done: int  # bytes
    total: int | None  # bytes; None if the site does not say


class Errand:
    """Does something with one model, in a thread.

    Parameters
    ----------
    entry : Entry
    text : str
        What is done, in words, for the message if it fails: "download xmem".
    doing : str
        The same while it goes on: "Downloading xmem from github.com…".
    done : str
        The same when it is done: "xmem is installed."
    work : callable
        Called in the thread with the errand, which it may tell how far it is.
    can_stop : bool
        Whether the work asks the errand now and then if it shall stop.
    """

    def __init__(
        self,
        entry: Entry,
        text: str,
        doing: str,
        done: str,
        work: Callable[[Errand], object],
        *,
        can_stop: bool = False,
    ) -> None:
        self.entry = entry
        self.doing = doing
        self.done = done
        self.can_stop = can_stop
        self.arrived: Arrived | None = None  # the latest; None as long as nothing came
        self._text = text
        self._work = work
        self._error: Exception | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lazyvos-models", daemon=True)
        self._thread.start()
        # Files are cut off in peace, not in the middle of Python's own end.
        atexit.register(self.close, EXIT_SECONDS)

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether `close` was called."""
        return self._closing.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it ended before it was done, after `close` was called."""
        return self.stopping and self._error is not None

    @property
    def wrong(self) -> str:
        """Why it ended before it was done, in a sentence; empty if it did not."""
        return Wrong(self._text, self._error).message if self._error is not None else ""

    def close(self, timeout: float = 0.0) -> None:
        """Stop before the next piece, and wait up to `timeout` seconds for that."""
        self._closing.set()
        if timeout:
            self._thread.join(timeout)

    def tell(self, done: int, total: int | None) -> None:
        """Note how many bytes have arrived."""
        self.arrived = Arrived(done, total)

    def _run(self) -> None:
        try:
            self._work(self)
        except Exception as error:
            self._error = error
        finally:
            atexit.unregister(self.close)


def fetching(entry: Entry) -> Errand:
    """Download a model."""
    return Errand(
        entry,
        f"download {entry.name}",
        f"Downloading {entry.name} from {entry.site}…",
        f"{entry.name} is installed.",
        lambda errand: download(entry, errand.tell, lambda: errand.stopping),
        can_stop=True,
    )


def adding(entry: Entry, file: Path) -> Errand:
    """Copy a model from elsewhere on this computer."""
    return Errand(
        entry,
        f"use {file.name}",
        f"Checking and copying {file.name}…",
        f"{entry.name} is installed.",
        lambda _: cache.add(file, entry.name),
    )


def removing(entry: Entry) -> Errand:
    """Delete a model from this computer."""
    return Errand(
        entry,
        f"delete {entry.file}",
        f"Deleting {entry.file}…",
        f"{entry.file} is deleted.",
        lambda _: cache.remove(entry),
    )
