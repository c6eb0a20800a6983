"""STCN as a tracker, against whole clips that the authors' code tracked with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.stcn import StcnNet

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(StcnNet())


def load(weights, **options):
    return trackers.load("stcn", weights=weights, device="cpu", **{"size": -1} | options)


def started(parity, weights, labels=(1, 2), **options):
    tracker = load(weights, **options)
    masks = one_hot(parity.clips["main_labels"][0], labels, CPU)
    tracker.commit(0, parity.frame("main", 0), masks, labels, permanent=True)
    return tracker


@pytest.mark.parametrize("name", ["main", "include_last", "object_added", "padded"])
def test_whole_clips_are_tracked_as_published(parity, weights, name):
    case, golden = parity.cases("stcn")[name], parity.golden("stcn")
    options = {key: value for key, value in case["config"].items() if key != "core"}
    tracker = load(weights, **options)
    published, last = golden[f"{name}__prob"], golden[f"{name}__prob_last"]
    for t in range(case["frames"]):
        frame = parity.frame(case["clip"], t)
        found = tracker.step(frame) if t else None
        if str(t) in case["masks_given"]:
            labels = tuple(case["masks_given"][str(t)])
            given = one_hot(parity.clips[f"{case['clip']}_labels"][t], labels, CPU)
            tracker.commit(t, frame, given, labels, permanent=True)
        elif t < case["frames"] - 1:
            tracker.commit(t, frame, found, tracker.labels)
            known = len(tracker.labels)
            assert np.abs(found[1:].numpy() - published[t, :known]).max() < 1e-3
        else:
            assert np.abs(found.numpy() - last).max() < 5e-4


def test_the_last_frame_is_read_but_not_among_those_that_stay(parity, weights):
    plain, with_last = (
        started(parity, weights, include_last=last, mem_every=3) for last in (False, True)
    )
    for tracker in (plain, with_last):
        for t in (1, 2):
            frame = parity.frame("main", t)
            tracker.commit(t, frame, tracker.step(frame), (1, 2))
        assert tracker.memory_frames == (0,)
    frame = parity.frame("main", 3)
    before = with_last.step(frame)
    assert not torch.equal(plain.step(frame), before)
    other = load(weights, include_last=True, mem_every=3)
    other.restore(with_last.snapshot())
    assert torch.equal(other.step(frame), before)
    with_last.commit(3, frame, None, (1, 2))  # what is not to be remembered is not held either
    assert torch.equal(with_last.step(frame), before)


def test_frames_that_shall_not_be_remembered_put_off_what_is_due(parity, weights):
    tracker = started(parity, weights, labels=(1,), mem_every=3, size=64)
    for t in range(1, 9):
        frame = parity.frame("main", t)
        found = tracker.step(frame)
        tracker.commit(t, frame, None if t in (3, 5) else found, (1,))
    assert tracker.memory_frames == (0, 4, 8)


def test_xmems_memory_keeps_prototypes_of_what_leaves(parity, weights):
    tracker = started(parity, weights, memory="xmem", include_last=True, mem_every=1, size=48)
    for t in range(1, 11):
        frame = parity.frame("main", t)
        found = tracker.step(frame)
        assert torch.isfinite(found).all()
        tracker.commit(t, frame, found, (1, 2))
    assert tracker.memory_frames == (0, 6, 7, 8, 9, 10)
    memory = tracker.snapshot()["memory"]
    assert len(memory["prototypes"]["keys"]) == 60  # all places of five frames of 3 x 4
    assert memory["prototypes"]["shrinkage"] is None
    tracker.commit(10, frame, found, (1, 2))  # in memory already
    assert tracker.snapshot()["memory"]["held"] is None


def test_weights_of_another_network_are_refused(weights):
    others = {name: each for name, each in weights.items() if "key_comp" not in name}
    with pytest.raises(LazyVosError, match="not of the network StcnNet"):
        load(others)
