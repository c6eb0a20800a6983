"""Which frame is suggested for the next round."""

from __future__ import annotations

import pytest

from napari_lazyvos.lazy.next_frame import suggest
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.ledger import Ledger, Origin, Row, State

FRAMES = 30


@pytest.fixture
def ledger(tmp_path):
    from napari_lazyvos.store import ledger as module

    database = Database(tmp_path / "rows.sqlite", module.SCHEMA)
    yield Ledger(database, FRAMES)
    database.close()


def tracked(ledger, scores, label=1, human=(0,)):
    """Write an object that a person annotated in some frames, with these scores elsewhere."""
    for t, score in enumerate(scores):
        origin = Origin.HUMAN if t in human else Origin.MACHINE
        ledger.record(t, [Row(label, State.TRACKED, origin, score=score, area=9)])


def test_without_anything_tracked_there_is_nothing_to_suggest(ledger):
    assert suggest(ledger) is None
    ledger.record(3, [Row(1, State.TRACKED, Origin.HUMAN, area=9)])
    assert suggest(ledger) is None


def test_of_equally_unsure_frames_the_one_farthest_from_annotations_is_taken(ledger):
    tracked(ledger, [0.2] * FRAMES, human=(0, 20))
    found = suggest(ledger)
    assert (found.t, found.distance) == (10, 10)
    tracked(ledger, [0.2] * FRAMES, human=(0, 29))
    assert suggest(ledger).t == 14  # of two equal ones the first


def test_of_equally_far_frames_the_least_sure_one_is_taken(ledger):
    scores = [0.1] * FRAMES
    scores[8] = 0.4
    tracked(ledger, scores, human=(0, 16))
    found = suggest(ledger)
    assert found.t == 8
    assert found.why == (
        "the tracker is unsure of object 1 there (0.40), 8 frames from the nearest annotated one"
    )


def test_beside_an_annotated_frame_there_is_little_to_gain(ledger):
    scores = [0.2] * FRAMES
    scores[1] = 0.9
    tracked(ledger, scores)
    assert suggest(ledger).t > 10


def test_what_objects_gain_is_added(ledger):
    one, other = [0.1] * FRAMES, [0.1] * FRAMES
    one[10], other[20], one[15], other[15] = 0.5, 0.5, 0.4, 0.3
    tracked(ledger, one, 1)
    tracked(ledger, other, 2)
    found = suggest(ledger)
    assert (found.t, found.label) == (15, 1)


def test_a_lost_object_counts_as_unsure_as_it_is_elsewhere(ledger):
    tracked(ledger, [0.3] * 20)
    for t in range(20, FRAMES):
        ledger.record(t, [Row(1, State.ABSENT, Origin.MACHINE, score=0.0)])
    found = suggest(ledger)
    assert (found.t, found.absent) == (FRAMES - 1, True)
    assert found.why.startswith("object 1 was not found there, 29 frames")


def test_frames_that_a_person_annotated_are_left_out(ledger):
    tracked(ledger, [0.2] * FRAMES, human=range(FRAMES - 1))
    assert suggest(ledger).t == FRAMES - 1
    tracked(ledger, [0.2] * FRAMES, human=range(FRAMES))
    assert suggest(ledger) is None
