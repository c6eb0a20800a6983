"""What a timeline shows, as arrays."""

from __future__ import annotations

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lazyvos.gui.timeline_data import (
    READ_ONE_BY_ONE,
    Lane,
    Mark,
    Measure,
    Provenance,
    Snapshot,
    envelope,
    marks_of,
    provenance,
    runs,
)
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.document import PlacedClick
from napari_lazyvos.store.ledger import BLANK, SCHEMA, Call, Ledger, Origin, Row, State

FRAMES = 40

KINDS = arrays(np.uint8, st.integers(1, 300), elements=st.sampled_from([*map(int, Provenance)]))
CURVES = arrays(
    np.float32,
    st.integers(1, 700),
    elements=st.one_of(st.just(np.nan), st.floats(-1, 1, width=32)),
)
CELLS = st.tuples(
    st.sampled_from(State), st.sampled_from(Origin), st.booleans(), st.sampled_from(Call)
)


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(Database(tmp_path / "rows.sqlite", SCHEMA), FRAMES)


def tracked(label: int, score: float = 0.1, rise: float = 0.0, **more) -> Row:
    return Row(label, State.TRACKED, Origin.MACHINE, score=score, rise=rise, **more)


@given(kinds=KINDS, ends=st.tuples(st.integers(-5, 320), st.integers(-5, 320)))
def test_runs_partition_the_frames(kinds, ends):
    start, stop = max(ends[0], 0), min(ends[1], len(kinds))
    found = runs(kinds, *ends, most=1000)
    if stop <= start:
        assert len(found.starts) == 0
        return
    assert found.starts[0] == start
    assert found.stops[-1] == stop
    assert (found.starts[1:] == found.stops[:-1]).all()
    assert (found.kinds[1:] != found.kinds[:-1]).all()
    lengths = found.stops - found.starts
    assert (np.repeat(found.kinds, lengths) == kinds[start:stop]).all()


@given(kinds=KINDS, most=st.integers(1, 30), start=st.integers(0, 50))
def test_runs_are_never_too_many_and_still_partition(kinds, most, start):
    found = runs(kinds, start, len(kinds), most)
    if start >= len(kinds):
        return
    assert len(found.starts) <= most + 1
    assert (found.starts[0], found.stops[-1]) == (start, len(kinds))
    assert (found.starts[1:] == found.stops[:-1]).all()
    assert (found.stops > found.starts).all()
    assert set(found.kinds) <= set(kinds[start:])


def test_a_long_run_survives_where_short_ones_are_too_many():
    kinds = np.tile(np.array([1, 2], np.uint8), 500)
    kinds[400:600] = Provenance.STALE
    found = runs(kinds, 0, 1000, most=50)
    (stale,) = np.flatnonzero(found.kinds == Provenance.STALE)
    assert abs(found.starts[stale] - 400) <= 32
    assert abs(found.stops[stale] - 600) <= 32


