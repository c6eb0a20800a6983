"""Clicks of a table reach a session once, whatever happens in between."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_lazyvos.batch.clicks_table import TableClick
from napari_lazyvos.batch.placing import PLACING, all_placed, place_clicks
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.document import ObjectInfo
from napari_lazyvos.store.store import Store

CLICKS = (
    TableClick(2, 1, 0, 14.0, 14.0, name="left"),
    TableClick(3, 1, 0, 12.5, 12.0),
    TableClick(4, 2, 1, 30.0, 40.0),
)


@pytest.fixture
def movie() -> np.ndarray:
    """(4, 48, 64) uint8 with two bright squares."""
    random = np.random.default_rng(0)
    frames = random.integers(40, 60, (4, 48, 64), dtype=np.uint8)
    frames[:, 8:20, 8:20] += 150
    frames[:, 24:38, 34:48] += 120
    return frames


@pytest.fixture
def open_session(movie, tmp_path):
    def make(name="movie"):
        store = tmp_path / f"{name}.lazyvos"
        return Session(movie, store=store, tracker="handcrafted", refiner="classical")

    return make


def places(session):
    return [(each.label, each.t, each.y, each.x, each.positive) for each in session.clicks]


def masks(session):
    return np.stack([session.store.masks.stored(t) for t in range(4)])


def test_each_click_is_placed_once(open_session):
    with open_session() as session:
        assert not all_placed(session.store, CLICKS)
        place_clicks(session, CLICKS[:2])
    with open_session() as session:
        assert not all_placed(session.store, CLICKS)
        place_clicks(session, CLICKS)
        assert places(session) == [click.place for click in CLICKS]
        assert [info.name for info in session.store.document.objects.values()] == ["left", ""]
        before = masks(session)
        place_clicks(session, CLICKS)
        np.testing.assert_array_equal(masks(session), before)
        assert len(session.clicks) == 3
        assert all_placed(session.store, CLICKS)


def test_what_a_person_changed_stays(open_session):
    with open_session() as session:
        place_clicks(session, CLICKS)
        first, second, _ = session.clicks
        session.remove_click(first.id)
        session.move_click(second.id, 0, 15.0, 15.0)
        session.name_object(1, "mother")
        session.remove_object(2)
        changed = places(session)
    with open_session() as session:
        named = dataclasses.replace(CLICKS[1], name="left")
        place_clicks(session, (CLICKS[0], named, CLICKS[2]))
        assert places(session) == changed
        assert session.store.document.objects == {1: ObjectInfo(1, "mother")}


def test_a_click_that_is_there_without_us_is_not_placed_again(open_session):
    with open_session() as session:
        session.click(0, 14, 14, label=1)
        place_clicks(session, CLICKS[:1])
        assert len(session.clicks) == 1


def test_a_click_that_was_cut_short_is_placed_again(open_session):
    """The process died when the click was in the document, and its mask was not yet written."""
    with open_session("whole") as session:
        place_clicks(session, CLICKS)
        whole = masks(session)
    with open_session() as session:
        place_clicks(session, CLICKS[:2])
        path, store, cut = session.store.path, session.store, CLICKS[2]
        store.set_metadata(store.metadata | {PLACING: list(cut.place)})
        with store.edit("annotate", "click on object 2 in frame 1") as edit:
            edit.put_object(ObjectInfo(2))
            edit.add_click(cut.t, cut.y, cut.x, cut.label, cut.positive)
    with Store.open(path) as store:
        assert not all_placed(store, CLICKS)
        assert len(store.document.clicks) == 3
    with open_session() as session:
        place_clicks(session, CLICKS)
        assert places(session) == [click.place for click in CLICKS]
        np.testing.assert_array_equal(masks(session), whole)
        assert whole[1].any()
