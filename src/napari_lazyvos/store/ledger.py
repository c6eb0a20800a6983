"""What is known of each object in each frame: its state, who made its mask, how sure that is."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from napari_lazyvos.store.database import Database

__all__ = ["Call", "Ledger", "Origin", "Row", "State"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    label INTEGER, t INTEGER, state INTEGER, origin INTEGER, stale INTEGER, direction INTEGER,
    score REAL, area INTEGER, rise REAL, call INTEGER, PRIMARY KEY (label, t)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rows_of_frame ON rows (t);
"""
INSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

CELL = np.dtype(
    [
        ("state", "u1"),
        ("origin", "u1"),
        ("stale", "?"),
        ("direction", "i1"),
        ("score", "<f4"),
        ("area", "<i4"),
        ("rise", "<f4"),
        ("call", "u1"),
    ]
)
BLANK = np.array((0, 0, False, 0, math.nan, 0, math.nan, 0), CELL)
LABELLED = np.dtype([("label", "<i4"), ("cell", CELL)])


class State(IntEnum):
    """Whether an object is there in a frame."""

    UNTRACKED = 0
    """Not predicted yet."""
    TRACKED = 1
    """It has a mask."""
    ABSENT = 2
    """Predicted, and the mask is empty; it may come back."""
    ENDED = 3
    """A person said that it is not there any more."""


class Origin(IntEnum):
    """Who made an object's mask in a frame."""

    NONE = 0
    """Nobody yet."""
    MACHINE = 1
    """The tracker."""
    PSEUDO = 2
    """The tracker, corrected by the refiner with clicks that the policy chose."""
    HUMAN = 3
    """A person, by clicks, by brush or by a given mask. No pass overwrites it."""


class Call(IntEnum):
    """Whether a person is asked for help with an object in a frame."""

    NONE = 0
    """Nobody was asked."""
    OPEN = 1
    """Asked, and not answered yet."""
    ANSWERED = 2
    """Answered with a correction, or with the word that the object is not there."""
    FINE = 3
    """Answered: the mask is fine as it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one object in one frame."""

    label: int
    state: State
    origin: Origin
    stale: bool = False  # made before a correction that should change it
    direction: int = 0  # of the pass that made it: +1, -1, or 0 where there was none
    score: float = math.nan  # mean normalised entropy over the object; NaN where unknown
    area: int = 0  # pixels
    rise: float = math.nan  # of the score from the frame before; NaN where unknown
    call: Call = Call.NONE


