"""Clicks on a mask that the tracker made correct it; the refiner is the bundled one."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.ledger import Origin, Row, State


@pytest.fixture
def tracked():
    """Return a session on two frames of a dark bar, of which the tracker found the left half."""
    y, x = np.mgrid[:96, :128]
    bar = (np.abs(y - 48) < 20) & (np.abs(x - 64) < 40)
    movie = np.full((2, 96, 128), 150, np.uint8)
    movie[:, bar] = 50
    with Session(movie) as session:
        session.click(0, 48, 64)
        found = (bar & (x < 70)).astype(np.uint8)
        row = Row(1, State.TRACKED, Origin.MACHINE, score=0.1, area=int(found.sum()))
        with session.store.edit("track", "by hand") as edit:
            edit.write_frame(1, label_map=found, uncertainty=np.zeros_like(found), rows=[row])
        yield session, bar, found == 1


def overlap(session, bar) -> float:
    mask = session.store.masks.stored(1) == 1
    return float((mask & bar).sum() / (mask | bar).sum())


def test_a_click_on_what_is_missing_keeps_what_is_there(tracked):
    session, bar, found = tracked
    session.click(1, 48, 84)
    mask = session.store.masks.stored(1) == 1
    assert mask[found].mean() > 0.9
    assert overlap(session, bar) > 0.9


def test_what_was_corrected_is_remembered_from_click_to_click_and_after_a_move(tracked):
    session, bar, _ = tracked
    placed = session.click(1, 48, 78)
    session.click(1, 10, 10, positive=False)
    assert overlap(session, bar) > 0.9
    session.move_click(placed.id, 1, 48, 84)
    assert overlap(session, bar) > 0.9
