"""What was seen is found again, within bounds, and changes no result."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos import trackers
from napari_lazyvos.nets.stcn import Key, StcnNet
from napari_lazyvos.trackers.encodings import Encodings, nbytes
from napari_lazyvos.trackers.protocol import CachingTracker


def picture(number: int) -> np.ndarray:
    return np.full((2, 3), number, np.float32)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 5))
def test_it_keeps_no_more_than_it_may_and_returns_what_was_made(asked, most):
    encodings = Encodings(limit=most * 24)
    for number in asked:
        found = encodings.get((picture(number),), lambda n=number: torch.from_numpy(picture(n)))
        assert torch.equal(found, torch.from_numpy(picture(number)))
        assert encodings.bytes == 24 * len(encodings) <= encodings.limit
    assert len(encodings) == min(most, len(set(asked)))


def test_the_same_pictures_are_seen_once():
    encodings, made = Encodings(), []

    def see() -> torch.Tensor:
        made.append(1)
        return torch.zeros(4)

    for pictures in [(picture(1),), (picture(1), picture(2)), (picture(2), picture(1))] * 2:
        encodings.get(pictures, see)
    assert len(made) == 3
    encodings.get((picture(1).astype(np.float64),), see)
    encodings.get((picture(1).reshape(3, 2),), see)
    assert len(made) == 5
    encodings.clear()
    assert (len(encodings), encodings.bytes) == (0, 0)
    encodings.get((picture(1),), see)
    assert len(made) == 6


def test_a_second_walk_over_a_stretch_that_is_too_long_still_finds_some():
    encodings, made = Encodings(limit=24 * 8), []
    for number in [*range(10)] * 10:
        encodings.get((picture(number),), lambda: made.append(1) or torch.zeros(6))
    assert len(made) < 70


def test_what_is_kept_is_counted_wherever_it_lies():
    key = Key(*(torch.zeros(k) for k in (1, 2, 3)), (torch.zeros(4), torch.zeros(5)))
    assert nbytes(key) == 4 * 15


def test_a_second_round_is_the_same_and_looks_at_nothing_anew(parity):
    tracker = trackers.load("stcn", device="cpu", weights=parity.weights(StcnNet()), size=48)
    assert isinstance(tracker, CachingTracker)
    assert tracker.encodings is None
    plain = walk(parity, tracker)
    tracker.encodings = Encodings()
    first = walk(parity, tracker)
    kept = len(tracker.encodings)
    again = walk(parity, tracker)
    assert kept
    assert len(tracker.encodings) == kept
    for one, other, third in zip(plain, first, again, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one, third)


def walk(parity, tracker) -> list[torch.Tensor]:
    """Return what a tracker predicts in a few frames, from an empty memory on."""
    tracker.restore({})
    mask = torch.from_numpy((parity.clips["main_labels"][0] == 1).astype(np.float32))
    tracker.commit(0, parity.frame("main", 0), torch.stack([1 - mask, mask]), (1,), permanent=True)
    found = []
    for t in range(1, 4):
        frame = parity.frame("main", t)
        found.append(tracker.step(frame))
        tracker.commit(t, frame, found[-1], (1,))
    return found
