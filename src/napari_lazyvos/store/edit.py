"""One change of a session, as a person would undo it: a click, a stroke, a tracking run."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from napari_lazyvos.store.document import Document, ObjectInfo, PlacedClick, Wish
from napari_lazyvos.store.journal import Journal
from napari_lazyvos.store.ledger import Ledger, Row
from napari_lazyvos.store.stack import FrameStack

__all__ = ["Edit"]


class Edit:
    """All that may be changed in a store; what it overwrites is kept first.

    Edits do not nest: opening another one, or undo and redo, closes this one. When it writes
    again, it goes on as a new command with the same kind and text. So a tracking run stays open
    while a person answers a call for help in the middle: "track frames 0-40", the click, and
    "track frames 41-80" can then be undone one by one.

    `Store.edit` makes it.
    """

    def __init__(
        self,
        journal: Journal,
        masks: FrameStack,
        uncertainty: FrameStack,
        ledger: Ledger,
        document: Document,
        command: tuple[str, str, dict[str, Any]],
    ) -> None:
        self._journal = journal
        self._masks = masks
        self._uncertainty = uncertainty
        self._ledger = ledger
        self._document = document
        self._words = command  # kind, text, payload
        self._command = journal.begin(*command)

    def __enter__(self) -> Edit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._journal.is_open(self._command):
            self._journal.close()

    def write_frame(
        self,
        t: int,
        label_map: np.ndarray | None = None,
        uncertainty: np.ndarray | None = None,
        rows: Sequence[Row] = (),
    ) -> None:
        """Write one frame; it is on disk when this returns.

        The rows come last: a process that is killed in between leaves a frame that does not count
        as tracked.

        Parameters
        ----------
        t : int
        label_map : (H, W) of the dtype of the masks; None leaves them alone
        uncertainty : (H, W) uint8, round(255 * S); None leaves it alone
        rows : of the labels to change; others keep theirs
        """
        places = [("masks", label_map), ("uncertainty", uncertainty), ("rows", rows or None)]
        self._save_before(*((part, t) for part, value in places if value is not None))
        if label_map is not None:
            self._masks.write(t, label_map)
        if uncertainty is not None:
            self._uncertainty.write(t, uncertainty)
        if rows:
            self._ledger.record(t, rows)

    def mark_stale(self, label: int, start: int, stop: int, direction: int | None = None) -> None:
        """Mark an object's masks in ``start <= t < stop``; see `Ledger.mark_stale`."""
        self._save_before(("column", label))
        self._ledger.mark_stale(label, start, stop, direction)

    def set_rows(self, start: int, stop: int, row: Row) -> None:
        """Write the same row for every frame ``start <= t < stop``, also over a person's."""
        self._save_before(("column", row.label))
        self._ledger.set_rows(start, stop, row)

    def forget(self, label: int) -> None:
        """Remove an object with its rows and clicks; its pixels are `write_frame`'s affair."""
        self._save_before(("column", label), ("document", 0))
        self._ledger.forget(label)
        self._document.forget(label)

    def put_object(self, info: ObjectInfo) -> None:
        """Add an object, or replace the one with this label."""
        self._save_before(("document", 0))
        self._document.put_object(info)

    def add_click(self, t: int, y: float, x: float, label: int, positive: bool) -> PlacedClick:
        """Add a click, and return it with its id, which is never used again."""
        self._save_before(("document", 0))
        return self._document.add_click(t, y, x, label, positive)

    def update_click(self, click: PlacedClick) -> None:
        """Replace the click with this id."""
        self._save_before(("document", 0))
        self._document.update_click(click)

    def remove_click(self, click_id: int) -> None:
        """Remove a click."""
        self._save_before(("document", 0))
        self._document.remove_click(click_id)

    def put_wish(self, t: int, wish: Wish) -> None:
        """Set what a person wants of the tracker's memory of a frame."""
        self._save_before(("document", 0))
        self._document.put_wish(t, wish)

    def _save_before(self, *places: tuple[str, int]) -> None:
        if not self._journal.is_open(self._command):
            self._command = self._journal.begin(*self._words)
        self._journal.save_before(self._command, places)
