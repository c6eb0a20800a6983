"""Objects, clicks, and wishes."""

from __future__ import annotations

import json

import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store import document as document_module
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.document import Document, ObjectInfo, PlacedClick, Wish


@pytest.fixture
def database() -> Database:
    return Database(":memory:", document_module.SCHEMA)


@pytest.fixture
def document(database: Database) -> Document:
    return Document(database)


def test_objects_are_sorted_and_replaced(document: Document):
    document.put_object(ObjectInfo(5, "tail"))
    document.put_object(ObjectInfo(2))
    document.put_object(ObjectInfo(5, "head"))
    assert document.objects == {2: ObjectInfo(2), 5: ObjectInfo(5, "head")}
    assert list(document.objects) == [2, 5]


def test_clicks(document: Document, database: Database):
    first = document.add_click(3, 1.5, 2, 1, True)
    second = document.add_click(3, 8, 9, 1, False)
    assert first == PlacedClick(1, 3, 1.5, 2.0, 1, True)
    moved = PlacedClick(second.id, 3, 7.0, 9.0, 1, True)
    document.update_click(moved)
    assert document.clicks == (first, moved)
    assert Document(database).clicks == document.clicks
    assert document.clicks_at(3, 1) == (first, moved)
    assert document.clicks_at(3, 2) == document.clicks_at(4, 1) == ()


def test_the_id_of_a_click_is_not_used_again(document: Document):
    gone = document.add_click(0, 0, 0, 1, True)
    document.remove_click(gone.id)
    assert document.add_click(0, 0, 0, 1, True).id != gone.id
    with pytest.raises(LazyVosError, match=f"no click {gone.id}"):
        document.remove_click(gone.id)
    with pytest.raises(LazyVosError, match=f"no click {gone.id}"):
        document.update_click(gone)


def test_forgetting_an_object_leaves_the_others(document: Document):
    document.put_object(ObjectInfo(1))
    document.put_object(ObjectInfo(2))
    document.add_click(0, 0, 0, 1, True)
    kept = document.add_click(0, 0, 0, 2, True)
    document.forget(1)
    assert document.objects == {2: ObjectInfo(2)}
    assert document.clicks == (kept,)


def test_an_image_brings_everything_back(document: Document, database: Database):
    document.put_object(ObjectInfo(1, "é"))
    document.add_click(4, 0.25, 3, 1, False)
    document.put_wish(7, Wish.KEEP)
    image, objects, clicks = document.image(), document.objects, document.clicks
    document.forget(1)
    document.put_wish(7, Wish.FORGET)
    document.put_wish(2, Wish.FORGET)
    assert list(document.wishes.items()) == [(2, Wish.FORGET), (7, Wish.FORGET)]
    document.put_image(image)
    assert (document.objects, document.clicks) == (objects, clicks)
    assert Document(database).clicks == clicks
    assert Document(database).wishes == document.wishes == {7: Wish.KEEP}


def test_an_image_of_an_older_version_knows_no_wish(document: Document):
    document.put_wish(7, Wish.KEEP)
    document.put_image(json.dumps([[[1, "head"]], []]).encode())
    assert (document.objects, document.wishes) == ({1: ObjectInfo(1, "head")}, {})
