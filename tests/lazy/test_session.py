"""The session, with a tracker that can be followed by hand: objects move right, 1 px a frame."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy import Failed, Finished, FinishReason, FrameResult, HelpRequest, RunState
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.models import BundledWeightsError
from napari_lazyvos.store.ledger import Origin, State
from napari_lazyvos.video import open_video


@pytest.fixture
def session(movie, tracker, refiner, tmp_path: Path) -> Iterator[Session]:
    video = open_video(movie, contrast_limits=(0, 255))
    with Session(
        video, store=tmp_path / "movie.lazyvos", tracker=tracker, refiner=refiner
    ) as session:
        yield session


def place(session: Session, t: int, label: int = 1) -> tuple[float, float] | None:
    """Return the centre (y, x) of an object's mask, None if it is empty."""
    pixels = np.argwhere(session.store.masks.stored(t) == label)
    return None if len(pixels) == 0 else tuple(pixels.mean(axis=0))


def columns(session: Session, label: int = 1) -> list[float | None]:
    """Return the x of an object in each frame."""
    places = (place(session, t, label) for t in range(session.store.frames))
    return [None if at is None else at[1] for at in places]


def test_one_click_is_tracked_to_the_end(session):
    session.click(0, 10, 4)
    finished = session.track()
    assert finished == Finished(FinishReason.COMPLETED, 11, finished.seconds)
    assert columns(session) == [4 + t for t in range(12)]
    assert session.status.todo == 0
    assert session.status.state == RunState.IDLE


def test_events_come_frame_by_frame_and_are_on_disk_before_they_are_out(session):
    session.click(3, 10, 4)
    for event in session.run():
        if isinstance(event, FrameResult):
            assert np.array_equal(session.store.masks.stored(event.t), event.label_map)
            assert event.uncertainty.dtype == np.uint8
            assert session.store.ledger.row(1, event.t).state == State.TRACKED
            assert (event.done, event.total) == (event.t - 3, 8)
            assert [score.area for score in event.scores] == [25]
    assert isinstance(event, Finished)


def test_backwards_and_both_ways(session):
    session.click(5, 10, 8)
    session.track(direction="backward")
    assert columns(session)[:6] == [3, 4, 5, 6, 7, 8]
    assert columns(session)[6:] == [None] * 6
    session.track(direction="both")
    assert columns(session) == [3 + t for t in range(12)]


def test_a_range_is_tracked_anew_and_nothing_else(session, tracker):
    session.click(0, 10, 4)
    session.track()
    tracker.commits.clear()
    events = [event.t for event in session.run(4, 7) if isinstance(event, FrameResult)]
    assert events == [4, 5, 6]
    assert columns(session) == [4 + t for t in range(12)]


def test_a_correction_changes_what_follows_for_that_object_alone(session):
    session.click(0, 4, 4, label=1)
    session.click(0, 15, 4, label=2)
    session.track()
    second = np.stack([session.store.masks.stored(t) == 2 for t in range(12)])
    first = columns(session, 1)
    session.click(6, 8, 3, label=1)
    session.click(6, 8, 4, label=1, positive=True)
    assert session.status.todo == 5
    session.track()
    assert columns(session, 1)[:6] == first[:6]
    assert place(session, 7, 1)[0] == place(session, 6, 1)[0]
    assert columns(session, 1)[11] == columns(session, 1)[6] + 5
    assert np.array_equal(second, np.stack([session.store.masks.stored(t) == 2 for t in range(12)]))


def test_a_correction_stops_at_the_next_annotated_frame(session):
    session.click(0, 10, 4)
    session.click(8, 10, 14)
    session.track()
    assert columns(session) == [4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17]
    session.click(4, 10, 2)  # together with no other click: this frame has none yet
    retracked = [event.t for event in session.run() if isinstance(event, FrameResult)]
    assert retracked == [5, 6, 7]
    assert columns(session)[8:] == [14, 15, 16, 17]


def test_objects_start_on_their_own_frames(session):
    session.click(0, 4, 4, label=1)
    session.click(5, 15, 6, label=2)
    session.track()
    assert columns(session, 2) == [None] * 5 + [6, 7, 8, 9, 10, 11, 12]
    assert columns(session, 1) == [4 + t for t in range(12)]
    session.click(2, 20, 12, label=7)
    session.track()
    assert columns(session, 7) == [None] * 2 + [12 + t for t in range(10)]
    assert columns(session, 1) == [4 + t for t in range(12)]
    assert session.labels == (1, 2, 7)
    assert session.new_object() == 8


