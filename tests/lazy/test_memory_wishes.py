"""What a person wants of the tracker's memory: it holds wherever the memory is filled anew."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import FrameResult
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.remembering import MemoryFrame, Reason
from napari_lazyvos.lazy.session import Session

FRAMES, HEIGHT, WIDTH = 24, 32, 64
NEVER_ASK = Policy(tau_user=None, tau_pseudo=None, tau_memory=None)
OPTIONS = {"memory": "fifo", "memory_size": 3}  # every fifth frame


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """(24, 32, 64) uint8: a bright square that moves one pixel per frame over a texture."""
    ground = np.random.default_rng(0).integers(20, 70, (HEIGHT, WIDTH), dtype=np.uint8)
    frames = np.broadcast_to(ground, (FRAMES, HEIGHT, WIDTH)).copy()
    for t in range(FRAMES):
        frames[t, 8:22, 4 + t : 18 + t] += 150
    return frames


def mask_at(t):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[8:22, 4 + t : 18 + t] = True
    return mask


@pytest.fixture
def session(drawn, tmp_path):
    with opened(drawn, tmp_path) as made:
        made.set_mask(0, mask_at(0))
        yield made


def opened(video, folder, **options):
    about = {"tracker_options": OPTIONS, "policy": NEVER_ASK, "device": "cpu"} | options
    return Session(video, store=folder / "a.lazyvos", **about)


def times(session):
    return [frame.t for frame in session.memory.frames]


def reason(session, t):
    (frame,) = [each for each in session.memory.frames if each.t == t]
    return frame.reason


def test_what_is_remembered_is_told_frame_by_frame(session):
    assert session.memory.frames == ()
    seen = []
    for event in session.run(at_most=16):
        if isinstance(event, FrameResult):
            seen.append(times(session))
    assert seen[0] == [0]
    assert seen[9] == [0, 5, 10]
    assert session.memory.frames[0] == MemoryFrame(0, Reason.ANNOTATED)
    assert session.memory.frames[1] == MemoryFrame(5, None)
    assert session.memory.is_told
    assert session.memory.diversity is None
    assert np.isnan(session.diversity).all()


def test_a_frame_that_is_forgotten_does_not_come_back(session):
    session.track(0, 13)
    session.forget_frame(5)
    assert times(session) == [0, 10]
    session.set_mask(3, mask_at(3))  # so that 4 to 12 are tracked anew, 5 among them
    session.track()
    assert 5 not in times(session)
    assert session.store.ledger.row(1, 5).area > 0  # it has its mask all the same


def test_a_frame_that_is_kept_outlives_the_others_and_a_refill(session):
    session.track(0, 13)
    session.keep_frame(5)
    assert reason(session, 5) is Reason.ASKED
    session.track()
    assert {0, 5} <= set(times(session))
    assert times(session)[-1] == 20
    session.track(22, 24)  # the memory is filled anew, from what is known before frame 22
    assert reason(session, 5) is Reason.ASKED
    session.track(3, 5)  # before it
    assert 5 not in times(session)


def test_a_frame_that_was_not_in_memory_enters_where_it_is_filled_anew(session):
    session.track(0, 13)
    session.keep_frame(7)
    session.keep_frame(17)  # not even tracked
    assert 7 not in times(session)
    session.set_mask(9, mask_at(9))
    session.track(stop=20)
    assert {0, 7, 9, 17} <= set(times(session))


def test_wishes_are_undone_one_by_one_and_outlive_the_undoing_of_others(session):
    session.track(0, 13)
    session.forget_frame(5)
    assert session.status.can_undo == "forget frame 5"
    session.keep_frame(10)
    session.name_object(1, "cell")
    assert session.undo() == "name object 1 'cell'"
    assert session.undo() == "never forget frame 10"
    session.track(6, 20)
    assert 5 not in times(session)
    session.undo()  # the tracking
    assert session.undo() == "forget frame 5"
    session.track(1, 12)
    assert 5 in times(session)


def test_a_later_wish_takes_the_place_of_an_earlier_one(session):
    session.track(0, 13)
    session.keep_frame(5)
    session.keep_frame(5)  # nothing new
    session.forget_frame(5)
    assert 5 not in times(session)
    session.undo()
    assert session.status.can_undo == "never forget frame 5"


@pytest.mark.parametrize("filled_anew", [False, True])
def test_wishes_survive_the_end_of_the_session(drawn, tmp_path, filled_anew):
    with opened(drawn, tmp_path) as first:
        first.set_mask(0, mask_at(0))
        first.track(0, 13)
        first.keep_frame(5)
        first.forget_frame(10)
    with opened(drawn, tmp_path) as again:
        if filled_anew:
            again.set_mask(11, mask_at(11))
        again.track()
        assert reason(again, 5) is Reason.ASKED
        assert 10 not in times(again)


@pytest.mark.parametrize("when", ["at the end", "at the beginning"])
def test_a_memory_on_disk_is_not_gone_back_to(drawn, tmp_path, when):
    with opened(drawn, tmp_path) as first:
        first.set_mask(0, mask_at(0))
        list(first.run(at_most=12))
        assert times(first) == [0, 5, 10]
        if when == "at the end":
            first.forget_frame(5)
            first._loop.save = lambda: None  # as if the process were killed here
    with opened(drawn, tmp_path) as again:
        if when == "at the beginning":
            again.forget_frame(5)
        list(again.run(at_most=1))
        assert 0 in times(again)
        assert 5 not in times(again)


def test_in_the_middle_of_a_run_no_frame_is_tracked_twice(session):
    tracked = []
    for event in session.run():
        if isinstance(event, FrameResult):
            tracked.append(event.t)
            if event.t == 12:
                session.keep_frame(5)
                session.forget_frame(10)
    assert tracked == list(range(1, FRAMES))
    assert reason(session, 5) is Reason.ASKED
    assert session.undo() == "track frames 13-23"


def test_an_annotated_frame_is_not_forgotten(session):
    session.track(0, 8)
    with pytest.raises(LazyVosError, match="Frame 0 is annotated"):
        session.forget_frame(0)
    session.forget_frame(5)
    session.set_mask(5, mask_at(5))  # which counts for more
    session.track()
    assert reason(session, 5) is Reason.ANNOTATED
    with pytest.raises(LazyVosError, match="frame 40"):
        session.keep_frame(40)


def test_how_diverse_it_was_is_known_of_each_frame(drawn, tmp_path):
    options = {"memory": "readmem", "memory_size": 2}
    with opened(drawn, tmp_path, tracker_options=options) as session:
        session.set_mask(0, mask_at(0))
        session.track()
        found = session.diversity
        assert found.shape == (FRAMES,)
        assert np.isfinite(found[1:]).all()
        assert session.memory.diversity == pytest.approx(found[-1])
        assert len(set(found[1:])) > 1


def test_a_tracker_that_tells_nothing_heeds_wishes_too(movie, tracker, refiner):
    with Session(movie, tracker=tracker, refiner=refiner, policy=NEVER_ASK) as session:
        session.click(0, 10, 4)
        session.track(0, 6)
        assert not session.memory.is_told
        session.forget_frame(4)
        session.keep_frame(3)
        tracker.commits.clear()
        session.track(5, 8)
        assert (3, True) in tracker.commits
        assert tracker.remembered[4] == ()
