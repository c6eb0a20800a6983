"""The small part of a session that a person made: the objects and the clicks."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.database import Database

__all__ = ["Document", "ObjectInfo", "PlacedClick"]

# AUTOINCREMENT: the id of a click that was removed is not given to another.
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (label INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE IF NOT EXISTS clicks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, t INTEGER, y REAL, x REAL, label INTEGER, positive INTEGER
);
"""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object of the video."""

    label: int
    name: str = ""  # what a person calls it


@dataclass(frozen=True, slots=True)
class PlacedClick:
    """One click, where a person placed it."""

    id: int
    t: int
    y: float
    x: float
    label: int
    positive: bool


class Document:
    """Objects and clicks, in memory, with a copy in SQLite.

    `objects` and `clicks` may be read from any thread at any time: each change puts a new dict or
    tuple in their place. Methods that change it are called through `Edit`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.objects: dict[int, ObjectInfo] = {}  # sorted by label
        self.clicks: tuple[PlacedClick, ...] = ()  # in the order of their ids
        self._load()

    def click(self, click_id: int) -> PlacedClick:
        """Return the click with this id."""
        for click in self.clicks:
            if click.id == click_id:
                return click
        raise LazyVosError(f"there is no click {click_id}: it was removed, or undone.")

    def clicks_at(self, t: int, label: int) -> tuple[PlacedClick, ...]:
        """Return the clicks on one object in one frame."""
        return tuple(click for click in self.clicks if (click.t, click.label) == (t, label))

    def put_object(self, info: ObjectInfo) -> None:
        """Add an object, or replace the one with this label."""
        self._change("INSERT OR REPLACE INTO objects VALUES (?, ?)", astuple(info))

    def add_click(self, t: int, y: float, x: float, label: int, positive: bool) -> PlacedClick:
        """Add a click, and return it with its id."""
        values = (t, float(y), float(x), label, positive)
        self._change("INSERT INTO clicks VALUES (NULL, ?, ?, ?, ?, ?)", values)
        return self.clicks[-1]

    def update_click(self, click: PlacedClick) -> None:
        """Replace the click with this id."""
        self.click(click.id)
        self._change("INSERT OR REPLACE INTO clicks VALUES (?, ?, ?, ?, ?, ?)", astuple(click))

    def remove_click(self, click_id: int) -> None:
        """Remove a click."""
        self.click(click_id)
        self._change("DELETE FROM clicks WHERE id = ?", (click_id,))

    def forget(self, label: int) -> None:
        """Remove an object and its clicks."""
        self._change("DELETE FROM objects WHERE label = ?", (label,))
        self._change("DELETE FROM clicks WHERE label = ?", (label,))

    def image(self) -> bytes:
        """Return all of it in bytes, for the journal."""
        objects = [astuple(info) for info in self.objects.values()]
        return json.dumps([objects, [astuple(click) for click in self.clicks]]).encode()

    def put_image(self, image: bytes) -> None:
        """Replace all of it by what `image` returned."""
        objects, clicks = json.loads(image)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM objects")
            connection.execute("DELETE FROM clicks")
            connection.executemany("INSERT INTO objects VALUES (?, ?)", objects)
            connection.executemany("INSERT INTO clicks VALUES (?, ?, ?, ?, ?, ?)", clicks)
        self._load()

    def _change(self, sql: str, values: tuple[object, ...]) -> None:
        with self._database.transaction() as connection:
            connection.execute(sql, values)
        self._load()

    def _load(self) -> None:
        objects = self._database.rows("SELECT label, name FROM objects ORDER BY label")
        clicks = self._database.rows("SELECT * FROM clicks ORDER BY id")
        self.objects = {label: ObjectInfo(label, name) for label, name in objects}
        self.clicks = tuple(
            PlacedClick(number, t, y, x, label, bool(positive))
            for number, t, y, x, label, positive in clicks
        )