class Ledger:
    """A table of objects by frames, in memory, with a copy of each row in SQLite.

    Queries are answered from one array per label; to record a frame costs the same at any `t`.
    Methods that change it are called through `Edit`, which keeps what they overwrite.

    Parameters
    ----------
    database : holds the table ``rows`` (`SCHEMA`)
    frames : length of the video now
    """

    def __init__(self, database: Database, frames: int) -> None:
        self._database = database
        self.frames = frames
        self._columns: dict[int, np.ndarray] = {}  # label -> (T,) of CELL
        for label, t, *cell in database.rows("SELECT * FROM rows"):
            if t < frames:
                # SQLite has no NaN.
                values = (math.nan if value is None else value for value in cell)
                self._column(label)[t] = tuple(values)

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of which anything is known, sorted."""
        return tuple(sorted(self._columns))

    def row(self, label: int, t: int) -> Row:
        """Return what is known of one object in one frame."""
        column = self._columns.get(label)
        return _row(label, BLANK if column is None else column[t])

    def rows_at(self, t: int) -> tuple[Row, ...]:
        """Return what is known of frame `t`, sorted by label; without what is UNTRACKED."""
        columns = sorted(self._columns.copy().items())
        return tuple(_row(label, column[t]) for label, column in columns if column[t]["state"])

    def states(self, label: int) -> np.ndarray:
        """Return the `State` of an object in each frame, (T,) uint8."""
        return self._field(label, "state")

    def origins(self, label: int) -> np.ndarray:
        """Return the `Origin` of an object's mask in each frame, (T,) uint8."""
        return self._field(label, "origin")

    def stale(self, label: int) -> np.ndarray:
        """Tell in which frames an object's mask was made before a correction, (T,) bool."""
        return self._field(label, "stale")

    def directions(self, label: int) -> np.ndarray:
        """Return the direction (+1, -1 or 0) of the pass that made each mask, (T,) int8."""
        return self._field(label, "direction")

    def scores(self, label: int) -> np.ndarray:
        """Return an object's score in each frame, (T,) float32, NaN where unknown."""
        return self._field(label, "score")

    def rises(self, label: int) -> np.ndarray:
        """Return by how much an object's score rose in each frame, (T,) float32, NaN: unknown."""
        return self._field(label, "rise")

    def calls(self, label: int) -> np.ndarray:
        """Return the `Call` for help with an object in each frame, (T,) uint8."""
        return self._field(label, "call")

    def areas(self, label: int) -> np.ndarray:
        """Return an object's area in each frame, (T,) int32, in pixels."""
        return self._field(label, "area")

    def human_frames(self, label: int | None = None) -> np.ndarray:
        """Return the sorted numbers of frames that a person annotated, of one label or of any."""
        human = np.zeros(self.frames, bool)
        for each in self.labels if label is None else (label,):
            human |= self.origins(each) == Origin.HUMAN
        return np.flatnonzero(human)

    def record(self, t: int, rows: Sequence[Row]) -> None:
        """Write these rows of frame `t`; other labels keep theirs. One transaction.

        A row with `State.UNTRACKED` removes what was known.
        """
        cells = [(row.label, _cell(row)) for row in rows]
        self._write((label, t, cell) for label, cell in cells)
        for label, cell in cells:
            self._column(label)[t] = cell
        self._drop_empty(row.label for row in rows if not row.state)

    def set_rows(self, start: int, stop: int, row: Row) -> None:
        """Write the same row for every frame ``start <= t < stop``."""
        cell = _cell(row)
        self._write((row.label, t, cell) for t in range(start, stop))
        self._column(row.label)[start:stop] = cell
        self._drop_empty([row.label])

    def mark_stale(self, label: int, start: int, stop: int, direction: int | None = None) -> None:
        """Mark an object's masks in frames ``start <= t < stop`` as older than a correction.

        What a person made stays fresh.

        Parameters
        ----------
        label : an unknown one has nothing to mark
        start, stop : frames
        direction : only masks that a pass in this direction made; None is all
        """
        if label not in self._columns:
            return
        sql = "UPDATE rows SET stale = 1 WHERE label = ? AND t >= ? AND t < ? AND origin <> ?"
        values = [label, start, stop, int(Origin.HUMAN)]
        cells = self._columns[label][start:stop]
        wanted = (cells["state"] != State.UNTRACKED) & (cells["origin"] != Origin.HUMAN)
        if direction is not None:
            sql += " AND direction = ?"
            values.append(direction)
            wanted &= cells["direction"] == direction
        with self._database.transaction() as connection:
            connection.execute(sql, values)
        cells["stale"] |= wanted

    def forget(self, label: int) -> None:
        """Remove all that is known of an object."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM rows WHERE label = ?", (label,))
        self._columns.pop(label, None)

    def resize(self, frames: int) -> None:
        """Grow to this number of frames."""
        grown = {}
        for label, column in self._columns.items():
            grown[label] = np.full(frames, BLANK)
            grown[label][: len(column)] = column
        self._columns, self.frames = grown, frames

    def frame_image(self, t: int) -> bytes:
        """Return all rows of frame `t` in bytes, for the journal."""
        known = [(label, column[t]) for label, column in self._columns.items() if column[t][0]]
        return np.array(known, LABELLED).tobytes()

    def put_frame_image(self, t: int, image: bytes) -> None:
        """Replace all rows of frame `t` by what `frame_image` returned."""
        cells = np.frombuffer(image, LABELLED)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM rows WHERE t = ?", (t,))
            self._write((int(label), t, cell) for label, cell in cells)
        for column in self._columns.values():
            column[t] = BLANK
        for label, cell in cells:
            self._column(int(label))[t] = cell
        self._drop_empty(self.labels)

    def column_image(self, label: int) -> bytes:
        """Return all rows of an object in bytes, for the journal."""
        column = self._columns.get(label)
        return b"" if column is None else zlib.compress(column.tobytes(), 1)

    def put_column_image(self, label: int, image: bytes) -> None:
        """Replace all rows of an object by what `column_image` returned."""
        cells = np.frombuffer(zlib.decompress(image) if image else b"", CELL)
        with self._database.transaction():
            self.forget(label)
            self._write((label, int(t), cells[t]) for t in np.flatnonzero(cells["state"]))
        if cells["state"].any():
            self._column(label)[: len(cells)] = cells

    def _column(self, label: int) -> np.ndarray:
        if label not in self._columns:
            self._columns[label] = np.full(self.frames, BLANK)
        return self._columns[label]

    def _field(self, label: int, name: str) -> np.ndarray:
        column = self._columns.get(label)
        return np.full(self.frames, BLANK[name]) if column is None else column[name].copy()

    def _write(self, rows: Iterable[tuple[int, int, Any]]) -> None:
        with self._database.transaction() as connection:
            for label, t, cell in rows:
                if cell[0]:
                    connection.execute(INSERT, (label, t, *cell.item()))
                else:
                    connection.execute("DELETE FROM rows WHERE label = ? AND t = ?", (label, t))

    def _drop_empty(self, labels: Iterable[int]) -> None:
        for label in labels:
            column = self._columns.get(label)
            if column is not None and not column["state"].any():
                del self._columns[label]


def _cell(row: Row) -> Any:
    values = astuple(row)[1:]  # in the order of CELL
    return np.array(values if row.state else BLANK, CELL)[()]


def _row(label: int, cell: Any) -> Row:
    state, origin, stale, direction, score, area, rise, call = cell.item()
    made = State(state), Origin(origin), stale, direction
    return Row(label, *made, score, area, rise, Call(call))