@given(values=CURVES, most=st.integers(1, 100), start=st.integers(0, 100))
def test_the_envelope_is_that_of_brute_force(values, most, start):
    x, y = envelope(values, start, len(values), most)
    if start >= len(values):
        assert len(x) == len(y) == 0
        return
    assert len(x) == len(y)
    if len(values) - start <= most:
        assert (x == np.arange(start, len(values))).all()
        assert np.array_equal(y, values[start:], equal_nan=True)
        return
    step = 2
    while -(-(len(values) - start) // step) > most:
        step *= 2
    for block, i in enumerate(range(start // step * step, len(values), step)):
        known = [value for value in values[i : i + step] if not np.isnan(value)]
        least, greatest = (min(known), max(known)) if known else (np.nan, np.nan)
        two = y[2 * block : 2 * block + 2]
        assert np.array_equal(np.sort(two), [least, greatest], equal_nan=True)
        assert i <= x[2 * block] == x[2 * block + 1] <= i + step - 1
    assert len(x) == 2 * (block + 1) <= 2 * most + 2


def test_blocks_stay_where_they_are_when_the_view_moves():
    values = np.random.default_rng(0).random(5000).astype(np.float32)
    x, y = envelope(values, 0, 4000, 100)
    moved_x, moved_y = envelope(values, 100, 4100, 100)
    both = np.intersect1d(x, moved_x)
    assert len(both) > 50
    for at in both[:-1]:  # the last block of the first view is cut
        assert set(y[x == at]) == set(moved_y[moved_x == at])


@given(cells=st.lists(CELLS, min_size=1, max_size=60))
def test_provenance_frame_by_frame(cells):
    states, origins, stale, _ = (np.array(column, np.uint8) for column in zip(*cells, strict=True))
    kinds = provenance(states, origins, stale.astype(bool))
    ended = False  # as `Session.state` has it
    for t, (state, origin, old, _) in enumerate(cells):
        if origin == Origin.HUMAN:
            ended = state == State.ENDED
        if state == State.ENDED or (state == State.UNTRACKED and ended):
            expected = Provenance.ENDED
        elif state == State.UNTRACKED:
            expected = Provenance.UNTRACKED
        elif old:
            expected = Provenance.STALE
        elif state == State.ABSENT:
            expected = Provenance.ABSENT
        else:
            expected = {
                Origin.HUMAN: Provenance.HUMAN,
                Origin.PSEUDO: Provenance.PSEUDO,
            }.get(origin, Provenance.TRACKED)
        assert kinds[t] == expected


def test_marks_of_all_kinds(ledger):
    ledger.set_rows(0, 30, tracked(1))
    ledger.record(0, [Row(1, State.TRACKED, Origin.HUMAN)])  # clicked
    ledger.record(5, [Row(1, State.TRACKED, Origin.HUMAN, call=Call.ANSWERED)])  # drawn
    ledger.record(8, [Row(1, State.TRACKED, Origin.PSEUDO)])
    ledger.record(9, [tracked(1, call=Call.OPEN)])
    ledger.record(10, [tracked(1, call=Call.FINE)])
    ledger.set_rows(12, 15, Row(1, State.ABSENT, Origin.MACHINE))
    ledger.record(20, [Row(1, State.ENDED, Origin.HUMAN)])
    clicks = [
        PlacedClick(1, 0, 3, 3, 1, True),
        PlacedClick(2, 0, 4, 4, 1, False),
        PlacedClick(3, 7, 4, 4, 2, True),  # on another object
    ]
    marks = marks_of(Lane(ledger, 1, FRAMES), clicks, 0, FRAMES, 100)
    assert {each.kind: each.first.tolist() for each in marks} == {
        Mark.INCLUDE: [0],
        Mark.EXCLUDE: [0],
        Mark.DRAWN: [5],
        Mark.PSEUDO: [8],
        Mark.OPEN: [9],
        Mark.ANSWERED: [5],
        Mark.FINE: [10],
        Mark.LOST: [12],
        Mark.ENDS: [20],
    }
    assert [each.kind for each in marks] == sorted(Mark)


@given(
    frames=st.sets(st.integers(0, FRAMES - 1), min_size=1),
    most=st.integers(1, 10),
    start=st.integers(0, FRAMES),
)
def test_groups_of_marks_count_all_in_sight(frames, most, start):
    with TemporaryDirectory() as folder:
        ledger = Ledger(Database(Path(folder) / "rows.sqlite", SCHEMA), FRAMES)
        for t in frames:
            ledger.record(t, [Row(1, State.TRACKED, Origin.PSEUDO)])
        marks = marks_of(Lane(ledger, 1, FRAMES), (), start, FRAMES, most)
    inside = sorted(t for t in frames if t >= start)
    if not inside:
        assert marks == []
        return
    (pseudo,) = marks
    assert len(pseudo.first) <= most + 1
    assert pseudo.count.sum() == len(inside)
    assert (pseudo.first[0], pseudo.last[-1]) == (inside[0], inside[-1])
    assert (pseudo.first <= pseudo.last).all()
    assert set(pseudo.first) | set(pseudo.last) <= set(inside)


def test_a_snapshot_reads_the_frames_that_were_written(ledger):
    ledger.set_rows(0, 10, tracked(1))
    snapshot = Snapshot(ledger)
    ledger.record(10, [tracked(1, score=0.6, rise=0.5, call=Call.OPEN)])
    ledger.record(11, [tracked(1, score=0.9)])
    assert snapshot.update({10})
    (lane,) = snapshot.lanes
    assert lane.scores[10] == np.float32(0.6)
    assert np.isnan(lane.scores[11])
    assert snapshot.highest(Measure.RISE) == np.float32(0.5)
    assert lane.moments(())[Mark.OPEN].tolist() == [10]


def test_a_snapshot_tells_whether_anything_changed(ledger):
    snapshot = Snapshot(ledger)
    assert not snapshot.update()
    ledger.set_rows(0, 10, tracked(1))
    assert snapshot.update()
    assert not snapshot.update()
    assert not snapshot.update(())
    ledger.mark_stale(1, 3, 5)
    assert snapshot.update()
    assert snapshot.lanes[0].kinds[2:6].tolist() == [1, 6, 6, 1]
    ledger.resize(50)
    assert snapshot.update({3})
    assert snapshot.frames == len(snapshot.lanes[0].kinds) == 50
    ledger.forget(1)
    assert snapshot.update({3})
    assert snapshot.lanes == ()


def test_an_end_reaches_as_far_as_nothing_else_is_known(ledger):
    ledger.set_rows(0, 10, tracked(1))
    snapshot = Snapshot(ledger)
    ledger.record(10, [Row(1, State.ENDED, Origin.HUMAN)])
    assert snapshot.update({10})
    assert (snapshot.lanes[0].kinds[10:] == Provenance.ENDED).all()
    ledger.record(20, [tracked(1)])
    snapshot.update({20})
    ledger.record(20, [Row(1, State.UNTRACKED, Origin.NONE)])
    snapshot.update({20})
    assert (snapshot.lanes[0].kinds[10:] == Provenance.ENDED).all()


@given(steps=st.lists(st.tuples(st.integers(0, 9), CELLS, st.booleans()), max_size=30))
def test_a_snapshot_that_was_updated_knows_what_a_new_one_knows(steps):
    with TemporaryDirectory() as folder:
        ledger = Ledger(Database(Path(folder) / "rows.sqlite", SCHEMA), 10)
        snapshot = Snapshot(ledger)
        for t, (state, origin, stale, call), told in steps:
            snapshot.lanes and snapshot.lanes[0].moments(())  # is kept, unless it changes
            row = Row(1, state, origin, stale, score=0.1 * t, call=call)
            ledger.record(t, [row])
            snapshot.update([t] if told else None)
        anew = Snapshot(ledger)
        assert len(anew.lanes) == len(snapshot.lanes)
        for lane, other in zip(snapshot.lanes, anew.lanes, strict=True):
            assert len(lane.differing(other)) == 0
            assert (lane.kinds == other.kinds).all()
            for kind, frames in other.moments(()).items():
                assert lane.moments(())[kind].tolist() == frames.tolist()


def test_many_frames_are_read_at_once(tmp_path):
    frames = 2 * READ_ONE_BY_ONE
    ledger = Ledger(Database(tmp_path / "rows.sqlite", SCHEMA), frames)
    ledger.record(0, [tracked(1)])
    snapshot = Snapshot(ledger)
    cells = np.full(frames, BLANK)
    cells["state"], cells["origin"], cells["score"] = State.TRACKED, Origin.MACHINE, 0.25
    ledger.put_column_image(1, zlib.compress(cells.tobytes()))
    assert snapshot.update(range(frames))
    assert (snapshot.lanes[0].scores == 0.25).all()
    assert (snapshot.lanes[0].kinds == Provenance.TRACKED).all()
