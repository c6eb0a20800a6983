"""The lazy loop on a tracker whose certainty in each frame is known.

Objects are squares of 25 pixels that move 1 px to the right in each frame. Their region is the
square itself, and each pixel of it has the entropy that the test wants, so that an object's score
is that entropy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import (
    Corrected,
    Event,
    FrameResult,
    HelpRequest,
    ObjectScore,
    WelcomeBack,
)
from napari_lazyvos.lazy.policy import Action, Policy
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.refine import Click, Refined
from napari_lazyvos.store.ledger import Call, Origin, State
from napari_lazyvos.video import open_video

SCORES = {1: 0.1, 2: 0.1, 3: 0.35, 4: 0.35, 5: 0.9, 6: 0.9, 7: 0.3, 8: 0.3}
"""From the click in frame 0 on: a small rise in frame 3, a great one in frame 5."""


def sure_for(score: float, objects: int = 1) -> float:
    """Return the probability of the right label at which a pixel has this entropy."""
    low, high = 0.5, 1.0 - 1e-9
    for _ in range(60):
        p = (low + high) / 2
        entropy = -(p * math.log(p) + (1 - p) * math.log(1 - p)) / math.log(1 + objects)
        low, high = (p, high) if entropy > score else (low, p)
    return low


class ShiftedRefiner:
    """The 5 x 5 square around the last positive click, or whatever `answer` makes of it."""

    name = "shifted"

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[Click, ...], bool]] = []  # clicks, and whether with a mask

    def embed(self, frame: np.ndarray) -> tuple[int, int]:
        return frame.shape[1], frame.shape[2]

    def refine(
        self, embedding: tuple[int, int], clicks: Iterable[Click], previous: Any = None
    ) -> Refined:
        self.asked.append((tuple(clicks), previous is not None))
        last = [click for click in clicks if click.positive][-1]
        mask = np.zeros(embedding, bool)
        mask[self.rows(round(last.y)), round(last.x) - 2 : round(last.x) + 3] = True
        return Refined(mask, mask.astype(np.float32))

    def rows(self, y: int) -> slice:
        return slice(y - 2, y + 3)


@pytest.fixture
def shifted() -> ShiftedRefiner:
    return ShiftedRefiner()


@pytest.fixture
def begin(movie, tracker, shifted) -> Callable[..., Session]:
    """Open a session in which object 1 was clicked on at (10, 4) of frame 0."""
    opened: list[Session] = []

    def make(policy: Policy | None = None, scores: dict[int, float] | None = None) -> Session:
        for t, score in (SCORES if scores is None else scores).items():
            tracker.sure[t] = sure_for(score)
        video = open_video(movie[: 1 + max(SCORES)], contrast_limits=(0, 255))
        session = Session(video, tracker=tracker, refiner=shifted, policy=policy or Policy())
        opened.append(session)
        session.click(0, 10, 4)
        shifted.asked.clear()
        return session

    yield make
    for session in opened:
        session.close()


def answered(session: Session) -> list[Event]:
    """Track, and answer each call where the object is."""
    events = []
    for event in session.run():
        events.append(event)
        if isinstance(event, HelpRequest):
            event.click(10, 4 + event.t)
    return events


def of(kind: type, events: Iterable[Event]) -> list[int]:
    return [event.t for event in events if isinstance(event, kind)]


class AtRandom(Policy):
    """The control: calls at moments that have nothing to do with certainty."""

    def action(self, t: int, score: ObjectScore) -> Action:
        return Action.ASK if t in (2, 7) else Action.GO_ON


OFF: dict[str, Any] = {"tau_user": None, "tau_pseudo": None, "tau_memory": None}
NO_USER = {"tau_user": None}
NO_PSEUDO = {"tau_pseudo": None}
EVERY = list(range(1, 9))

# Rows of Tables 6.3 and 6.4: options, frames of pseudo-corrections, frames of calls, frames that
# are remembered, and those of them that are permanent.
ROWS = {
    "XMem": (Policy(**OFF), [], [], EVERY, []),
    "UDU": (Policy(**NO_USER, **NO_PSEUDO), [], [], [1, 2, 3, 4, 7, 8], []),
    "UDU, pseudo": (Policy(**NO_USER), [3, 5], [], [1, 2, 4, 7, 8], []),
    "pseudo": (Policy(**NO_USER, tau_memory=None), [3, 5], [], [1, 2, 4, 6, 7, 8], []),
    "pseudo, pseudo-IDU": (
        Policy(**NO_USER, tau_memory=None, pseudo_update=True), [3, 5], [], EVERY, [],
    ),
    "UDU, user": (
        Policy(**NO_PSEUDO, immediate_update=False), [], [5], [1, 2, 3, 4, 7, 8], [],
    ),
    "user": (Policy(**NO_PSEUDO, tau_memory=None, immediate_update=False), [], [5], EVERY, []),
    "user, IDU": (Policy(**NO_PSEUDO, tau_memory=None), [], [5], EVERY, [5]),
    "UDU, user, IDU": (Policy(**NO_PSEUDO), [], [5], [1, 2, 3, 4, 5, 7, 8], [5]),
    "all": (Policy(), [3], [5], [1, 2, 4, 5, 7, 8], [5]),
    "all, pseudo-IDU": (Policy(pseudo_update=True), [3], [5], [1, 2, 3, 4, 5, 7, 8], [5]),
    "S as trigger": (
        Policy(trigger="score"), [3, 4, 7, 8], [5, 6], [1, 2, 5, 6], [5, 6],
    ),
    "random calls": (AtRandom(**NO_PSEUDO), [], [2, 7], [1, 2, 3, 4, 7, 8], [2, 7]),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_the_ablations_decides_as_it_should(begin, tracker, name):
    policy, pseudo, calls, remembered, permanent = ROWS[name]
    session = begin(policy)
    events = answered(session)
    assert of(Corrected, events) == pseudo
    assert of(HelpRequest, events) == calls
    assert of(FrameResult, events) == EVERY
    assert [t for t in EVERY if tracker.remembered[t]] == remembered
    assert [t for t, always in tracker.commits if always] == [0, *permanent]


def test_scores_and_rises_are_measured_on_the_plain_prediction(begin):
    session = begin()
    answered(session)
    ledger = session.store.ledger
    np.testing.assert_allclose(ledger.scores(1)[1:], list(SCORES.values()), atol=1e-3)
    rises = np.diff(list(SCORES.values()))
    np.testing.assert_allclose(ledger.rises(1)[2:], rises, atol=1e-3)
    assert np.isnan(ledger.rises(1)[:2]).all()  # nothing to compare with
    assert [Origin(o).name for o in ledger.origins(1)] == (
        ["HUMAN", "MACHINE", "MACHINE", "PSEUDO", "MACHINE", "HUMAN"] + ["MACHINE"] * 3
    )


def test_a_pseudo_correction_is_shown_and_not_remembered(begin, tracker, shifted):
    session = begin(Policy(tau_user=None, tau_memory=None), scores={1: 0.1, 2: 0.35})
    shifted.rows = lambda y: slice(y - 1, y + 3)  # one row less
    session.track(stop=4)
    assert (session.store.masks.stored(2) == 1).sum() == 20
    assert (session.store.masks.stored(3) == 1).sum() == 25  # goes on from frame 1
    assert [len(clicks) for clicks, _ in shifted.asked] == [1]
    assert shifted.asked[0] == ((Click(10.0, 6.0),), False)


def test_its_mask_can_be_remembered(begin, tracker, shifted):
    policy = Policy(tau_user=None, tau_memory=None, pseudo_update=True, mask_prompt=True)
    session = begin(policy, scores={1: 0.1, 2: 0.35})
    shifted.rows = lambda y: slice(y - 1, y + 3)
    session.track(stop=4)
    assert (session.store.masks.stored(3) == 1).sum() == 20
    assert shifted.asked[0][1]  # the tracker's mask went along


def test_the_published_script_shows_the_plain_mask(begin, shifted):
    session = begin(Policy(tau_user=None, output="plain"), scores={1: 0.1, 2: 0.35})
    shifted.rows = lambda y: slice(y - 1, y + 3)
    events = list(session.run())
    assert of(Corrected, events) == [2]
    assert (session.store.masks.stored(2) == 1).sum() == 25
    assert session.store.ledger.row(1, 2).origin == Origin.MACHINE


def test_doubt_moves_the_pseudo_click_unless_the_centre_is_wanted(begin, tracker, shifted):
    """The left half of the object is less sure than the right one."""
    step = tracker.step

    def half_sure(frame):
        probabilities = step(frame)
        if round(float(frame.max()) * 255) - 1 == 2:
            probabilities[:, :, :7] = 0.1 * probabilities[:, :, :7] + 0.45
        return probabilities

    tracker.step = half_sure
    for click, x in (("weighted", 7.0), ("centre", 6.0)):
        session = begin(Policy(tau_user=None, pseudo_click=click), scores={1: 0.1, 2: 0.1})
        session.track(stop=4)
        assert shifted.asked[0][0][0].x == x


def test_a_negative_pseudo_click_lies_where_the_object_might_be_too(begin, tracker, shifted):
    step = tracker.step

    def seen_twice(frame):
        probabilities = step(frame)
        probabilities[:, 20, 20] = torch.tensor([0.6, 0.4])
        return probabilities

    tracker.step = seen_twice
    for wanted in (False, True):
        policy = Policy(tau_user=None, negative_clicks=wanted)
        session = begin(policy, scores={1: 0.1, 2: 0.35})
        session.track(stop=4)
        clicks, _ = shifted.asked[0]
        assert clicks[1:] == ((Click(20.0, 20.0, positive=False),) if wanted else ())


@pytest.mark.parametrize("check", [True, False])
def test_an_implausible_refinement_is_dropped_unless_wanted(begin, shifted, check):
    session = begin(Policy(tau_user=None, check=check), scores={1: 0.1, 2: 0.35})
    shifted.rows = lambda y: slice(0, 24)  # the whole column
    (event,) = [event for event in session.run() if isinstance(event, Corrected)]
    assert event.accepted is not check
    assert (session.store.masks.stored(2) == 1).sum() == (25 if check else 24 * 5)


def test_memory_scope_object_keeps_the_sure_ones(begin, tracker):
    off = {"tau_user": None, "tau_pseudo": None, "tau_memory": 0.5}
    session = begin(Policy(**off, memory_scope="object"), scores={})
    session.click(0, 18, 4, label=2)
    tracker.sure.update({(t, 1): sure_for(0.9 * math.log(2) / math.log(3), 2) for t in (3, 4)})
    tracker.sure[3, 1] = tracker.sure[4, 1] = 0.51
    session.policy = Policy(tau_user=None, tau_pseudo=None, tau_memory=0.6, memory_scope="object")
    session.track()
    assert tracker.remembered[2] == (1, 2)
    assert tracker.remembered[3] == tracker.remembered[4] == (2,)
    session.policy = Policy(**off)
    session.track(1, 9)
    assert tracker.remembered[3] == tracker.remembered[4] == ()


def test_an_open_call_is_kept_until_it_is_answered(begin):
    session = begin()
    session.track()
    (call,) = session.calls
    assert (call.t, call.label) == (5, 1)
    assert (call.score, call.rise) == (pytest.approx(0.9, abs=1e-3), pytest.approx(0.55, abs=1e-3))
    request = session.request(call)
    assert session.store.masks.stored(5)[request.y, request.x] == 1
    assert session.reach(1, 5) == (5, 9)
    request.click(10, 9)
    assert session.calls == ()
    assert session.store.ledger.row(1, 5).call == Call.ANSWERED
    session.undo()
    assert session.calls == (call,)


@pytest.mark.parametrize("prompt", [False, True])
def test_a_mask_that_was_asked_about_does_not_go_to_the_refiner(begin, shifted, prompt):
    session = begin(Policy(tau_pseudo=None, mask_prompt=prompt))
    answered(session)
    assert [given for _, given in shifted.asked] == [prompt]
    session.click(5, 10, 9)  # what a person made is trusted
    session.click(4, 10, 9)  # and so is a mask that nobody asked about
    assert [given for _, given in shifted.asked[1:]] == [True, True]


def test_it_is_fine_and_nothing_is_asked_for_a_while(begin):
    every_frame = {t: 0.1 if t % 2 else 0.9 for t in range(1, 9)}  # asked in 2, 4, 6, 8
    session = begin(Policy(patience=3), every_frame)
    asked = []
    for event in session.run():
        if isinstance(event, HelpRequest):
            asked.append(event.t)
            before = session.store.masks.stored(event.t).copy()
            event.fine()
            np.testing.assert_array_equal(session.store.masks.stored(event.t), before)
    assert asked == [2, 6]
    assert session.calls == ()
    assert session.status.todo == 0  # nothing became stale


def test_fine_answers_the_calls_of_the_next_frames_too(begin):
    session = begin(Policy(patience=3), {t: 0.1 if t % 2 else 0.9 for t in range(1, 9)})
    session.track()
    assert sorted(call.t for call in session.calls) == [2, 4, 6, 8]
    session.confirm(1, 4)
    assert sorted(call.t for call in session.calls) == [2, 8]
    session.undo()
    assert sorted(call.t for call in session.calls) == [2, 4, 6, 8]


def test_an_object_that_is_not_here_is_looked_for(begin, tracker):
    session = begin()
    session.track(stop=5)
    session.mark_absent(1, 4)
    assert session.state(1, 4) == State.ABSENT
    assert tracker.commits[-1] == (4, True)
    assert tracker.remembered[4] == (1,)
    events = list(session.run())
    assert of(FrameResult, events) == [5, 6, 7, 8]
    assert of(HelpRequest, events) == []
    assert [session.state(1, t) for t in (5, 8)] == [State.ABSENT] * 2  # it found nothing
    session.undo(), session.undo()
    assert session.state(1, 4) == State.TRACKED


def test_a_return_is_told_and_not_asked_about(begin, tracker):
    session = begin(Policy(tau_memory=None, absent_after=2), {})
    keep = tracker.commit

    def remember_only_what_is_seen(t, frame, probabilities, labels, **how):
        seen = None if t in (3, 4, 5) else probabilities
        keep(t, frame, seen, labels, **how)

    tracker.commit = remember_only_what_is_seen
    tracker.sure.update({3: 0.3, 4: 0.3, 5: 0.3, 6: sure_for(0.9)})
    events = list(session.run())
    assert [session.state(1, t) for t in (2, 3, 4, 5, 6)] == [
        State.TRACKED, State.ABSENT, State.ABSENT, State.ABSENT, State.TRACKED,
    ]  # fmt: skip
    (back,) = [event for event in events if isinstance(event, WelcomeBack)]
    assert (back.t, back.label, back.last_seen) == (6, 1, 2)
    assert of(HelpRequest, events) == []
    session.policy = Policy(tau_memory=None, absent_after=None)
    assert of(HelpRequest, session.run(1, 9)) == [6]  # as published: a rise from nothing


def test_the_end_of_an_object_is_an_answer(begin):
    session = begin()
    for event in session.run():
        if isinstance(event, HelpRequest):
            event.end()
    assert session.state(1, 5) == State.ENDED
    assert session.state(1, 8) == State.ENDED
    assert not session.store.masks.stored(8).any()


def test_a_mask_is_an_answer(begin):
    session = begin()
    mask = np.zeros((24, 24), bool)
    mask[8:13, 15:20] = True
    for event in session.run():
        if isinstance(event, HelpRequest):
            event.mask(mask)
    np.testing.assert_array_equal(session.store.masks.stored(5) == 1, mask)
    np.testing.assert_array_equal(session.store.masks.stored(8) == 1, np.roll(mask, 3, axis=1))


def test_callbacks_answer_too(begin):
    session = begin()
    seen = []
    session.track(on_event=seen.append)
    assert of(HelpRequest, seen) == [5]
    assert of(FrameResult, seen) == EVERY
    run = session.start(1, 9, on_event=seen.append)
    run.wait(30)
    assert of(HelpRequest, seen) == [5, 5]


def test_backwards_the_rise_is_from_the_frame_after(begin, tracker):
    session = begin(scores={})
    session.remove_object(1)
    session.click(8, 10, 12)
    tracker.sure.update({7: sure_for(0.1), 6: sure_for(0.1), 5: sure_for(0.9), 4: sure_for(0.9)})
    assert of(HelpRequest, session.run(direction="backward")) == [5]


def test_the_uncertainty_is_a_choice(begin, tracker):
    """Two predictions that are sure of different things: each certain, together not."""

    def samples():
        here = torch.zeros(2, 24, 24)
        here[0], here[1, 8:13, 4:9] = 1, 1
        here[0, 8:13, 4:9] = 0
        nowhere = torch.zeros(2, 24, 24)
        nowhere[0] = 1
        yield from (here, nowhere)

    session = begin(Policy(tau_pseudo=None, tau_memory=None, uncertainty="epistemic"), {})
    with pytest.raises(LazyVosError, match="needs several predictions of a frame"):
        session.track()
    tracker.samples = samples
    session.track(stop=3)
    overlap = 4 / 5  # of the object in frame 1 and of what the samples disagree on
    assert session.store.ledger.scores(1)[1] == pytest.approx(overlap, abs=1e-6)


def test_the_quality_that_a_tracker_gives_its_masks_is_a_choice(begin, tracker):
    session = begin(Policy(tau_pseudo=None, tau_memory=None, uncertainty="quality"), {})
    with pytest.raises(LazyVosError, match=r"rightward says nothing of them: choose .* or qdmn"):
        session.track()
    qualities = iter([{1: 0.9}, {1: 0.9}, {1: 0.3}, {}])
    tracker.quality = lambda: next(qualities)
    assert of(HelpRequest, session.run(stop=5)) == [3]
    assert session.store.ledger.scores(1)[1:5] == pytest.approx([0.1, 0.1, 0.7, 0.0], abs=1e-6)
    # What is shown is the entropy: the object is as sure there as it was.
    assert session.store.uncertainty.stored(3).max() == session.store.uncertainty.stored(2).max()
