"""Rounds, with a tracker that can be followed by hand: objects move right, 1 px a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy import FinishReason, FrameResult
from napari_lazyvos.lazy.round import Changes, bounds
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.nets.mivos_fusion import MivosFusionNet
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.store.ledger import Origin
from napari_lazyvos.video import open_video


@pytest.fixture
def session(movie, tracker, refiner, tmp_path: Path):
    video = open_video(movie, contrast_limits=(0, 255))
    with Session(
        video, store=tmp_path / "movie.lazyvos", tracker=tracker, refiner=refiner
    ) as session:
        yield session


@pytest.fixture
def twice(session):
    """Return a session in which a click in frame 0 was propagated, and one in frame 6 is new."""
    session.click(0, 10, 4)
    session.rounds.track(0)
    session.click(6, 10, 13)  # the tracker has it at 10
    return session


def columns(session: Session, label: int = 1) -> list[float | None]:
    """Return the x of an object in each frame; None where it has no mask."""
    masks = [session.store.masks.stored(t) == label for t in range(session.store.frames)]
    return [float(np.nonzero(mask)[1].mean()) if mask.any() else None for mask in masks]


def visited(session: Session, t: int, **options) -> list[int]:
    return [each.t for each in session.rounds.run(t, **options) if isinstance(each, FrameResult)]


@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.data()
)
def test_bounds_are_found_by_walking_to_either_side(case, data):
    frames, t = case
    annotated = data.draw(st.sets(st.integers(0, frames - 1)))
    first = last = t
    while first > 0 and first - 1 not in annotated:
        first -= 1
    while last < frames - 1 and last + 1 not in annotated:
        last += 1
    reach = bounds(annotated, t, frames)
    assert (reach.first, reach.last) == (first, last)
    assert reach.before == (first - 1 if first else None)
    assert reach.after == (last + 1 if last < frames - 1 else None)
    assert [each in reach for each in range(frames)] == [
        first <= each <= last for each in range(frames)
    ]


@given(st.integers(0, 30), st.integers(2, 30), st.booleans())
def test_nearness_falls_from_the_round_to_the_other_end(t, way, forward):
    end = t + way if forward else t - way
    reach = bounds([end], t, 100) if end >= 0 else bounds([], t, 100)
    inside = range(t + 1, end) if forward else range(max(0, end + 1), t)
    near = [reach.nearness(each, t) for each in inside]
    if end < 0:
        assert set(near) <= {None}  # the side is open
        return
    assert all(0 < each < 1 for each in near)
    assert near == sorted(near, reverse=forward)
    other = bounds([t], end, 100)
    assert near == pytest.approx([1 - other.nearness(each, end) for each in inside])


def test_a_first_round_goes_to_both_ends(session):
    session.click(5, 10, 8)
    assert visited(session, 5) == [6, 7, 8, 9, 10, 11, 4, 3, 2, 1, 0]
    assert columns(session) == [3 + t for t in range(12)]
    assert session.status.can_undo == "round of frame 5: frames 0-11"


def test_a_round_ends_before_the_frames_that_were_annotated(session):
    for t in (0, 4, 9):
        session.click(t, 10, 4 + t)
    assert visited(session, 4) == [5, 6, 7, 8, 3, 2, 1]
    assert {k: (each.first, each.last) for k, each in session.rounds.bounds(4).items()} == {
        1: (1, 8)
    }


def test_what_is_new_meets_what_was_before_halfway(twice):
    twice.rounds.track(6)
    found = columns(twice)
    old, new = [4 + t for t in range(12)], [7 + t for t in range(12)]
    assert found[:3] == old[:3]
    assert found[4:] == new[4:]  # and beyond, where the side is open
    assert found[3] == pytest.approx((old[3] + new[3]) / 2)


def test_without_fusion_the_new_masks_replace_those_before(twice):
    twice.rounds.track(6, fusion="none")
    assert columns(twice) == [4, *(7 + t for t in range(1, 12))]


def test_masks_that_came_through_the_corrected_frame_are_not_fused(session):
    """What a forward pass made behind a mistake has the mistake in it."""
    session.click(0, 10, 4)
    session.click(11, 10, 18)
    session.track()  # forwards from 0
    session.click(6, 10, 13)
    session.rounds.track(6)
    assert columns(session)[7:11] == [7 + t for t in range(7, 11)]


def test_annotated_frames_stay_as_they_are(twice):
    kept = {t: twice.store.masks.stored(t).copy() for t in (0, 6)}
    twice.rounds.track(6)
    assert all(np.array_equal(twice.store.masks.stored(t), mask) for t, mask in kept.items())
    assert [twice.store.ledger.row(1, t).origin for t in (0, 6)] == [Origin.HUMAN] * 2


def test_only_what_was_annotated_in_the_frame_changes(session):
    session.click(0, 4, 4, label=1)
    session.click(0, 18, 4, label=2)
    session.rounds.track(0)
    before = columns(session, 2)
    session.click(6, 4, 13, label=1)
    session.rounds.track(6)
    assert columns(session, 2) == before
    assert columns(session, 1)[8] == 15


def test_everyone_in_the_frame_is_propagated_on_request(session, tracker):
    session.click(0, 4, 4, label=1)
    session.click(5, 18, 9, label=2)
    session.track()
    assert columns(session, 2)[:5] == [None] * 5
    session.click(7, 4, 11, label=1)
    assert session.rounds.bounds(7).keys() == {1}
    assert session.rounds.bounds(7, everyone=True).keys() == {1, 2}
    assert session.rounds.bounds(7, labels=[2]).keys() == {1, 2}
    tracker.commits.clear()
    assert visited(session, 7, everyone=True) == [8, 9, 10, 11, 6, 5, 4, 3, 2, 1]
    assert columns(session, 2) == [None] * 5 + [4 + t for t in range(5, 12)]


def test_several_objects_have_bounds_of_their_own(session):
    session.click(0, 4, 4, label=1)
    session.click(3, 18, 7, label=2)
    session.click(6, 4, 10, label=1)
    session.click(6, 18, 10, label=2)
    reach = session.rounds.bounds(6)
    assert {k: (each.before, each.after) for k, each in reach.items()} == {
        1: (0, None),
        2: (3, None),
    }
    assert visited(session, 6) == [7, 8, 9, 10, 11, 5, 4, 3, 2, 1]
    assert columns(session, 2) == [None] * 3 + [4 + t for t in range(3, 12)]


@pytest.mark.parametrize(
    ("memory", "forwards"),
    [("all", [6, 0, 11, 6]), ("round", [6])],
)
def test_each_pass_begins_with_the_frame_of_the_round(session, tracker, memory, forwards):
    for t in (0, 6, 11):
        session.click(t, 10, 4 + t)
    visited(session, 6, memory=memory)
    order = [t for t, _ in tracker.commits]
    assert order == [*forwards, 7, 8, 9, 10, *forwards, 5, 4, 3, 2, 1]
    permanent = {t for t, is_permanent in tracker.commits if is_permanent}
    assert permanent == set(forwards)


def test_a_round_that_was_cancelled_keeps_what_is_done_and_goes_on(twice):
    run = twice.rounds.run(6)
    for event in run:
        if isinstance(event, FrameResult) and event.t == 9:
            twice.cancel()
    assert event.reason == FinishReason.CANCELLED
    assert columns(twice)[7:10] == [14, 15, 16]
    assert columns(twice)[1:6] == [4 + t for t in range(1, 6)]
    assert visited(twice, 6) == [10, 11, 5, 4, 3, 2, 1]
    assert visited(twice, 6) == []  # nothing is left of it
    assert visited(twice, 6, fusion="none")[:2] == [7, 8]  # another round


def test_a_round_pauses_after_so_many_frames_on_either_side(twice):
    assert visited(twice, 6, at_most=3) == [7, 8, 9]
    assert visited(twice, 6, at_most=4) == [10, 11, 5, 4]
    assert visited(twice, 6) == [3, 2, 1]


def test_mivos_fusion_works_with_trackers_that_match_and_is_refused_at_once_by_others(
    movie, session, refiner, tmp_path
):
    torch.manual_seed(0)
    weights = tmp_path / "fusion.pth"
    torch.save(MivosFusionNet().state_dict(), weights)
    session.click(0, 10, 4)
    with pytest.raises(LazyVosError, match="rightward cannot tell: choose the fusion distance"):
        session.rounds.run(0, fusion=str(weights))
    found = {}
    for fusion in (str(weights), "none"):
        torch.manual_seed(0)
        stcn = trackers.load("stcn", weights=StcnNet().state_dict(), device="cpu", top_k=2)
        with Session(movie[:4], tracker=stcn, refiner=refiner) as other:
            other.click(0, 10, 4)
            other.rounds.track(0)
            other.click(3, 10, 16)
            assert other.rounds.track(3, fusion=fusion).reason == FinishReason.COMPLETED
            found[fusion] = [other.store.uncertainty.stored(t) for t in range(4)]
    first, plain = found.values()
    assert np.array_equal(first[0], plain[0])  # annotated
    assert not np.array_equal(first[2], plain[2])


def test_a_click_in_the_middle_closes_the_round_there(twice):
    seen = []
    for event in twice.rounds.run(6):
        if isinstance(event, FrameResult):
            seen.append(event.t)
            if event.t == 8:
                twice.click(10, 10, 17)
    assert seen == [7, 8, 9, 5, 4, 3, 2, 1]


def test_undo_takes_a_round_back_and_then_the_click(twice):
    before = columns(twice)
    twice.rounds.track(6)
    assert twice.undo() == "round of frame 6: frames 1-11"
    assert columns(twice) == before
    assert twice.undo() == "click on object 1 in frame 6"
    assert columns(twice) == [4 + t for t in range(12)]
    twice.redo()
    twice.redo()
    assert columns(twice)[7:] == [14, 15, 16, 17, 18]


def test_nobody_is_asked_in_a_round(session, tracker):
    tracker.sure = {4: 0.55}
    session.click(0, 10, 4)
    names = {type(event).__name__ for event in session.rounds.run(0)}
    assert names == {"FrameResult", "Finished"}
    assert not session.calls


def test_a_pass_after_a_round_fills_its_memory_anew(twice, tracker):
    twice.rounds.track(6)
    twice.click(8, 10, 12)
    tracker.commits.clear()
    twice.track()
    assert (8, True) in tracker.commits
    assert columns(twice)[8:] == [12, 13, 14, 15]


def test_rounds_go_on_in_a_session_that_was_opened_again(movie, tracker, refiner, tmp_path):
    store = tmp_path / "movie.lazyvos"
    video = open_video(movie, contrast_limits=(0, 255))
    with Session(video, store=store, tracker=tracker, refiner=refiner) as session:
        session.click(0, 10, 4)
        session.rounds.track(0)
    with Session(video, store=store, tracker=type(tracker)(), refiner=refiner) as session:
        session.click(6, 10, 13)
        session.rounds.track(6)
        assert columns(session)[7:] == [14, 15, 16, 17, 18]


@pytest.mark.parametrize(
    ("t", "options", "said"),
    [
        (3, {}, "no object in frame 3"),
        (99, {}, "99"),
        (0, {"fusion": "glue"}, "no fusion 'glue': choose distance, mivos, none"),
        (0, {"memory": "none"}, "memory is 'none'"),
    ],
)
def test_a_round_that_cannot_be_says_why_at_once(session, t, options, said):
    session.click(0, 10, 4)
    with pytest.raises(LazyVosError, match=said):
        session.rounds.run(t, **options)
    assert session.status.can_undo == "click on object 1 in frame 0"


@given(st.integers(1, 9), st.integers(1, 20), st.data())
def test_changes_lead_from_the_mask_before_to_the_new_one(height, width, data):
    bits = st.lists(st.booleans(), min_size=height * width, max_size=height * width)
    before, after = (np.array(data.draw(bits)).reshape(height, width) for _ in range(2))
    changes = Changes()
    changes.note(3, 1, before)
    added, taken = changes.of(3, 1, after)
    assert np.array_equal(before + added - taken, after)
    assert np.array_equal(changes.of(3, 2, after)[0], after)  # of another object nothing is known