def test_a_correction_in_mid_run_is_taken_up_at_once(session, tracker):
    session.click(0, 10, 4)
    for event in session.run():
        if isinstance(event, FrameResult) and event.t == 5:
            session.click(5, 10, 2)
            session.remove_click(session.clicks[-1].id)
            session.click(5, 16, 4)
            corrected = place(session, 5)
    assert tracker.commits.count((5, True)) >= 1
    assert place(session, 11) == (corrected[0], corrected[1] + 6)


def test_a_correction_of_an_earlier_frame_in_mid_run_goes_back(session):
    session.click(0, 10, 4)
    visited = []
    for event in session.run():
        if isinstance(event, FrameResult):
            visited.append(event.t)
            if event.t == 6 and visited.count(6) == 1:
                session.paint(2, np.zeros((24, 24), np.uint8))
                session.click(3, 10, 3)
    assert visited == [1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 8, 9, 10, 11]
    assert columns(session) == [4, 5, None, *range(3, 12)]


def test_a_negative_click_alone_ends_the_object(session):
    session.click(0, 10, 4)
    session.track()
    session.click(6, 10, 10, positive=False)
    assert columns(session) == [4, 5, 6, 7, 8, 9] + [None] * 6
    assert session.state(1, 6) == session.state(1, 11) == State.ENDED
    assert session.status.todo == 0
    session.click(9, 10, 13)
    session.track()
    assert columns(session) == [4, 5, 6, 7, 8, 9, None, None, None, 13, 14, 15]


def test_an_object_ends_before_it_is_tracked(session):
    session.click(0, 10, 4)
    session.end_object(1, 4)
    session.track()
    assert columns(session) == [4, 5, 6, 7] + [None] * 8
    assert session.state(1, 7) == State.ENDED


def test_a_removed_click_takes_its_mask_and_what_came_of_it(session):
    click = session.click(0, 10, 4)
    session.track()
    session.remove_click(click.id)
    assert columns(session) == [None] * 12
    assert session.clicks == ()
    assert session.undo() == "remove click 1"
    assert columns(session) == [4 + t for t in range(12)]


def test_a_moved_click_is_answered_where_it_is(session):
    click = session.click(0, 10, 4)
    session.move_click(click.id, 2, 10, 9)
    session.track()
    assert columns(session) == [None, None] + [9 + t for t in range(10)]


def test_a_flipped_click_cuts_its_part_out(session):
    session.click(0, 10, 4)
    second = session.click(0, 10, 8)
    assert (session.store.masks.stored(0) == 1).sum() == 45
    session.flip_click(second.id)
    assert (session.store.masks.stored(0) == 1).sum() == 20


def test_paint_corrects_what_it_changed(session):
    session.click(0, 4, 4, label=1)
    session.click(0, 15, 4, label=2)
    session.track()
    painted = session.store.masks.stored(5).copy()
    painted[13:18, 10] = 3  # a new object, over a part of object 2
    assert session.paint(5, painted) == (2, 3)
    assert session.store.ledger.row(1, 5).origin == Origin.MACHINE
    assert session.store.ledger.row(3, 5).origin == Origin.HUMAN
    painted = painted.copy()
    painted[2, 7:12] = 0  # the eraser, on object 1
    assert session.paint(5, painted) == (1,)
    assert session.paint(5, painted) == ()
    session.track()
    areas = [int((session.store.masks.stored(11) == label).sum()) for label in (1, 2, 3)]
    assert areas == [20, 20, 5]


def test_what_a_human_drew_is_never_overwritten(session):
    session.click(0, 10, 4)
    drawn = np.zeros((24, 24), np.uint8)
    drawn[20:23, 20:23] = 1
    session.paint(6, drawn)
    session.track()
    session.track(0, 12, direction="both")
    assert np.array_equal(session.store.masks.stored(6), drawn)
    session.click(6, 21, 21, label=2)  # a click on another object goes around it
    assert (session.store.masks.stored(6) == 1).sum() == 9


