"""QDMN's rule of retention."""

from __future__ import annotations

import io
import math

import torch

from napari_lazyvos.memory.quality import KeepGood
from napari_lazyvos.memory.retention import Remembered


def frame(t, *qualities, permanent=False):
    by_label = dict(enumerate(qualities, start=1)) or None
    return Remembered(t, permanent, {0: torch.zeros(1, 1)}, by_label)


def play(rule, frames):
    """Return the numbers of the frames that are in memory in the end."""
    kept = []
    for new in frames:
        place = rule.admit(kept, new)
        if place is not None:
            kept = [*kept[:place], *kept[place + 1 :], new]
    return [each.t for each in kept]


def test_bad_frames_do_not_enter():
    frames = [frame(0, 1.0, 0.8, permanent=True), frame(1, 0.9, 0.6), frame(2, 0.9, 0.5)]
    assert play(KeepGood(), frames) == [0, 1]  # 0.75 is more than 0.8 of 0.9, and 0.7 is less


def test_objects_that_were_not_there_at_first_do_not_count():
    frames = [frame(0, 1.0, 0.0, permanent=True), frame(1, 0.9, 0.6), frame(2, 0.9, 0.9)]
    assert play(KeepGood(), frames) == [0, 2]


def test_what_a_person_gave_enters_in_any_case():
    frames = [frame(0, 1.0, permanent=True), frame(1, 0.1, permanent=True)]
    assert play(KeepGood(), frames) == [0, 1]


def test_where_nothing_is_known_nothing_speaks_against_a_frame():
    assert play(KeepGood(), [frame(0, permanent=True), frame(1), frame(2, 0.5)]) == [0, 1]


def test_of_a_full_memory_the_frame_with_the_least_worth_leaves():
    rule = KeepGood(size=4)
    qualities = (0.90, 0.95, 0.85)
    frames = [frame(0, 1.0, permanent=True)]
    frames += [frame(t, q) for t, q in enumerate(qualities, start=1)]
    assert play(rule, frames) == [0, 1, 2, 3]
    # Frame 3 is worst, but entered last: exp(-1) speaks for it.
    worth = [q + math.exp(-age) for q, age in zip(qualities, (3, 2, 1), strict=True)]
    assert min(worth) == worth[0]
    assert rule.admit(frames, frame(4, 0.9)) == 1


def test_age_counts_what_entered_and_not_what_was_seen():
    late, early = KeepGood(size=3), KeepGood(size=3)
    start = [frame(0, 1.0, permanent=True), frame(1, 0.99)]
    refused = [frame(t, 0.1) for t in range(2, 50)]
    then = [frame(50, 0.9), frame(51, 0.95)]
    # exp(-2) + 0.99 is less than exp(-1) + 0.9 in both.
    assert play(late, start + refused + then) == play(early, start + then) == [0, 50, 51]


def test_it_never_holds_more_than_its_size_unless_all_is_permanent():
    rule = KeepGood(size=3)
    frames = [frame(t, 1.0, permanent=t % 10 == 0) for t in range(60)]
    assert play(rule, frames) == [0, 10, 20, 30, 40, 50]
    assert len(play(KeepGood(size=8), frames)) == 8


def test_what_was_packed_decides_alike():
    one, other = KeepGood(size=3), KeepGood(size=3)
    frames = [frame(0, 1.0, permanent=True)]
    one.admit([], frames[0])
    for t, quality in ((1, 0.99), (2, 0.9)):
        assert one.admit(frames, frame(t, quality)) == len(frames)
        frames.append(frame(t, quality))
    file = io.BytesIO()
    torch.save(one.pack(), file)
    file.seek(0)
    other.unpack(torch.load(file, weights_only=True))
    assert one.admit(frames, frame(5, 0.95)) == other.admit(frames, frame(5, 0.95))


def test_frames_of_which_nothing_is_noted_entered_in_their_order():
    rule = KeepGood(size=3)
    kept = [frame(0, 1.0, permanent=True), frame(3, 0.95), frame(9, 0.9)]
    assert rule.admit(kept, frame(10, 1.0)) == 1
    rule.forget(1)
    assert rule.pack() == {"entered": (0, 3)}
