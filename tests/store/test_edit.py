"""Each edit can be undone as one, on the real stacks and the real database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.store.document import ObjectInfo
from napari_lazyvos.store.ledger import Origin, Row, State
from napari_lazyvos.store.store import Store

SHAPE = (5, 3, 4)
T, H, W = SHAPE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "a.lazyvos", frames=T, height=H, width=W) as store:
        yield store


def plane(value: int) -> np.ndarray:
    return np.full((H, W), value, np.uint8)


def tracked(label: int, origin: Origin = Origin.MACHINE, **more: Any) -> Row:
    return Row(label, State.TRACKED, origin, **{"score": 0.5, "rise": 0.25, "direction": 1, **more})


def state(store: Store) -> tuple:
    return (
        store.masks[:].tolist(),
        store.uncertainty[:].tolist(),
        [store.ledger.rows_at(t) for t in range(T)],
        store.document.objects,
        store.document.clicks,
    )


labels = st.integers(1, 2)
times = st.integers(0, T - 1)
changes = st.one_of(
    st.tuples(st.just("write"), times, st.integers(0, 3), labels, st.sampled_from(Origin)),
    st.tuples(st.just("rows"), times, labels),
    st.tuples(st.just("stale"), labels, times, times),
    st.tuples(st.just("end"), labels, times),
    st.tuples(st.just("forget"), labels),
    st.tuples(st.just("name"), labels, st.sampled_from(["a", "b"])),
    st.tuples(st.just("click"), times, labels, st.booleans()),
    st.tuples(st.just("unclick")),
)


def apply(store: Store, edit: Any, kind: str, *args: Any) -> None:
    if kind == "write":
        t, value, label, origin = args
        edit.write_frame(t, plane(value), plane(value + 5), [tracked(label, origin)])
    elif kind == "rows":
        absent = Row(args[1], State.ABSENT, Origin.PSEUDO, score=0.0, rise=-0.5)
        edit.write_frame(args[0], rows=[absent])
    elif kind == "stale":
        edit.mark_stale(*args)
    elif kind == "end":
        edit.set_rows(args[1], T, Row(args[0], State.ENDED, Origin.HUMAN, score=0.0, rise=0.0))
    elif kind == "forget":
        edit.forget(*args)
    elif kind == "name":
        edit.put_object(ObjectInfo(*args))
    elif kind == "click":
        edit.add_click(args[0], 1, 2, args[1], args[2])
    elif store.document.clicks:
        edit.remove_click(store.document.clicks[0].id)


steps = st.one_of(
    st.lists(changes, min_size=1, max_size=6), st.sampled_from(["undo", "redo", "reopen", "widen"])
)


@settings(max_examples=40)
@given(st.lists(steps, max_size=12))
def test_undo_and_redo_agree_with_a_list_of_copies(history):
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "s", frames=T, height=H, width=W)
        past, future = [], []
        for step in history:
            now = state(store)
            if isinstance(step, list):
                with store.edit("test", "test") as edit:
                    for change in step:
                        apply(store, edit, *change)
                # An edit that asked for no change, as removing a click where there is none.
                if store.redo_text is None and len(store_commands(store)) > len(past):
                    past, future = [*past, now], []
            elif step == "undo" and store.undo():
                future.append(now)
                assert state(store) == past.pop()
            elif step == "redo" and store.redo():
                past.append(now)
                assert state(store) == future.pop()
            elif step == "reopen":
                store.close()
                store = Store.open(store.path)
                assert state(store) == now
            elif step == "widen":
                store.widen()
                assert state(store) == now
            assert (store.undo_text is None, store.redo_text is None) == (not past, not future)
        store.close()


def store_commands(store: Store) -> list:
    return store._database.rows("SELECT id FROM commands WHERE state = 'done'")


def test_a_long_edit_goes_on_after_a_click_in_its_middle(store: Store):
    with store.edit("track", "track frames {frames}") as run:
        for t in range(T):
            if t == 3:
                with store.edit("click", "click on frame 3") as click:
                    click.add_click(3, 0, 0, 1, True)
            run.write_frame(t, plane(t + 1), plane(t), [tracked(1)])
    assert store.undo().text == "track frames 3-4"
    assert store.masks[:, 0, 0].tolist() == [1, 2, 3, 0, 0]
    assert store.undo().text == "click on frame 3"
    assert store.undo().text == "track frames 0-2"
    assert not store.masks[:].any()
    assert store.undo() is None


def test_a_run_that_is_undone_in_its_middle_goes_on(store: Store):
    with store.edit("track", "track frames {frames}") as run:
        run.write_frame(0, plane(1))
        store.undo()
        run.write_frame(1, plane(2))
    assert store.masks[:, 0, 0].tolist() == [0, 2, 0, 0, 0]
    assert store.undo_text == "track frames 1"
    assert store.redo_text is None


def test_an_edit_that_fails_is_kept_as_far_as_it_came(store: Store):
    run = store.edit("track", "track")
    run.write_frame(0, plane(1))
    with pytest.raises(ValueError, match="planes of"), run:
        run.write_frame(1, plane(1)[1:])
    assert (store.masks[0] == 1).all()
    assert store.undo().frames == (0, 1)
    assert not store.masks[:].any()


def test_strokes_are_not_history(store: Store):
    store.masks[0, 0, 0] = 7
    with store.edit("test", "test") as edit:
        edit.write_frame(0, plane(1))
    store.undo()
    assert store.masks.stored(0)[0, 0] == 0
    assert store.masks[0, 0, 0] == 7


def test_a_long_run_is_undone_as_one(tmp_path: Path):
    with Store.create(tmp_path / "long", frames=120, height=64, width=64) as store:
        noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
        with store.edit("track", "track frames {frames}") as run:
            for t in range(120):
                run.write_frame(t, noise, noise, [tracked(1, area=t)])
        with store.edit("track", "again") as run:
            for t in range(120):
                run.write_frame(t, noise // 2, noise, [tracked(1, area=0)])
        assert store.undo().frames == tuple(range(120))
        np.testing.assert_array_equal(store.masks[119], noise)
        assert store.ledger.areas(1).tolist() == list(range(120))