def test_undo_and_redo_walk_through_everything(session):
    before = []

    def remember():
        stack = np.stack([session.store.masks.stored(t) for t in range(12)])
        before.append((stack, session.clicks, session.labels, session.status.todo))

    remember()
    for change in (
        lambda: session.click(0, 10, 4),
        lambda: session.track(),
        lambda: session.click(6, 4, 4, label=2),
        lambda: session.track(labels=[2]),
        lambda: session.end_object(1, 9),
        lambda: session.remove_object(2),
    ):
        change()
        remember()
    texts = []
    for wanted in before[-2::-1]:
        texts.append(session.undo())
        remember()
        assert_same(before.pop(), wanted)
    assert texts[0] == "remove object 2"
    assert texts[-2:] == ["track frames 1-11", "click on object 1 in frame 0"]
    assert session.undo() is None
    for wanted in before[1:]:
        session.redo()
        remember()
        assert_same(before.pop(), wanted)
    assert session.redo() is None


def assert_same(one, other):
    assert np.array_equal(one[0], other[0])
    assert one[1:] == other[1:]


def test_pause_step_and_cancel_leave_whole_frames(session):
    session.click(0, 10, 4)
    events = list(session.run(at_most=2))
    assert [event.t for event in events[:-1]] == [1, 2]
    assert events[-1].reason == FinishReason.PAUSED
    assert session.status.state == RunState.PAUSED
    for event in session.run():
        if isinstance(event, FrameResult) and event.t == 5:
            session.cancel()
    assert event.reason == FinishReason.CANCELLED
    assert session.status.todo == 6
    session.track()
    assert columns(session) == [4 + t for t in range(12)]


def test_closing_the_generator_cancels(session):
    session.click(0, 10, 4)
    events = session.run()
    next(events)
    with pytest.raises(LazyVosError, match="running already"):
        next(session.run())
    events.close()
    assert session.status.state == RunState.IDLE
    session.track()
    assert columns(session) == [4 + t for t in range(12)]


def test_a_failure_is_an_event_and_keeps_what_was_done(session, tracker):
    session.click(0, 10, 4)
    tracker.fails_at = 5
    events = list(session.run())
    assert [type(event) for event in events[-2:]] == [Failed, Finished]
    assert (events[-2].t, events[-2].message) == (4, "out of memory")
    assert columns(session)[:5] == [4, 5, 6, 7, 8]
    with pytest.raises(LazyVosError, match="out of memory"):
        session.track()
    tracker.fails_at = None
    session.track()
    assert columns(session) == [4 + t for t in range(12)]


def test_it_asks_for_help_where_certainty_falls(movie, tracker, refiner):
    tracker.sure[7] = 0.6
    video = open_video(movie, contrast_limits=(0, 255))
    with Session(
        video, tracker=tracker, refiner=refiner, policy=Policy(tau_pseudo=None)
    ) as session:
        session.click(0, 10, 4)
        for event in session.run():
            if isinstance(event, HelpRequest):
                assert (event.t, event.label) == (7, 1)
                assert session.store.masks.stored(7)[event.y, event.x] == 1
                session.click(7, event.y, event.x)
        assert session.store.ledger.row(1, 7).origin == Origin.HUMAN
        assert [c.t for c in session.clicks] == [0, 7]
        assert columns(session)[11] == columns(session)[7] + 4


def test_a_session_is_resumed_with_its_objects_and_its_history(movie, refiner, tracker, tmp_path):
    video = open_video(movie, contrast_limits=(0, 255))
    options = {"store": tmp_path / "a.lazyvos", "refiner": refiner}
    with Session(video, tracker=tracker, **options) as session:
        session.click(0, 10, 4)
        list(session.run(at_most=3))
    with Session(video, tracker=type(tracker)(), **options) as session:
        assert session.status.todo == 8
        assert session.status.can_undo == "track frames 1-3"
        assert [event.t for event in session.run() if isinstance(event, FrameResult)] == [
            *range(4, 12)
        ]
        assert columns(session) == [4 + t for t in range(12)]


def test_a_closed_session_holds_no_tracker(movie, tracker, refiner):
    with Session(movie, tracker=tracker, refiner=refiner) as session:
        session.click(0, 10, 4)
        session.track()
    before = sys.getrefcount(tracker)
    with Session(movie, tracker=tracker, refiner=refiner) as again:
        again.click(0, 10, 4)
        assert sys.getrefcount(tracker) > before
    assert sys.getrefcount(tracker) == before


