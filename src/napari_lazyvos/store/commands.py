"""Commands and the images that they keep, as two tables in the session's SQLite file."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from napari_lazyvos.store.database import Database

__all__ = ["Command", "CommandState", "CommandTable", "Image"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS commands (
    id INTEGER PRIMARY KEY, kind TEXT, text TEXT, payload TEXT, time REAL, state TEXT
);
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY, command INTEGER, part TEXT, place INTEGER, before BLOB, after BLOB,
    UNIQUE (command, part, place)
);
"""


class CommandState(StrEnum):
    """Where a command stands."""

    DONE = auto()  # can be undone; the newest may still be open
    UNDOING = auto()  # finished at the next start if it was cut short
    UNDONE = auto()  # can be redone
    REDOING = auto()
    PAST = auto()  # too old: its images were dropped, the record stays


@dataclass(slots=True)
class Command:
    """One edit in the history."""

    kind: str
    text: str  # in words; "{frames}" stands for the frames that it reached
    payload: dict[str, Any] = field(default_factory=dict)
    id: int = 0  # 0 until it overwrites something
    state: CommandState = CommandState.DONE
    bytes: int = 0  # of its images
    first: int | None = None  # of the frames that it reached
    last: int | None = None

    def describe(self) -> str:
        """Return the text with the frames filled in."""
        frames = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return self.text if self.first is None else self.text.replace("{frames}", frames)

    def reach(self, t: int) -> None:
        """Note that frame `t` is one of those that it reached."""
        self.first = t if self.first is None else min(self.first, t)
        self.last = t if self.last is None else max(self.last, t)


@dataclass(frozen=True, slots=True)
class Image:
    """One thing that a command overwrote."""

    id: int
    part: str
    place: int
    before: bytes
    after: bytes | None  # kept when the command is undone


class CommandTable:
    """Reads and writes commands and images; each method is on disk when it returns.

    Parameters
    ----------
    database : holds the tables of `SCHEMA`
    framed : the parts whose places are frames
    """

    def __init__(self, database: Database, framed: Collection[str]) -> None:
        self._database = database
        self._framed = tuple(framed)

    def load(self) -> list[Command]:
        """Return the commands that can be undone or redone, oldest first."""
        found = self._database.rows(
            "SELECT kind, text, payload, id, state FROM commands WHERE state <> ? ORDER BY id",
            (CommandState.PAST,),
        )
        commands = []
        for kind, text, payload, number, state in found:
            command = Command(kind, text, json.loads(payload), number, CommandState(state))
            command.bytes = self.bytes(command)
            frames = self.frames(command)
            if frames:
                command.first, command.last = frames[0], frames[-1]
            commands.append(command)
        return commands

    def insert(self, command: Command) -> None:
        """Write a new command, and give it its id."""
        values = (command.kind, command.text, json.dumps(command.payload), time.time())
        with self._database.transaction() as connection:
            command.id = connection.execute(
                "INSERT INTO commands VALUES (NULL, ?, ?, ?, ?, ?)", (*values, command.state)
            ).lastrowid  # type: ignore[assignment]  # an INSERT has one

    def set_state(self, command: Command, state: CommandState) -> None:
        """Note where a command stands now; one that is done again needs no `after` images."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE commands SET state = ? WHERE id = ?", (state, command.id))
            if state == CommandState.DONE:
                connection.execute(
                    "UPDATE images SET after = NULL WHERE command = ?", (command.id,)
                )
            if state == CommandState.PAST:
                connection.execute("DELETE FROM images WHERE command = ?", (command.id,))
        command.state = state
        command.bytes = self.bytes(command)

    def delete(self, command: Command) -> None:
        """Remove a command as if it had never been."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM images WHERE command = ?", (command.id,))
            connection.execute("DELETE FROM commands WHERE id = ?", (command.id,))

    def has_image(self, command: Command, part: str, place: int) -> bool:
        """Tell whether a command has kept this place already."""
        sql = "SELECT 1 FROM images WHERE command = ? AND part = ? AND place = ?"
        return bool(self._database.rows(sql, (command.id, part, place)))

    def add_image(self, command: Command, part: str, place: int, before: bytes) -> None:
        """Keep what a command is about to overwrite."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO images VALUES (NULL, ?, ?, ?, ?, NULL)",
                (command.id, part, place, before),
            )
        command.bytes += len(before)
        if part in self._framed:
            command.reach(place)

    def keep_after(self, image: Image, after: bytes) -> None:
        """Keep what undoing is about to overwrite."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE images SET after = ? WHERE id = ?", (after, image.id))

    def image_ids(self, command: Command) -> list[int]:
        """Return the ids of a command's images, in the order in which they were kept."""
        sql = "SELECT id FROM images WHERE command = ? ORDER BY id"
        return [number for (number,) in self._database.rows(sql, (command.id,))]

    def image(self, number: int) -> Image:
        """Return one image: a long command is never in memory as a whole."""
        sql = "SELECT id, part, place, before, after FROM images WHERE id = ?"
        return Image(*self._database.rows(sql, (number,))[0])

    def frames(self, command: Command) -> tuple[int, ...]:
        """Return the frames that a command reached, sorted."""
        marks = ", ".join("?" for _ in self._framed)
        sql = (
            "SELECT DISTINCT place FROM images "
            f"WHERE command = ? AND part IN ({marks}) ORDER BY place"
        )
        return tuple(t for (t,) in self._database.rows(sql, (command.id, *self._framed)))

    def bytes(self, command: Command) -> int:
        """Return how much a command's images hold."""
        sql = "SELECT TOTAL(LENGTH(before)) + TOTAL(LENGTH(after)) FROM images WHERE command = ?"
        return int(self._database.rows(sql, (command.id,))[0][0])
