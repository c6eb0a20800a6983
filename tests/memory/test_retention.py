"""The two plain rules, by hand."""

from __future__ import annotations

import pytest
import torch

from napari_lazyvos.memory.retention import FirstInFirstOut, KeepAll, Remembered


def frame(t, *, permanent=False):
    return Remembered(t, permanent, {1: torch.zeros(4, 2)})


def test_all_are_kept():
    kept = []
    for t in range(5):
        assert KeepAll().admit(kept, frame(t)) == t
        kept.append(frame(t))


def test_the_latest_are_kept_and_the_permanent_ones():
    rule, kept = FirstInFirstOut(3), []
    for t in range(6):
        new = frame(t, permanent=t in (0, 3))
        place = rule.admit(kept, new)
        kept[place : place + 1] = []
        kept.append(new)
    assert [each.t for each in kept] == [0, 3, 5]


def test_permanent_frames_may_be_more_than_there_is_room_for():
    rule, kept = FirstInFirstOut(2), [frame(0, permanent=True), frame(1, permanent=True)]
    assert rule.admit(kept, frame(2)) is None
    assert rule.admit(kept, frame(2, permanent=True)) == 2


@pytest.mark.parametrize("rule", [KeepAll(), FirstInFirstOut(2)])
def test_they_know_nothing_that_could_be_packed(rule):
    kept = [frame(0)]
    rule.renew(kept, 0)
    rule.forget(0)
    rule.unpack(rule.pack())
    assert rule.pack() == {}
    assert rule.admit(kept, frame(1)) == 1
