"""Undo and redo against a list of copies, with the process ending anywhere in between."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.store import commands, journal
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.journal import Journal, Part


class PowerCut(BaseException):
    """Ends whatever is going on."""


class World:
    """Cells that outlive a journal, two of whose parts overlap: all of a row, and one cell."""

    def __init__(self) -> None:
        self.cells = {(row, t): b"" for row in range(3) for t in range(3)}
        self.writes_left = 10**9
        self.database = Database(":memory:", commands.SCHEMA)

    def parts(self) -> dict[str, Part]:
        columns = {
            f"row {row}": Part(
                lambda t, row=row: self.cells[row, t],
                lambda t, image, row=row: self._write({(row, t): image}),
                True,
            )
            for row in range(3)
        }
        return {**columns, "whole": Part(self._read_row, self._write_row, False)}

    def journal(self, **options: int) -> Journal:
        return Journal(self.database, self.parts(), **options)

    def _read_row(self, row: int) -> bytes:
        return b"|".join(self.cells[row, t] for t in range(3))

    def _write_row(self, row: int, image: bytes) -> None:
        self._write({(row, t): cell for t, cell in enumerate(image.split(b"|"))})

    def _write(self, cells: dict[tuple[int, int], bytes]) -> None:
        if not self.writes_left:
            raise PowerCut
        self.writes_left -= 1
        self.cells |= cells


def do(world: World, journal: Journal, writes: list[tuple[str, int, bytes]]) -> None:
    command = journal.begin("test", "set {frames}", {})
    for part, place, value in writes:
        journal.save_before(command, [(part, place)])
        world.parts()[part].write(place, b"|".join([value] * 3) if part == "whole" else value)


writes = st.tuples(
    st.sampled_from(["row 0", "row 1", "row 2", "whole"]),
    st.integers(0, 2),
    st.sampled_from([b"", b"a", b"b", b"c"]),
)
actions = st.one_of(
    st.lists(writes, min_size=1, max_size=6),
    st.sampled_from(["undo", "redo", "reopen", "cut undo", "cut redo"]),
)


@settings(max_examples=150)
@given(st.lists(actions, max_size=14), st.data())
def test_agrees_with_a_list_of_copies(steps, data):
    world = World()
    journal = world.journal()
    past, future = [], []
    for step in steps:
        now = copy.deepcopy(world.cells)
        if isinstance(step, list):
            do(world, journal, step)
            past, future = [*past, now], []
        elif step == "reopen":
            journal = world.journal()
        else:
            if step.startswith("cut"):
                world.writes_left = data.draw(st.integers(0, 4))
            try:
                change = getattr(journal, step.split()[-1])()
                assert (change is None) == (not (past if "undo" in step else future))
            except PowerCut:
                world.writes_left = 10**9
                if data.draw(st.booleans()):
                    journal = world.journal()  # the process ended; this finishes what was begun
                else:
                    assert getattr(journal, step.split()[-1])()  # it did not, and so does this
            world.writes_left = 10**9
            if "undo" in step and past:
                future.append(now)
                assert world.cells == past.pop()
            elif "redo" in step and future:
                past.append(now)
                assert world.cells == future.pop()
        assert (journal.undo_text is None) == (not past)
        assert (journal.redo_text is None) == (not future)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.database.close()


def test_a_command_that_overwrites_nothing_leaves_no_trace(world: World):
    journal = world.journal()
    do(world, journal, [("row 0", 0, b"a")])
    journal.undo()
    journal.begin("test", "nothing", {})
    assert journal.redo() is not None
    assert world.cells[0, 0] == b"a"


def test_says_what_was_undone(world: World):
    journal = world.journal()
    command = journal.begin("track", "track frames {frames}", {"direction": 1})
    journal.save_before(command, [("row 0", 2), ("row 1", 0)])
    assert journal.undo_text == "track frames 0-2"
    change = journal.undo()
    assert (change.kind, change.text) == ("track", "track frames 0-2")
    assert change.payload == {"direction": 1}
    assert change.frames == (0, 2)
    assert journal.redo_text == "track frames 0-2"
    assert world.journal().redo().frames == (0, 2)


def test_each_place_is_kept_once(world: World):
    journal = world.journal()
    do(world, journal, [("row 0", 0, b"a"), ("row 0", 0, b"b"), ("row 0", 0, b"c")])
    assert world.database.rows("SELECT COUNT(*) FROM images") == [(1,)]
    journal.undo()
    assert world.cells[0, 0] == b""


def test_what_is_too_old_cannot_be_undone_but_stays_on_record(world: World, monkeypatch):
    monkeypatch.setattr(journal, "MOST_COMMANDS", 3)
    history = world.journal()
    for value in (b"a", b"b", b"c", b"d", b"e"):
        do(world, history, [("row 0", 0, value)])
    assert [bool(history.undo()) for _ in range(4)] == [True, True, True, False]
    assert world.cells[0, 0] == b"b"
    assert world.database.rows("SELECT COUNT(*) FROM commands") == [(5,)]


def test_bytes_are_bounded(world: World):
    history = world.journal(most_bytes=100)
    for value in range(20):
        do(world, history, [("row 0", 0, bytes([65 + value]) * 30)])
    ((held,),) = world.database.rows("SELECT TOTAL(LENGTH(before)) FROM images")
    assert 60 <= held <= 100
    assert history.undo()


def test_a_command_that_fills_half_of_the_room_is_closed(world: World):
    history = world.journal(most_bytes=100)
    for t in range(3):
        world.cells[0, t] = b"x" * 30
    command = history.begin("test", "long", {})
    history.save_before(command, [("row 0", 0)])
    assert history.is_open(command)
    history.save_before(command, [("row 0", 1)])
    assert not history.is_open(command)
    with pytest.raises(RuntimeError, match="closed"):
        history.save_before(command, [("row 0", 2)])
