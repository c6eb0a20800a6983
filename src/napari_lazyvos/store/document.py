"""The small part of a session that a person made: objects, clicks, and wishes of the memory."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from enum import IntEnum

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.database import Database

__all__ = ["Document", "ObjectInfo", "PlacedClick", "Wish"]

# AUTOINCREMENT: the id of a click that was removed is not given to another.
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (label INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE IF NOT EXISTS clicks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, t INTEGER, y REAL, x REAL, label INTEGER, positive INTEGER
);
CREATE TABLE IF NOT EXISTS wishes (t INTEGER PRIMARY KEY, wish INTEGER);
"""


class Wish(IntEnum):
    """What a person wants of the tracker's memory of a frame."""

    FORGET = 0
    """Nothing of it shall be remembered, unless it is annotated."""
    KEEP = 1
    """It shall never leave."""


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
    """Objects, clicks and wishes, in memory, with a copy in SQLite.

    All three may be read from any thread at any time: each change puts a new dict or tuple in their
    place. Methods that change it are called through `Edit`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.objects: dict[int, ObjectInfo] = {}  # sorted by label
        self.clicks: tuple[PlacedClick, ...] = ()  # in the order of their ids
        self.wishes: dict[int, Wish] = {}  # by frame, sorted
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

    def put_wish(self, t: int, wish: Wish) -> None:
        """Set what a person wants of the memory of a frame, in place of an earlier wish."""
        self._change("INSERT OR REPLACE INTO wishes VALUES (?, ?)", (t, wish))

    def forget(self, label: int) -> None:
        """Remove an object and its clicks."""
        self._change("DELETE FROM objects WHERE label = ?", (label,))
        self._change("DELETE FROM clicks WHERE label = ?", (label,))

    def image(self) -> bytes:
        """Return all of it in bytes, for the journal."""
        objects = [astuple(info) for info in self.objects.values()]
        clicks = [astuple(click) for click in self.clicks]
        return json.dumps([objects, clicks, list(self.wishes.items())]).encode()

    def put_image(self, image: bytes) -> None:
        """Replace all of it by what `image` returned."""
        objects, clicks, *more = json.loads(image)
        wishes = more[0] if more else []  # older stores know of none
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM objects")
            connection.execute("DELETE FROM clicks")
            connection.execute("DELETE FROM wishes")
            connection.executemany("INSERT INTO objects VALUES (?, ?)", objects)
            connection.executemany("INSERT INTO clicks VALUES (?, ?, ?, ?, ?, ?)", clicks)
            connection.executemany("INSERT INTO wishes VALUES (?, ?)", wishes)
        self._load()

    def _change(self, sql: str, values: tuple[object, ...]) -> None:
        with self._database.transaction() as connection:
            connection.execute(sql, values)
        self._load()

    def _load(self) -> None:
        objects = self._database.rows("SELECT label, name FROM objects ORDER BY label")
        clicks = self._database.rows("SELECT * FROM clicks ORDER BY id")
        wishes = self._database.rows("SELECT t, wish FROM wishes ORDER BY t")
        self.objects = {label: ObjectInfo(label, name) for label, name in objects}
        self.wishes = {t: Wish(wish) for t, wish in wishes}
        self.clicks = tuple(
            PlacedClick(number, t, y, x, label, bool(positive))
            for number, t, y, x, label, positive in clicks
        )
