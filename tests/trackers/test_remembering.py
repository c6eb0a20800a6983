"""What a tracker remembers can be looked at, and edited, whatever the tracker."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers.ensemble import EnsembleTracker
from napari_lazyvos.trackers.protocol import RememberedFrame, RememberingTracker
from napari_lazyvos.trackers.sparing import SparingTracker
from napari_lazyvos.trackers.stcn import StcnTracker

CPU = torch.device("cpu")
NETS = {"xmem": XMemNet, "stcn": StcnNet, "mivos": MivosNet, "qdmn": MivosNet}
TELLING = ("compact", "handcrafted", "xmem", "stcn", "mivos", "qdmn")
# Each with a memory from which frames leave. `qdmn` is `mivos` with another rule, which lets in
# nothing of what a network without training predicts.
MATCHING = {
    "compact": {"memory_size": 2},
    "xmem": {"mem_every": 2, "max_mid_term_frames": 4, "min_mid_term_frames": 2},
    "stcn": {"mem_every": 2, "memory": "readmem", "memory_size": 3, "readmem_bound": None},
    "mivos": {"mem_freq": 2, "memory": "fifo", "memory_size": 3},
}


@cache
def untrained(net):
    torch.manual_seed(0)
    return net().state_dict()


def load(name, **options):
    weights = untrained(NETS[name]) if name in NETS else None
    return trackers.load(name, weights=weights, device="cpu", **options)


def frame_at(t):
    """A square on its way over a ground that changes from frame to frame, (3, 32, 64)."""
    ground = 0.4 * np.random.default_rng(t).random((3, 32, 64), dtype=np.float32)
    ground[:, 8:24, t : t + 16] += 0.5
    return ground


def give(tracker, t, labels=(1,)):
    found = np.zeros((32, 64), np.uint8)
    found[8:24, t : t + 16] = 1
    found[:8, :8] = 2
    tracker.commit(t, frame_at(t), one_hot(found, labels, CPU), labels, permanent=True)


def run(tracker, times):
    for t in times:
        frame = frame_at(t)
        tracker.commit(t, frame, tracker.step(frame), tracker.labels)


def times(tracker):
    return [frame.t for frame in tracker.remembered]


def permanent(tracker):
    return [frame.t for frame in tracker.remembered if frame.permanent]


@pytest.fixture(scope="module", params=MATCHING)
def begun(request):
    """A tracker that has followed for some frames, and its memory then."""
    made = load(request.param, **MATCHING[request.param])
    give(made, 0)
    run(made, range(1, 7))
    return made, made.snapshot()


@pytest.fixture
def tracker(begun):
    made, snapshot = begun
    made.restore(snapshot)
    return made


@pytest.mark.parametrize("name", TELLING)
def test_every_tracker_tells(name):
    tracker = load(name)
    assert isinstance(tracker, RememberingTracker)
    assert tracker.remembered == ()
    assert tracker.diversity is None
    offered = trackers.MEMORIES[name]
    assert type(tracker).memories == offered
    assert not offered or tracker._keeping.memory == offered[0]
    give(tracker, 0)
    assert tracker.remembered == (RememberedFrame(0, True),)
    with pytest.raises(LazyVosError, match="Frame 3 is not in memory: the frames there are 0"):
        tracker.forget_frame(3)
    with pytest.raises(LazyVosError, match="Frame 3"):
        tracker.keep_frame(3)


def test_a_frame_that_is_kept_stays(tracker):
    kept = times(tracker)[-1]
    assert permanent(tracker) == [0]
    tracker.keep_frame(kept)
    assert permanent(tracker) == [0, kept]
    run(tracker, range(7, 13))
    assert {0, kept} < set(times(tracker))


def test_a_frame_that_is_forgotten_is_gone(tracker):
    gone = times(tracker)[-1]
    tracker.forget_frame(gone)
    assert gone not in times(tracker)
    run(tracker, range(7, 12))
    assert gone not in times(tracker)
    assert times(tracker)[-1] > gone


def test_both_survive_a_file(tracker):
    kept = times(tracker)[-1]
    tracker.keep_frame(kept)
    tracker.forget_frame(0)
    file = io.BytesIO()
    torch.save(tracker.snapshot(), file)
    file.seek(0)
    other = load(tracker.name, **MATCHING[tracker.name])
    other.restore(torch.load(file, weights_only=True))
    assert other.remembered == tracker.remembered
    for each in (tracker, other):
        run(each, range(7, 10))
    assert other.remembered == tracker.remembered
    assert kept in permanent(other)


def test_the_last_frame_that_tells_of_an_object_is_not_forgotten(tracker):
    for t in times(tracker)[1:]:
        tracker.forget_frame(t)
    with pytest.raises(LazyVosError, match="Frame 0 is the only one in memory"):
        tracker.forget_frame(0)
    run(tracker, [7])
    assert times(tracker)[0] == 0


def test_of_each_object_something_stays_in_memory():
    tracker = load("stcn")
    give(tracker, 0)
    run(tracker, range(1, 6))
    give(tracker, 6, (1, 2))
    with pytest.raises(LazyVosError, match="tells of object 2"):
        tracker.forget_frame(6)
    tracker.forget_frame(0)
    assert times(tracker) == [5, 6]


def test_more_frames_are_kept_than_compact_has_room_for_permanent_ones():
    tracker = load("compact", memory_size=2)
    give(tracker, 0)
    run(tracker, range(1, 11))
    for t in times(tracker):
        tracker.keep_frame(t)
    kept = times(tracker)
    for t in range(11, 16):
        give(tracker, t)
    assert set(kept) <= set(permanent(tracker))


def test_handcrafted_learns_anew_from_what_is_left():
    tracker, other = load("handcrafted"), load("handcrafted")
    for each in (tracker, other):
        give(each, 0)
        if each is tracker:
            give(each, 1)
    tracker.forget_frame(0)
    assert times(tracker) == [1]
    run(tracker, range(2, 4))
    found = tracker.step(frame_at(4)).argmax(0).numpy()
    assert found[10:22, 6:18].mean() > 0.8


def test_without_a_rule_of_diversity_there_is_none():
    tracker = load("stcn", mem_every=1, memory="readmem", readmem_bound=None)
    give(tracker, 0)
    assert tracker.diversity == pytest.approx(0, abs=1e-6)
    run(tracker, range(1, 4))
    several = tracker.diversity
    assert several < 0  # of unit vectors that are not orthogonal
    tracker.forget_frame(times(tracker)[-1])
    assert tracker.diversity > several  # fewer vectors, none of which lies nearer to the others


def test_an_ensemble_tells_of_all_its_members():
    members = [load("compact", memory_size=1), load("handcrafted")]
    tracker = EnsembleTracker(members)
    assert isinstance(tracker, RememberingTracker)
    give(tracker, 0)
    run(tracker, range(1, 7))
    assert times(tracker) == [0, 5]
    tracker.keep_frame(5)
    assert permanent(tracker) == [0, 5]
    assert times(members[1]) == [0]
    tracker.forget_frame(5)
    assert times(tracker) == [0]
    with pytest.raises(LazyVosError, match="the only one"):
        tracker.forget_frame(0)
    assert times(members[1]) == [0]  # it was not asked to forget it, or has it again
    assert tracker.diversity is None


def test_a_tracker_that_spares_the_gpu_tells_too():
    tracker = SparingTracker(
        StcnTracker, weights=untrained(StcnNet), memory_device="same", size=480, device=None
    )
    assert isinstance(tracker, RememberingTracker)
    give(tracker, 0)
    run(tracker, range(1, 7))
    tracker.keep_frame(5)
    assert permanent(tracker) == [0, 5]
    tracker.forget_frame(5)
    assert times(tracker) == [0]
    assert tracker.diversity is None
