"""The clicks of a session as points that one can add, drag, flip and delete.

The session holds the truth. What a person does to the points is compared with what the session
was last known to hold, and the difference is handed to the engine; when the engine is through, the
points are made to show the truth. So a click that is refused vanishes again, and undo, redo and
clicks from the console appear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Points
from napari.layers.base import ActionType

from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.colours import EXCLUDE, INCLUDE, colour_of
from napari_lazyvos.gui.engine import Job

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.store.document import PlacedClick

__all__ = ["Clicks"]

LEFT, RIGHT, MIDDLE = 1, 2, 3  # mouse buttons as napari numbers them
SYMBOL = {True: "disc", False: "x"}  # told apart without colours


@dataclass(frozen=True, slots=True)
class _Row:
    """One point, as a click of the session."""

    id: int  # of the session's click; below 0 while the session has not answered
    place: tuple[int, float, float]  # t, y, x
    label: int
    positive: bool


class Clicks:
    """Binds a Points layer to the clicks of a session.

    Parameters
    ----------
    layer : Points
        With the features ``label``, ``kind`` ("include" or "exclude") and ``click`` (the id).
    axes : Axes
    do : callable
        Takes a `Job` for the engine.
    """

    def __init__(self, layer: Points, axes: Axes, do: Callable[[Job], None]) -> None:
        self.layer = layer
        self.label = 1  # of the next click
        self.positive = True  # polarity of the next click with the left button
        self._axes = axes
        self._do = do
        self._known: dict[int, _Row] = {}
        self._answered: dict[int, int] = {}  # id while pending -> id in the session
        self._next_pending = -1
        self._polarity = True  # of the click under way; Shift and the right button turn it round
        self._refuse = False  # the click under way is not meant for us
        self._dragging = False
        self._syncing = False
        layer.mouse_drag_callbacks.insert(0, self._on_press)
        layer.events.data.connect(self._on_data)
        layer.selected_data.events.items_changed.connect(self._set_defaults)
        self._set_defaults()

    @property
    def busy(self) -> bool:
        """Whether the person is dragging a point just now."""
        return self._dragging

    def close(self) -> None:
        """Let go of the layer."""
        self.layer.mouse_drag_callbacks.remove(self._on_press)
        self.layer.events.data.disconnect(self._on_data)
        self.layer.selected_data.events.items_changed.disconnect(self._set_defaults)

    def choose(self, *, label: int | None = None, positive: bool | None = None) -> None:
        """Set what the next click says."""
        self.label = self.label if label is None else label
        self.positive = self.positive if positive is None else positive
        self._polarity = self.positive
        self._set_defaults()

    def flip_selected(self) -> None:
        """Turn the selected clicks into their opposite."""
        rows = self._rows()
        for index in sorted(self.layer.selected_data):
            self._flip(rows[index].id)

    def show(self, clicks: tuple[PlacedClick, ...]) -> None:
        """Make the points show what the session holds."""
        truth = {c.id: _Row(c.id, (c.t, c.y, c.x), c.label, c.positive) for c in clicks}
        rows = self._rows()
        self._known = truth
        self._answered.clear()
        if rows == list(truth.values()):
            return
        self._syncing = True
        try:
            self._replace(truth, rows)
        finally:
            self._syncing = False
        self._set_defaults()

    def _replace(self, truth: dict[int, _Row], rows: list[_Row]) -> None:
        layer = self.layer
        # A point keeps the index that the person sees it at on axes which the session ignores.
        points = {row.place: point for row, point in zip(rows, layer.data, strict=True)}
        data = [points.get(r.place, self._axes.point(*r.place)) for r in truth.values()]
        layer.selected_data.clear()
        layer.data = np.array(data, dtype=float).reshape(-1, self._axes.ndim)
        layer.features = pd.DataFrame(
            {
                "label": np.array([row.label for row in truth.values()], int),
                "kind": np.array([_kind(row.positive) for row in truth.values()], object),
                "click": np.array(list(truth), int),
            }
        )
        self._paint()

    def _on_press(self, layer: Points, event: Any) -> Iterator[None]:
        other = "Shift" in event.modifiers or event.button == RIGHT
        self._polarity = self.positive != other
        self._refuse = event.button == MIDDLE
        self._set_defaults()
        yield

    def _on_data(self, event: Any) -> None:
        if self._syncing:
            return
        self._dragging = event.action == ActionType.CHANGING
        if event.action == ActionType.ADDED:
            self._added()
        if event.action in (ActionType.ADDED, ActionType.REMOVED, ActionType.CHANGED):
            self._report()

    def _added(self) -> None:
        """Give the new points, which stand last, what the next click says."""
        ids = self.layer.features["click"].to_numpy(copy=True)
        new = [i for i, id_ in enumerate(ids) if id_ == 0 or id_ in ids[:i]]
        features = self.layer.features.copy()
        for index in new:
            features.loc[features.index[index], ["label", "kind", "click"]] = [
                self.label,
                _kind(self._polarity),
                self._next_pending,
            ]
            self._next_pending -= 1
        self._syncing = True
        try:
            self.layer.features = features
            if self._refuse:
                self.layer.selected_data = set(new)
                self.layer.remove_selected()
            self._paint()
        finally:
            self._syncing = False
        self._polarity, self._refuse = self.positive, False
        self._set_defaults()

    def _report(self) -> None:
        """Hand the difference between the points and what was known to the engine."""
        rows = {row.id: row for row in self._rows()}
        for id_ in self._known.keys() - rows.keys():
            self._remove(id_)
        for id_, row in rows.items():
            known = self._known.get(id_)
            if known is None:
                self._place(row)
            elif known.place != row.place:
                self._move(row)
        self._known = rows

    def _place(self, row: _Row) -> None:
        t, y, x = row.place

        def work(session: Session) -> None:
            click = session.click(t, y, x, label=row.label, positive=row.positive)
            self._answered[row.id] = click.id

        self._do(Job("place the click", work))

    def _move(self, row: _Row) -> None:
        def work(session: Session) -> None:
            session.move_click(self._id(row.id), *row.place)

        self._do(Job("move the click", work))

    def _remove(self, id_: int) -> None:
        self._do(Job("remove the click", lambda session: session.remove_click(self._id(id_))))

    def _flip(self, id_: int) -> None:
        self._do(Job("flip the click", lambda session: session.flip_click(self._id(id_))))

    def _id(self, id_: int) -> int:
        """Return the session's id of a click that may have been pending; in the engine's thread."""
        return self._answered.get(id_, id_)

    def _rows(self) -> list[_Row]:
        features = self.layer.features
        return [
            _Row(int(id_), self._axes.place(point), int(label), kind == "include")
            for id_, point, label, kind in zip(
                features["click"], self.layer.data, features["label"], features["kind"], strict=True
            )
        ]

    def _set_defaults(self, event: Any = None) -> None:
        # Selecting a point copies its features into the defaults; a new click shall not inherit.
        if not self._syncing:
            self.layer.feature_defaults = {
                "label": self.label,
                "kind": _kind(self._polarity),
                "click": 0,
            }

    def _paint(self) -> None:
        rows = self._rows()
        if rows:
            self.layer.face_color = [INCLUDE if row.positive else EXCLUDE for row in rows]
            self.layer.border_color = [colour_of(row.label) for row in rows]
            self.layer.symbol = [SYMBOL[row.positive] for row in rows]


def _kind(positive: bool) -> str:
    return "include" if positive else "exclude"
