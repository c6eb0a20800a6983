"""Which frames are to be tracked, against the rule applied frame by frame."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.lazy.plan import BACKWARD, FORWARD, Plan, live_frames
from napari_lazyvos.store.ledger import Origin, State

HUMAN_MASK = (State.TRACKED, Origin.HUMAN)
HUMAN_END = (State.ENDED, Origin.HUMAN)
MACHINE = (State.TRACKED, Origin.MACHINE)
NOTHING = (State.UNTRACKED, Origin.NONE)

histories = st.lists(st.sampled_from([HUMAN_MASK, HUMAN_END, MACHINE, NOTHING]), max_size=20)


@given(histories)
def test_an_object_is_live_from_a_mask_to_the_mark_that_it_ended(history):
    states = np.array([state for state, _ in history], np.uint8)
    origins = np.array([origin for _, origin in history], np.uint8)
    live, expected = False, []
    for cell in history:
        live = cell == HUMAN_MASK or (live and cell != HUMAN_END)
        expected.append(live)
    assert live_frames(states, origins, FORWARD).tolist() == expected
    mirrored = live_frames(states[::-1], origins[::-1], BACKWARD)
    assert mirrored[::-1].tolist() == expected


@given(st.sets(st.integers(0, 60), min_size=1), st.sampled_from([FORWARD, BACKWARD]))
def test_a_route_walks_over_short_gaps_and_jumps_over_long_ones(todo, direction):
    frames = np.array(sorted(todo))
    active = {1: np.isin(np.arange(61), frames)}
    plan = Plan(direction, active, frames, 0)
    route = plan.route().tolist()
    assert todo <= set(route)
    steps = np.diff(route) * direction
    assert ((steps == 1) | (steps > 8)).all()
    assert set(route) - todo == {t for t in route if plan.labels_at(t) == ()}


@given(st.sets(st.integers(0, 30)))
def test_intervals_are_the_active_frames(todo):
    active = {1: np.isin(np.arange(31), list(todo))}
    plan = Plan(FORWARD, active, np.array(sorted(todo)), 0)
    assert {t for start, stop in plan.intervals(1) for t in range(start, stop)} == todo
