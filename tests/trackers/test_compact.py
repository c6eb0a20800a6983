"""The bundled tracker: what is its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.memory.keeping import Keeping
from napari_lazyvos.trackers.compact import tracker as compact
from napari_lazyvos.uncertainty import spread


def frames(*, tint):
    """Return two (3, 96, 96) frames of a textured square that moves; grey but for the tint."""
    rng = np.random.default_rng(0)
    ground, square = rng.random((96, 96)) * 0.4, 0.6 + rng.random((32, 32)) * 0.4
    made = []
    for left in (30, 33):
        grey = ground.copy()
        grey[30:62, left : left + 32] = square
        made.append(np.stack([grey, grey, np.clip(grey + tint, 0, 1)]).astype(np.float32))
    return made


def tracked(tint):
    first, second = frames(tint=tint)
    tracker = trackers.load("compact", device="cpu")
    masks = torch.zeros(2, 96, 96)
    masks[1, 30:62, 30:62] = 1
    masks[0] = 1 - masks[1]
    tracker.commit(0, first, masks, (1,), permanent=True)
    return tracker.step(second)


@pytest.mark.parametrize(("tint", "which"), [(0.0, "GREY"), (0.005, "GREY"), (0.1, "COLOUR")])
def test_grey_films_have_a_belief_of_their_own(monkeypatch, tint, which):
    before = tracked(tint)
    other = "COLOUR" if which == "GREY" else "GREY"
    monkeypatch.setattr(compact, f"BELIEF_IN_{other}", 0.0)
    assert torch.equal(tracked(tint), before)
    monkeypatch.setattr(compact, f"BELIEF_IN_{which}", 0.0)
    assert not torch.equal(tracked(tint), before)


def test_it_follows_what_moves():
    found = tracked(0.0).argmax(0) == 1
    truth = torch.zeros(96, 96, dtype=torch.bool)
    truth[30:62, 33:65] = True
    assert (found & truth).sum() / (found | truth).sum() > 0.85


def test_in_doubt_a_pixel_is_the_objects(monkeypatch):
    leaning = tracked(0.1)[1]
    monkeypatch.setattr(compact, "LEAN", 0.0)
    upright = tracked(0.1)[1]
    assert (leaning >= upright).all()
    in_doubt = (upright > 0.1) & (upright < 0.9)
    assert in_doubt.any()
    assert (leaning > upright)[in_doubt].all()


def test_as_many_objects_as_a_byte_has_labels():
    rng = np.random.default_rng(0)
    frame = rng.random((3, 160, 160), dtype=np.float32) * 0.3
    labels = np.zeros((160, 160), np.uint8)
    for n in range(255):
        y, x = 10 * (n // 16), 10 * (n % 16)
        labels[y + 2 : y + 8, x + 2 : x + 8] = n + 1
        frame[:, y + 2 : y + 8, x + 2 : x + 8] += rng.random((3, 1, 1), dtype=np.float32) * 0.7
    known = tuple(range(1, 256))
    tracker = trackers.load("compact", device="cpu")
    tracker.commit(0, frame, one_hot(labels, known, torch.device("cpu")), known, permanent=True)
    found = tracker.step(frame)
    assert found.shape == (256, 160, 160)
    assert (found.argmax(0).numpy() == labels).mean() > 0.9


def test_a_small_object_in_a_very_large_frame():
    rng = np.random.default_rng(0)
    frame = np.full((3, 4000, 6000), 0.2, np.float32)
    spot = 0.5 + 0.5 * rng.random((3, 60, 60), dtype=np.float32)
    masks = torch.zeros(2, 4000, 6000)
    masks[1, 3000:3060, 5000:5060] = 1
    masks[0] = 1 - masks[1]
    frame[:, 3000:3060, 5000:5060] = spot
    tracker = trackers.load("compact", device="cpu", size=-1)
    tracker.commit(0, frame, masks, (1,), permanent=True)
    found = tracker.step(frame).argmax(0) == 1
    assert (found & (masks[1] > 0)).sum() / (found | (masks[1] > 0)).sum() > 0.8


def test_an_object_that_leaves_at_once_is_gone():
    first, _ = frames(tint=0.1)
    tracker = trackers.load("compact", device="cpu")
    masks = torch.zeros(2, 96, 96)
    masks[1, 30:62, 30:62] = 1
    masks[0] = 1 - masks[1]
    tracker.commit(0, first, masks, (1,), permanent=True)
    empty = first.copy()
    empty[:, 30:62, 30:62] = first[:, 64:96, 30:62]
    for t in range(1, 4):
        found = tracker.step(empty)
        assert found.isfinite().all()
        tracker.commit(t, empty, found, (1,))
    assert (found.argmax(0) == 1).sum() < 0.2 * 32 * 32


def stepped(**options):
    """Return a tracker that has predicted a frame, its prediction, and the frame."""
    first, second = frames(tint=0.1)
    tracker = trackers.load("compact", device="cpu", **options)
    masks = torch.zeros(2, 96, 96)
    masks[1, 30:62, 30:62] = 1
    masks[0] = 1 - masks[1]
    tracker.commit(0, first, masks, (1,), permanent=True)
    return tracker, tracker.step(second), second


def test_samples_drop_channels_of_the_queries():
    tracker, found, frame = stepped(passes=3)
    samples = list(tracker.samples())
    assert len(samples) == 3
    assert all(sample.shape == found.shape for sample in samples)
    assert not torch.equal(samples[0], samples[1])
    assert all(torch.equal(a, b) for a, b in zip(samples, tracker.samples(), strict=True))
    total, epistemic = spread(samples)
    assert 0 < float(epistemic.mean()) < float(total.mean())
    assert torch.equal(tracker.step(frame), found)  # nothing has changed


def test_samples_without_dropout_are_the_plain_prediction():
    tracker, found, _ = stepped(dropout=0, passes=2)
    assert all(torch.equal(sample, found) for sample in tracker.samples())


def test_without_a_frame_there_is_nothing_to_sample():
    tracker, found, frame = stepped()
    tracker.commit(1, frame, found, (1,))
    with pytest.raises(LazyVosError, match="nothing to sample"):
        tracker.samples()


def kept_after(frames, **options):
    """Return a tracker that has passed so many frames, and which of them it looks up anywhere."""
    tracker = trackers.load("compact", device="cpu", **options)
    rng = np.random.default_rng(0)
    ground, spot = rng.random((3, 64, 64)) * 0.4, 0.6 + rng.random((3, 24, 24)) * 0.4
    for t in range(frames):
        frame = ground.astype(np.float32)
        left = 4 + t % 30
        frame[:, 20:44, left : left + 24] = spot
        given = None
        if t in (0, 20):
            labels = np.zeros((64, 64), np.uint8)
            labels[20:44, left : left + 24] = 1
            given = one_hot(labels, (1,), torch.device("cpu"))
        found = tracker.step(frame) if given is None else given
        tracker.commit(t, frame, found, (1,), permanent=given is not None)
    return tracker, [each["t"] for each in tracker.snapshot()["mind"]["cells"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 20, 31, 36, 41]),
        ({"memory_size": 2}, [0, 20, 36, 41]),
        ({"memory": "all"}, [0, 5, 10, 15, 20, 21, 26, 31, 36, 41]),
    ],
)
def test_which_frames_are_looked_up_anywhere(options, expected):
    assert kept_after(43, **options)[1] == expected


def test_the_frames_that_differ_most_can_be_looked_up_and_taken_over():
    tracker, kept = kept_after(43, memory="readmem", memory_size=2)
    assert {0, 20} <= set(kept)
    assert len(kept) <= 5
    other = trackers.load("compact", device="cpu", memory="readmem", memory_size=2)
    plain = trackers.load("compact", device="cpu", memory_size=1)
    for each in (other, plain):
        each.restore(tracker.snapshot())
    frame, _ = frames(tint=0.1)
    frame = np.ascontiguousarray(frame[:, :64, :64])
    assert torch.equal(other.step(frame), tracker.step(frame))
    assert len(plain.snapshot()["mind"]["cells"]) <= 3


def test_a_frame_that_readmem_refuses_is_not_offered_again_at_once():
    mind = compact.CompactMind(0.0, 1.0, 1.0, Keeping("readmem", 2))
    keys = torch.eye(4)
    masks = torch.ones(2, 4) / 2
    mind.add(compact.Cells(0, keys, masks, (1,), permanent=True))
    mind.add(compact.Cells(5, -keys, masks, (1,), permanent=False))
    assert [each.t for each in mind.cells] == [0]
    assert not mind.is_due(9, 5)
    assert mind.is_due(10, 5)


def test_what_was_kept_of_a_frame_is_replaced_where_it_is():
    mind = compact.CompactMind(0.0, 1.0, 1.0, Keeping("readmem", 2))
    keys = torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(0)) + 1
    masks = torch.ones(2, 4) / 2
    for n, t in enumerate((0, 5, 10)):
        mind.add(compact.Cells(t, keys[n], masks, (1,), permanent=t == 0))
    mind.add(compact.Cells(5, keys[3], masks, (1,), permanent=True))
    mind.add(compact.Cells(0, keys[0], masks, (1,), permanent=False))
    assert [(each.t, each.permanent) for each in mind.cells] == [
        (0, True), (5, True), (10, False)
    ]  # fmt: skip
    assert torch.equal(mind.cells[1].keys, keys[3])
    fresh = compact.CompactMind(0.0, 1.0, 1.0, Keeping("readmem", 2))
    for each in mind.cells:
        fresh.add(each)
    torch.testing.assert_close(mind.rule.pack()["gram"], fresh.rule.pack()["gram"])
