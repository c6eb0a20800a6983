"""The ledger in memory, and what is found when it is opened again, are one."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.store import ledger as ledger_module
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.ledger import Call, Ledger, Origin, Row, State

FRAMES = 6


def open_ledger(path: str | Path = ":memory:") -> Ledger:
    return Ledger(Database(path, ledger_module.SCHEMA), FRAMES)


def everything(ledger: Ledger) -> list[list[Row]]:
    return [[_plain(row) for row in ledger.rows_at(t)] for t in range(ledger.frames)]


def _plain(row: Row) -> tuple:
    return tuple(None if math.isnan(value) else value for value in astuple(row))


machine = Row(3, State.TRACKED, Origin.MACHINE, direction=1, score=0.25, area=40, rise=0.125)
human = Row(3, State.TRACKED, Origin.HUMAN, area=50, call=Call.ANSWERED)


def test_records_and_answers():
    ledger = open_ledger()
    ledger.record(0, [human])
    ledger.record(1, [machine, Row(9, State.ABSENT, Origin.MACHINE, direction=-1)])
    assert ledger.labels == (3, 9)
    assert ledger.row(3, 1) == machine
    assert ledger.row(3, 5).state == State.UNTRACKED
    assert [row.label for row in ledger.rows_at(1)] == [3, 9]
    assert ledger.states(3).tolist() == [1, 1, 0, 0, 0, 0]
    assert ledger.origins(3).tolist() == [3, 1, 0, 0, 0, 0]
    assert ledger.directions(9).tolist() == [0, -1, 0, 0, 0, 0]
    assert ledger.areas(3).tolist() == [50, 40, 0, 0, 0, 0]
    np.testing.assert_array_equal(ledger.scores(3)[:3], [np.nan, 0.25, np.nan])
    np.testing.assert_array_equal(ledger.rises(3)[:3], [np.nan, 0.125, np.nan])
    assert ledger.calls(3).tolist() == [Call.ANSWERED, 0, 0, 0, 0, 0]
    assert ledger.human_frames().tolist() == [0]
    assert ledger.human_frames(9).tolist() == []


def test_an_unknown_label_is_blank():
    ledger = open_ledger()
    assert ledger.states(4).tolist() == [0] * FRAMES
    assert np.isnan(ledger.scores(4)).all()
    ledger.mark_stale(4, 0, 6)
    assert ledger.labels == ()


def test_answers_are_copies():
    ledger = open_ledger()
    ledger.record(0, [machine])
    ledger.states(3)[:] = 2
    assert ledger.row(3, 0) == machine


def test_stale_spares_what_a_person_made_and_the_other_direction():
    ledger = open_ledger()
    for t, row in enumerate([machine, human, machine, Row(3, State.ABSENT, Origin.MACHINE)]):
        ledger.record(t, [row])
    ledger.mark_stale(3, 0, 3, direction=1)
    assert ledger.stale(3).tolist() == [True, False, True, False, False, False]
    ledger.mark_stale(3, 3, 6)
    assert ledger.stale(3).tolist() == [True, False, True, True, False, False]
    ledger.record(0, [machine])
    assert not ledger.stale(3)[0]


def test_an_untracked_row_removes_what_was_known():
    ledger = open_ledger()
    ledger.record(2, [machine])
    ledger.record(2, [Row(3, State.UNTRACKED, Origin.NONE)])
    assert ledger.labels == ()
    assert ledger.rows_at(2) == ()


def test_grows():
    ledger = open_ledger()
    ledger.record(5, [machine])
    ledger.resize(9)
    ledger.record(8, [machine])
    assert ledger.states(3).tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 1]


rows = st.builds(
    Row,
    label=st.sampled_from([1, 2, 300]),
    state=st.sampled_from(State),
    origin=st.sampled_from(Origin),
    stale=st.booleans(),
    direction=st.sampled_from([-1, 0, 1]),
    score=st.one_of(st.just(math.nan), st.floats(0, 1, width=32)),
    area=st.integers(0, 2**31 - 1),
    rise=st.one_of(st.just(math.nan), st.floats(-1, 1, width=32)),
    call=st.sampled_from(Call),
)
frames = st.integers(0, FRAMES - 1)
labels = st.sampled_from([1, 2, 300])
actions = st.one_of(
    st.tuples(st.just("record"), frames, st.lists(rows, max_size=3)),
    st.tuples(st.just("set_rows"), frames, frames, rows),
    st.tuples(st.just("mark_stale"), labels, frames, frames, st.sampled_from([None, 1, -1])),
    st.tuples(st.just("forget"), labels),
)


@settings(max_examples=60)
@given(st.lists(actions, max_size=12))
def test_memory_and_disk_agree_and_images_bring_everything_back(steps):
    database = Database(":memory:", ledger_module.SCHEMA)
    ledger = Ledger(database, FRAMES)
    for name, *args in steps:
        before = everything(ledger)
        frame_images = [ledger.frame_image(t) for t in range(FRAMES)]
        column_images = {label: ledger.column_image(label) for label in (1, 2, 300)}
        getattr(ledger, name)(*args)
        after = everything(ledger)
        assert everything(Ledger(database, FRAMES)) == after

        kept = [ledger.frame_image(t) for t in range(FRAMES)]
        for t, image in enumerate(frame_images):
            ledger.put_frame_image(t, image)
        assert everything(ledger) == everything(Ledger(database, FRAMES)) == before
        for t, image in enumerate(kept):
            ledger.put_frame_image(t, image)
        assert everything(ledger) == after

        for label, image in column_images.items():
            ledger.put_column_image(label, image)
        assert everything(ledger) == everything(Ledger(database, FRAMES)) == before
        assert ledger.labels == Ledger(database, FRAMES).labels
        for t, image in enumerate(kept):
            ledger.put_frame_image(t, image)


def test_an_error_leaves_memory_and_disk_as_they_were():
    database = Database(":memory:", ledger_module.SCHEMA)
    ledger = Ledger(database, FRAMES)
    ledger.record(0, [machine])
    before = everything(ledger)
    unfit = Row(1, State.TRACKED, Origin.MACHINE, area=2**40)
    with pytest.raises(OverflowError):
        ledger.record(0, [Row(3, State.ABSENT, Origin.MACHINE), unfit])
    with pytest.raises(TypeError), database.transaction():
        ledger._write([(3, 0, (0,)), (3, 1, None)])  # a row is removed, then comes an error
    assert everything(ledger) == before
    assert everything(Ledger(database, FRAMES)) == before


def test_recording_costs_the_same_in_a_long_video():
    """Counted in bytes, not seconds: nothing of the length of the video is made for one frame."""
    ledger = Ledger(Database(":memory:", ledger_module.SCHEMA), 100_000)
    ledger.record(0, [machine])
    tracemalloc.start()
    ledger.record(99_999, [machine])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
