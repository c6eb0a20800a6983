"""One option for all matching trackers: which frames they remember."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers.protocol import RatingTracker
from napari_lazyvos.uncertainty import entropy, region_scores

CPU = torch.device("cpu")
NETS = {"xmem": XMemNet, "stcn": StcnNet, "mivos": MivosNet, "qdmn": MivosNet}


@cache
def untrained(net):
    torch.manual_seed(0)
    return net().state_dict()


def load(name, **options):
    weights = untrained(NETS[name]) if name in NETS else None
    return trackers.load(name, weights=weights, device="cpu", **options)


def frame_at(t):
    """A coloured square on its way over a slowly changing ground, (3, 32, 48)."""
    ground = np.random.default_rng(t // 10).random((3, 32, 48), dtype=np.float32)
    ground[:, 8:24, t % 30 : t % 30 + 16] = np.array([0.9, 0.5, 0.1], np.float32)[:, None, None]
    return ground


def mask_at(t):
    labels = np.zeros((32, 48), np.uint8)
    labels[8:24, t % 30 : t % 30 + 16] = 1
    return labels


def start(tracker, t=0):
    tracker.commit(t, frame_at(t), one_hot(mask_at(t), (1,), CPU), (1,), permanent=True)


def run(tracker, times):
    found = []
    for t in times:
        frame = frame_at(t)
        found.append(tracker.step(frame))
        tracker.commit(t, frame, found[-1], tracker.labels)
    return found


@pytest.mark.parametrize(
    ("name", "memory", "frames"),
    [("stcn", "readmem", 60), ("mivos", "readmem", 24), ("xmem", "fifo", 60)],
)
def test_memory_has_a_constant_size_and_goes_on_from_disk(name, memory, frames):
    options = {"memory": memory, "memory_size": 4, "sampling_interval": 2}
    if memory == "readmem":
        options["readmem_bound"] = None
    tracker, sizes = load(name, **options), []
    start(tracker)
    for t in range(1, frames):
        run(tracker, [t])
        sizes.append(len(tracker.memory_frames))
    assert set(sizes[8:]) == {4}
    assert tracker.memory_frames[0] == 0
    file = io.BytesIO()
    torch.save(tracker.snapshot(), file)
    file.seek(0)
    other = load(name, **options)
    other.restore(torch.load(file, weights_only=True))
    times = range(frames, frames + 5)
    once, again = run(tracker, times), run(other, times)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert tracker.memory_frames == other.memory_frames


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stcn", {"mem_every": 3}),
        ("stcn", {"mem_every": 5, "sampling_interval": 3}),
        ("mivos", {"mem_freq": 3, "memory": "fifo", "memory_size": 9}),
        ("xmem", {"mem_every": 3, "memory": "all"}),
    ],
)
def test_frames_are_offered_at_the_trackers_cadence_or_another(name, options):
    tracker = load(name, **options)
    start(tracker)
    run(tracker, range(1, 8))
    assert tracker.memory_frames == (0, 3, 6)


def test_frames_that_readmem_refuses_are_not_offered_again_at_once():
    # No cosine is larger than 1: nothing but what a person gives may enter.
    tracker = load("stcn", memory="readmem", readmem_bound=1.5, mem_every=2)
    start(tracker)
    run(tracker, range(1, 6))
    assert tracker.memory_frames == (0,)
    assert tracker.snapshot()["state"]["last_memory"] == 4
    start(tracker, 6)
    assert tracker.memory_frames == (0, 6)


def test_with_readmem_the_last_frame_is_read_too():
    tracker = load("stcn", memory="readmem")
    start(tracker)
    run(tracker, [1])
    assert tracker.snapshot()["memory"]["held"]["t"] == 1


@pytest.mark.parametrize("name", ["stcn", "mivos", "xmem"])
@pytest.mark.parametrize("memory", ["fifo", "readmem"])
@pytest.mark.parametrize("adjacent", [False, True])
def test_whether_the_last_frame_is_read_can_be_chosen(name, memory, adjacent):
    tracker = load(name, memory=memory, adjacent=adjacent)
    start(tracker)
    run(tracker, [1])
    assert (tracker.snapshot()["memory"]["held"] is not None) == adjacent
    assert tracker.memory_frames == (0,)


def test_behind_the_bound_the_latest_frames_may_stay():
    options = {"memory": "readmem", "memory_size": 3, "mem_every": 1}
    tracker = load("stcn", readmem_bound=None, readmem_diversify=False, **options)
    start(tracker)
    run(tracker, range(1, 6))
    assert tracker.memory_frames == (0, 4, 5)
    bounded = load("stcn", readmem_bound=1.5, readmem_diversify=False, **options)
    start(bounded)
    run(bounded, range(1, 6))
    assert bounded.memory_frames == (0,)


@pytest.mark.parametrize("align", ["affinity", "fixed", "none"])
def test_each_frame_of_reference_can_be_chosen(align):
    tracker = load("mivos", memory="readmem", memory_size=3, mem_freq=1, readmem_align=align)
    start(tracker)
    run(tracker, range(1, 6))
    rule = tracker.snapshot()["memory"]["rule"]
    assert rule["gram"].shape == (3, 3)
    assert bool(rule["aligned"]) == (align == "fixed")


@pytest.mark.parametrize(
    ("before", "after"), [("all", "fifo"), ("xmem", "readmem"), ("fifo", "xmem")]
)
def test_a_memory_of_another_kind_is_taken_over(before, after):
    first, second = (
        load("xmem", memory=before, mem_every=1),
        load("xmem", memory=after, memory_size=4),
    )
    start(first)
    run(first, range(1, 12))
    second.restore(first.snapshot())
    assert second.labels == (1,)
    assert 0 in second.memory_frames
    assert len(second.memory_frames) <= (10 if after == "xmem" else 4)
    assert torch.isfinite(run(second, range(12, 14))[-1]).all()


def test_good_masks_enter_and_a_refused_frame_is_offered_again_at_once():
    tracker = load("qdmn", mem_freq=2)
    assert not tracker.predicts_quality
    start(tracker)
    sure = one_hot(mask_at(3), (1,), CPU)
    unsure = 0.45 + 0.1 * sure
    for t, masks in enumerate((sure, unsure, unsure, sure, sure, sure), start=1):
        frame = frame_at(t)
        tracker.step(frame)
        # Not 1, which would be a mask that somebody gave.
        tracker.commit(t, frame, 0.98 * masks + 0.01, (1,))
    assert tracker.memory_frames == (0, 4, 6)  # 2 was due, and 3 in its place
    quality = tracker.snapshot()["memory"]["frames"][1]["quality"]
    assert 0.8 < quality[1] < 1


def test_qdmn_says_how_good_its_masks_are():
    tracker = load("qdmn", mem_freq=1)
    with pytest.raises(LazyVosError, match="nothing to rate: predict a frame with step before"):
        tracker.quality()
    start(tracker)
    frame = frame_at(1)
    found = tracker.step(frame)
    winners = label_map(found, (1,), np.dtype(np.int32))
    (score,) = region_scores(entropy(found), winners, (1,))
    assert score > 0
    assert tracker.quality() == tracker.quality() == {1: max(0.0, 1 - score)}
    assert torch.equal(tracker.step(frame), found)  # nothing has changed
    tracker.commit(1, frame, found, (1,))
    with pytest.raises(LazyVosError, match="nothing to rate"):
        tracker.quality()
    assert isinstance(tracker, RatingTracker)
    assert not isinstance(load("mivos"), RatingTracker)


def test_the_memory_of_qdmn_may_be_another():
    tracker = load("qdmn", memory="all", mem_freq=2)
    start(tracker)
    for t in (1, 2, 3, 4):
        frame = frame_at(t)
        tracker.step(frame)
        tracker.commit(t, frame, 0.45 + 0.1 * one_hot(mask_at(t), (1,), CPU), (1,))
    assert tracker.memory_frames == (0, 2, 4)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("xmem", {"memory": "quality"}, "tracker xmem .*: choose one of xmem, all, fifo, readmem"),
        ("qdmn", {"memory": "xmem"}, "tracker qdmn .*: choose one of quality, all, fifo, readmem"),
        ("compact", {"memory": "xmem"}, "tracker compact .*: choose one of fifo, all, readmem"),
        ("handcrafted", {"memory": "all"}, "handcrafted has no option 'memory': it has size"),
        ("compact", {"readmem_bound": 0.5}, "compact has no option 'readmem_bound'"),
        ("stcn", {"memory": "fifo", "memory_size": 0}, "memory_size is 0"),
        ("stcn", {"sampling_interval": 0}, "sampling_interval is 0"),
        (
            "stcn",
            {"mem_freq": 3},
            "has no option 'mem_freq': it has mem_every, top_k, include_last",
        ),
        ("mivos", {"memory": "readmem", "readmem_align": "no"}, "align='no'"),
    ],
)
def test_what_a_tracker_does_not_have_it_says(name, options, said):
    with pytest.raises(LazyVosError, match=said):
        load(name, **options)