def test_a_store_of_another_video_is_refused(session, refiner, tracker):
    path = session.store.path
    session.close()
    with pytest.raises(LazyVosError, match=r"another video.*\(12, 24, 24\)"):
        Session(np.zeros((5, 24, 24), np.uint8), store=path, tracker=tracker, refiner=refiner)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.click(12, 1, 1), "no frame 12"),
        (lambda s: s.click(0, 24, 1), "outside the frame"),
        (lambda s: s.click(0, float("nan"), 1), "not a place"),
        (lambda s: s.click(0, 1, 1, label=0), "label is 0"),
        (lambda s: s.run(5, 3), "frames 5 to 3"),
        (lambda s: s.run(0, 13), "frames 0 to 13"),
        (lambda s: s.run(labels=[9]), "no object 9: the objects are 1"),
        (lambda s: s.run(direction="sideways"), "sideways"),
        (lambda s: s.paint(0, np.zeros((3, 3))), r"\(3, 3\)"),
        (lambda s: s.remove_object(4), "no object 4"),
        (lambda s: s.move_click(77, 0, 0, 0), "no click 77"),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(session, call, words):
    session.click(0, 10, 4)
    before = session.store.masks.stored(0).copy(), session.clicks, session.status
    with pytest.raises(LazyVosError, match=words):
        call(session)
    assert np.array_equal(session.store.masks.stored(0), before[0])
    assert (session.clicks, session.status) == before[1:]


def test_a_label_above_255_widens_the_masks(session):
    session.click(0, 10, 4, label=1)
    session.click(0, 18, 4, label=300)
    session.track()
    assert session.store.masks.dtype == np.uint16
    assert columns(session, 300) == [4 + t for t in range(12)]


def test_tracking_in_the_background(session):
    session.click(0, 10, 4)
    run = session.start()
    assert run.wait(20).reason == FinishReason.COMPLETED
    assert run.done
    assert run.latest.t == 11


def test_another_tracker_goes_on_where_the_first_stopped(movie, refiner, tracker, tmp_path):
    with Session(movie, store=tmp_path / "s", tracker=tracker, refiner=refiner) as first:
        first.click(0, 5, 5)
        list(first.run(at_most=3))
    with Session(movie, store=tmp_path / "s", tracker="handcrafted", refiner=refiner) as second:
        finished = second.track()
        assert finished.reason == FinishReason.COMPLETED
        assert second.status.todo == 0


def test_without_its_weights_a_method_that_needs_none_takes_over(movie, monkeypatch):
    def missing(name):
        raise BundledWeightsError(f"The bundled weights {name} are missing: install it again.")

    monkeypatch.setattr("napari_lazyvos.nets.weights.bundled", missing)
    with Session(movie, tracker="compact", refiner="compact") as session:
        with pytest.warns(match=r"clicks are missing.*refiner classical is used"):
            session.click(0, 5, 5)
        with pytest.warns(match=r"tracker are missing.*tracker handcrafted is used"):
            session.track()
        assert (session.tracker_name, session.refiner_name) == ("handcrafted", "classical")
        assert session.status.todo == 0


def test_options_reach_the_methods_and_the_store(movie, tmp_path):
    options = {"tracker_options": {"size": 96}, "refiner_options": {"speed": 3}}
    with Session(movie, store=tmp_path / "s", tracker="handcrafted", **options) as session:
        assert options.items() <= session.store.metadata.items()
        with pytest.raises(LazyVosError, match="no option 'speed'"):
            session.click(0, 5, 5)
    with Session(movie, tracker="handcrafted", tracker_options={"size": 3}) as session:
        session.click(0, 5, 5)
        failed = [event for event in session.run() if isinstance(event, Failed)]
        assert "size is 3" in failed[0].message


def test_options_that_cannot_be_kept_are_refused_with_the_way_out(movie, tmp_path):
    options = {"weights": {"a": np.zeros(3)}}
    with pytest.raises(
        LazyVosError, match=r"option weights of the tracker is a dict, .* ready-made"
    ):
        Session(movie, store=tmp_path / "s", tracker="xmem", tracker_options=options)
