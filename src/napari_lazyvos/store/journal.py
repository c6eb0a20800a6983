"""The history of a session: what each edit overwrote, so that it can be undone and redone.

An edit is the set of things that it overwrote. Before a thing is overwritten, the journal keeps
an *image* of it on disk. To undo is to put the images back, last one first, after keeping what
they replace; to redo is to put that back, first one first. Each step is on disk before the next
one begins, and repeating a step changes nothing: what was cut short by the end of the process is
finished when the journal is opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from napari_lazyvos.store.commands import Command, CommandState, CommandTable
from napari_lazyvos.store.database import Database

__all__ = ["Change", "Journal", "Part"]

MOST_COMMANDS = 100
MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of thing that edits overwrite, and how to read and write it in bytes."""

    read: Callable[[int], bytes]  # place -> image
    write: Callable[[int, bytes], None]
    by_frame: bool  # its places are frames


@dataclass(frozen=True, slots=True)
class Change:
    """What was undone or redone."""

    kind: str
    text: str
    payload: dict[str, Any]
    frames: tuple[int, ...]  # whose pixels or rows changed, sorted


class Journal:
    """Undo and redo over any number of named parts.

    On disk it keeps images of the newest `MOST_COMMANDS` commands, and at most about `most_bytes`
    of them; in memory a small record per command, whatever the command's length.

    Parameters
    ----------
    database : holds the tables of `commands.SCHEMA`
    parts : name -> `Part`, all that edits may overwrite
    most_bytes : of images on disk; a command that takes half of it goes on as a new one
    """

    def __init__(
        self, database: Database, parts: Mapping[str, Part], *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._database = database
        self._parts = dict(parts)
        self._most_bytes = most_bytes
        framed = [name for name, part in self._parts.items() if part.by_frame]
        self._table = CommandTable(database, framed)
        self._commands = self._table.load()
        self._open: Command | None = None
        self.undo_text: str | None = None  # what `undo` would take back, in words
        self.redo_text: str | None = None
        self._finish_what_was_cut_short()
        self._refresh()

    def begin(self, kind: str, text: str, payload: dict[str, Any]) -> Command:
        """Open a command, and close the one that was open.

        Parameters
        ----------
        kind : a word for programs
        text : words for a person; "{frames}" stands for the frames that the command reached
        payload : what a program needs to do it again; goes through JSON

        Returns
        -------
        Command
            It leaves no trace before it overwrites something.
        """
        self._finish_what_was_cut_short()
        self._open = Command(kind, text, payload)
        return self._open

    def is_open(self, command: Command) -> bool:
        """Tell whether a command can overwrite more."""
        return command is self._open

    def close(self) -> None:
        """Close the open command, if there is one."""
        self._open = None

    def save_before(self, command: Command, places: Iterable[tuple[str, int]]) -> None:
        """Keep what `command` is about to overwrite; it is on disk when this returns.

        Parameters
        ----------
        command : the open one
        places : (name of part, place); what the command has kept already is not kept again
        """
        if not self.is_open(command):
            raise RuntimeError(f"the command {command.text!r} is closed")
        with self._database.transaction():
            if not command.id:
                self._drop_undone()
                self._table.insert(command)
                self._commands.append(command)
            for part, place in places:
                if not self._table.has_image(command, part, place):
                    self._table.add_image(command, part, place, self._parts[part].read(place))
        self._retire_old()
        self._refresh()

    def undo(self) -> Change | None:
        """Take back the newest command; None if there is none."""
        if finished := self._finish_what_was_cut_short():
            return finished
        done = [command for command in self._commands if command.state == CommandState.DONE]
        return self._undo(done[-1]) if done else None

    def redo(self) -> Change | None:
        """Do again what was undone last; None if there is nothing."""
        if finished := self._finish_what_was_cut_short():
            return finished
        undone = [command for command in self._commands if command.state == CommandState.UNDONE]
        return self._redo(undone[0]) if undone else None

    def _undo(self, command: Command) -> Change:
        self.close()
        self._table.set_state(command, CommandState.UNDOING)
        for number in reversed(self._table.image_ids(command)):
            image = self._table.image(number)
            part = self._parts[image.part]
            if image.after is None:
                self._table.keep_after(image, part.read(image.place))
            part.write(image.place, image.before)
        self._table.set_state(command, CommandState.UNDONE)
        return self._change(command)

    def _redo(self, command: Command) -> Change:
        self.close()
        self._table.set_state(command, CommandState.REDOING)
        for number in self._table.image_ids(command):
            image = self._table.image(number)
            assert image.after is not None  # kept by `_undo`
            self._parts[image.part].write(image.place, image.after)
        self._table.set_state(command, CommandState.DONE)
        return self._change(command)

    def _change(self, command: Command) -> Change:
        self._refresh()
        frames = self._table.frames(command)
        return Change(command.kind, command.describe(), command.payload, frames)

    def _drop_undone(self) -> None:
        for command in [each for each in self._commands if each.state == CommandState.UNDONE]:
            self._table.delete(command)
            self._commands.remove(command)

    def _retire_old(self) -> None:
        """Keep within the bounds. The open command is cut in two, so that some of it stays."""
        if self._open is not None and self._open.bytes > self._most_bytes // 2:
            self.close()
        while len(self._commands) > MOST_COMMANDS or (
            len(self._commands) > 1
            and sum(command.bytes for command in self._commands) > self._most_bytes
        ):
            self._table.set_state(self._commands.pop(0), CommandState.PAST)

    def _finish_what_was_cut_short(self) -> Change | None:
        """Finish an undo or redo that the end of the process, or a full disk, ended halfway."""
        for command in self._commands:
            if command.state == CommandState.UNDOING:
                return self._undo(command)
            if command.state == CommandState.REDOING:
                return self._redo(command)
        return None

    def _refresh(self) -> None:
        """Renew the texts, which any thread may read at any time."""
        states = [(command.state, command) for command in self._commands]
        done = [command for state, command in states if state == CommandState.DONE]
        undone = [command for state, command in states if state == CommandState.UNDONE]
        self.undo_text = done[-1].describe() if done else None
        self.redo_text = undone[0].describe() if undone else None
