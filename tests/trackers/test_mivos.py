"""MiVOS as a tracker, against whole clips that the authors' code tracked with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.mivos import MivosNet

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(MivosNet())


def load(weights, **options):
    return trackers.load("mivos", weights=weights, device="cpu", **{"size": -1} | options)


def give(parity, tracker, clip, t, labels=(1, 2)):
    masks = one_hot(parity.clips[f"{clip}_labels"][t], labels, CPU)
    tracker.commit(t, parity.frame(clip, t), masks, labels, permanent=True)


@pytest.mark.parametrize("name", ["main", "padded"])
def test_the_first_round_is_as_published(parity, weights, name):
    case, golden = parity.cases("mivos")[name], parity.golden("mivos")
    options = {key: case["config"][key] for key in ("top_k", "mem_freq")}
    tracker, clip = load(weights, **options), case["clip"]
    give(parity, tracker, clip, 0)
    published = golden[f"{name}__prob_round1"]
    for t in range(1, len(published)):
        frame = parity.frame(clip, t)
        found = tracker.step(frame)
        assert np.abs(found[1:].numpy() - published[t]).max() < 1e-3
        tracker.commit(t, frame, found, (1, 2))
    assert np.abs(found.numpy() - golden[f"{name}__prob_round1_last"]).max() < 5e-4


def test_what_follows_a_second_annotation_is_as_published(parity, weights):
    """Beyond the frame of the second round nothing is fused."""
    case, golden = parity.cases("mivos")["main"], parity.golden("mivos")
    options = {key: case["config"][key] for key in ("top_k", "mem_freq")}
    tracker = load(weights, **options)
    for t in (0, 8):
        give(parity, tracker, "main", t)
    published = golden["main__prob_round2"]
    for t in range(9, len(published)):
        frame = parity.frame("main", t)
        found = tracker.step(frame)
        assert np.abs(found[1:].numpy() - published[t]).max() < 1e-3
        tracker.commit(t, frame, found, (1, 2))
    assert np.abs(found.numpy() - golden["main__prob_round2_last"]).max() < 5e-4


def test_each_object_has_keys_of_its_own(parity, weights):
    tracker = load(weights, size=48)
    give(parity, tracker, "main", 0)
    before = tracker.snapshot()["memory"]["frames"][0]["cells"]
    assert before.keys() == {1, 2}
    assert not torch.equal(before[1]["keys"], before[2]["keys"])
    tracker.forget(1)
    after = tracker.snapshot()["memory"]["frames"][0]["cells"]
    assert after.keys() == {2}
    assert torch.equal(after[2]["keys"], before[2]["keys"])
    assert tracker.step(parity.frame("main", 1)).shape == (2, 112, 144)


def test_passes_go_backwards(parity, weights):
    tracker = load(weights, size=48, mem_freq=2)
    give(parity, tracker, "main", 11)
    for t in range(10, 4, -1):
        frame = parity.frame("main", t)
        tracker.commit(t, frame, tracker.step(frame), (1, 2))
    assert tracker.memory_frames == (5, 7, 9, 11)


def test_xmems_memory_is_refused_with_those_that_there_are(weights):
    with pytest.raises(LazyVosError, match=r"'xmem', and the tracker mivos .*: choose one of all,"):
        load(weights, memory="xmem")
