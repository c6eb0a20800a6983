"""What every tracker promises, asked of each by name."""

from __future__ import annotations

import io
from functools import cache, partial

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.livos import LivosNet
from napari_lazyvos.nets.mavos import MavosNet
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.simvos import SimVosNet, Sizes
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers.protocol import Tracker

NETS = {
    "xmem": XMemNet,
    "stcn": StcnNet,
    "mivos": MivosNet,
    "qdmn": MivosNet,
    "livos": LivosNet,
    "simvos": partial(SimVosNet, Sizes(width=64, depth=2)),
    "mavos": MavosNet,
}
UNBOUNDED = ("stcn", "mivos")  # as they were published; other memories can be chosen


def load(name, **options):
    """A tracker that needs a download gets weights that know nothing, but always the same."""
    weights = None if name in trackers.BUNDLED else untrained(NETS[name])
    if name == "livos":  # it would bring these small frames to 480 pixels
        options = {"size": -1} | options
    return trackers.load(name, weights=weights, device="cpu", **options)


@cache
def untrained(net):
    torch.manual_seed(0)
    return net().state_dict()


# `qdmn` is `mivos` with another rule of what is remembered: see test_memories.py.
@pytest.fixture(params=[name for name in trackers.names() if name != "qdmn"])
def tracker(request) -> Tracker:
    return load(request.param)


@pytest.fixture(params=trackers.BUNDLED)
def trained(request) -> Tracker:
    return load(request.param)


def texture(height=64, width=96, seed=0):
    """A smooth coloured texture, (3, H, W), as different from seed to seed as two surfaces."""
    noise = np.random.default_rng(seed).random((1, 3, height // 4 + 1, width // 4 + 1))
    image = torch.nn.functional.interpolate(
        torch.from_numpy(noise).float(), (height, width), mode="bicubic", align_corners=False
    )
    return image[0].clamp(0, 1).numpy()


def square(t=0, *, height=64, width=96, top=16, left=20, side=20, step=2):
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left + step * t : left + step * t + side] = True
    return mask


def frame_at(t, *mask_makers, height=64, width=96):
    """Textured squares that move over a textured background."""
    frame = 0.4 * texture(height, width, seed=0)
    for number, make in enumerate(mask_makers, start=1):
        rows, columns = np.where(make(t))
        surface = 0.4 + 0.6 * texture(height, width, seed=number)
        frame[:, rows, columns] = surface[:, rows - rows.min(), columns - columns.min()]
    return frame


def one_hot(*masks):
    stack = np.stack([~np.logical_or.reduce(masks), *masks])
    return torch.from_numpy(stack.astype(np.float32))


def run(tracker, times, *makers, labels=(1,)):
    found = []
    for t in times:
        frame = frame_at(t, *makers)
        found.append(tracker.step(frame))
        tracker.commit(t, frame, found[-1], tracker.labels)
    return found


def start(tracker, *makers, labels=(1,)):
    masks = [make(0) for make in makers]
    tracker.commit(0, frame_at(0, *makers), one_hot(*masks), labels, permanent=True)


def j(found, mask):
    return (found & mask).sum() / (found | mask).sum()


def lower(t):
    return square(t, top=40, left=60, side=16, step=-2)


def test_is_a_tracker(tracker):
    assert isinstance(tracker, Tracker)
    assert tracker.labels == ()
    assert tracker.memory_frames == ()


def test_step_on_an_empty_memory_says_so(tracker):
    with pytest.raises(LazyVosError, match="remembers nothing"):
        tracker.step(texture())


def test_probabilities_have_the_frames_size_and_sum_to_one(tracker):
    start(tracker, square, lower, labels=(3, 8))
    probabilities = tracker.step(frame_at(1, square, lower))
    assert probabilities.shape == (3, 64, 96)
    assert probabilities.dtype == torch.float32
    assert torch.allclose(probabilities.sum(0), torch.ones(64, 96), atol=1e-5)
    assert float(probabilities.min()) >= 0


def test_a_moving_square_is_followed(trained):
    start(trained, square)
    found = run(trained, range(1, 16), square)
    overlaps = [j((p.argmax(0) == 1).numpy(), square(t)) for t, p in enumerate(found, start=1)]
    assert min(overlaps) > 0.8
    assert np.mean(overlaps) > 0.9


def test_step_changes_nothing(tracker):
    start(tracker, square)
    near, far = frame_at(1, square), frame_at(4, square)
    before = tracker.step(near)
    tracker.step(far)
    assert torch.equal(tracker.step(near), before)


def test_what_step_returned_belongs_to_the_caller(tracker):
    start(tracker, square)
    frame = frame_at(1, square)
    probabilities = tracker.step(frame)
    kept = probabilities.clone()
    probabilities.zero_()
    assert torch.equal(tracker.step(frame), kept)


def test_commit_of_none_remembers_nothing(tracker):
    start(tracker, square)
    before = tracker.step(frame_at(1, square))
    tracker.commit(1, frame_at(1, square), None, tracker.labels)
    assert tracker.memory_frames == (0,)
    if tracker.name not in ("xmem", "livos"):  # whose sensory memory goes on
        assert torch.equal(tracker.step(frame_at(1, square)), before)


def test_permanent_frames_stay(tracker):
    start(tracker, square)
    run(tracker, range(1, 6), square)
    tracker.commit(6, frame_at(6, square), one_hot(square(6)), (1,), permanent=True)
    run(tracker, range(7, 14), square)
    assert {0, 6} <= set(tracker.memory_frames)
    assert list(tracker.memory_frames) == sorted(set(tracker.memory_frames))


@pytest.mark.parametrize("name", trackers.names())
def test_memory_is_bounded(name):
    tracker = load(name, **({"memory": "fifo", "memory_size": 4} if name in UNBOUNDED else {}))
    start(tracker, square)
    found = run(tracker, range(1, 4), square)
    still = frame_at(3, square)
    remembered = []
    for t in range(4, 44):
        tracker.commit(t, still, found[-1], (1,))
        remembered.append(len(tracker.memory_frames))
    assert max(remembered[20:]) == max(remembered[30:])


def test_a_correction_changes_what_follows(trained):
    start(trained, square)
    run(trained, range(1, 3), square)
    half = square(3) & (np.arange(96) < 36)
    trained.commit(3, frame_at(3, square), one_hot(half), (1,), permanent=True)
    found = trained.step(frame_at(3, square)).argmax(0).numpy() == 1
    assert j(found, half) > j(found, square(3))


def test_an_object_can_join(tracker):
    start(tracker, square)
    run(tracker, range(1, 4), square, lower)
    joined = frame_at(4, square, lower)
    tracker.step(joined)
    tracker.commit(4, joined, one_hot(lower(4)), (7,), permanent=True)
    assert tracker.labels == (1, 7)
    assert {0, 4} <= set(tracker.memory_frames)
    assert len(run(tracker, range(5, 9), square, lower)[-1]) == 3


def test_an_object_that_joins_leaves_the_others_alone(trained):
    start(trained, square)
    run(trained, range(1, 4), square, lower)
    trained.commit(4, frame_at(4, square, lower), one_hot(lower(4)), (7,), permanent=True)
    found = run(trained, range(5, 9), square, lower)[-1].argmax(0).numpy()
    assert j(found == 1, square(8)) > 0.8
    assert j(found == 2, lower(8)) > 0.8


def test_objects_given_one_by_one_on_the_same_frame_are_all_kept(tracker):
    frame = frame_at(0, square, lower)
    tracker.commit(0, frame, one_hot(square(0)), (1,), permanent=True)
    tracker.commit(0, frame, one_hot(lower(0)), (2,), permanent=True)
    assert tracker.labels == (1, 2)
    assert tracker.memory_frames == (0,)
    found = tracker.step(frame_at(1, square, lower)).argmax(0).numpy()
    if tracker.name in trackers.BUNDLED:
        assert j(found == 1, square(1)) > 0.8
        assert j(found == 2, lower(1)) > 0.8


def test_forget_removes_one_object_only(tracker):
    start(tracker, square, lower, labels=(1, 2))
    tracker.forget(1)
    assert tracker.labels == (2,)
    probabilities = tracker.step(frame_at(1, square, lower))
    assert probabilities.shape[0] == 2
    if tracker.name in trackers.BUNDLED:
        assert j(probabilities.argmax(0).numpy() == 1, lower(1)) > 0.7


def test_forget_of_all_leaves_background(tracker):
    start(tracker, square)
    tracker.forget(1)
    tracker.forget(5)
    assert tracker.labels == ()
    torch.testing.assert_close(tracker.step(frame_at(1, square)), torch.ones(1, 64, 96))


def test_snapshot_is_exact(tracker):
    start(tracker, square, lower, labels=(1, 2))
    run(tracker, range(1, 6), square, lower)
    kept = tracker.snapshot()
    once = run(tracker, range(6, 11), square, lower)
    tracker.restore(kept)
    again = run(tracker, range(6, 11), square, lower)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))


def test_snapshot_survives_a_file_and_a_new_tracker(tracker):
    start(tracker, square)
    run(tracker, range(1, 4), square)
    file = io.BytesIO()
    torch.save(tracker.snapshot(), file)
    file.seek(0)
    other = load(tracker.name)
    other.restore(torch.load(file, weights_only=True))
    assert other.labels == tracker.labels
    assert other.memory_frames == tracker.memory_frames
    once, again = run(tracker, range(4, 7), square), run(other, range(4, 7), square)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))


def test_snapshot_of_an_empty_memory_empties(tracker):
    nothing = tracker.snapshot()
    start(tracker, square)
    tracker.restore(nothing)
    assert tracker.labels == ()


def test_order_of_labels_is_the_order_of_channels(tracker):
    start(tracker, square, lower, labels=(1, 2))
    one = run(tracker, range(1, 4), square, lower)[-1]
    other = load(tracker.name)
    frame = frame_at(0, square, lower)
    other.commit(0, frame, one_hot(lower(0), square(0)), (2, 1), permanent=True)
    two = run(other, range(1, 4), square, lower)[-1]
    assert other.labels == (2, 1)
    assert torch.allclose(one, two[[0, 2, 1]], atol=1e-3)


def _dot(height, width):
    mask = np.zeros((height, width), bool)
    mask[height // 2, width // 2] = True
    return mask


@pytest.mark.parametrize(
    ("height", "width", "make"),
    [
        (16, 16, lambda h, w: np.arange(w) < np.full((h, 1), w // 2)),
        (47, 33, lambda h, w: np.arange(w) > np.full((h, 1), w // 2)),
        (64, 96, _dot),
        (64, 96, lambda h, w: np.ones((h, w), bool)),
        (64, 96, lambda h, w: np.zeros((h, w), bool)),
        (16, 200, lambda h, w: np.arange(w) < np.full((h, 1), 20)),
    ],
    ids=["16x16", "odd", "one pixel", "whole frame", "nothing", "thin frame"],
)
def test_extreme_sizes_and_masks(tracker, height, width, make):
    frame = texture(height, width)
    mask = make(height, width)
    tracker.commit(0, frame, one_hot(mask), (1,), permanent=True)
    for t in (1, 2):
        probabilities = tracker.step(frame)
        assert probabilities.shape == (2, height, width)
        assert bool(torch.isfinite(probabilities).all())
        tracker.commit(t, frame, probabilities, (1,))
    if mask.sum() > 1 and tracker.name in trackers.BUNDLED:
        assert j(probabilities.argmax(0).numpy() == 1, mask) > 0.9


def test_an_unknown_name_or_option_lists_the_known_ones():
    with pytest.raises(LazyVosError, match="handcrafted"):
        trackers.load("xray")
    with pytest.raises(LazyVosError, match="size"):
        trackers.load(trackers.names()[0], device="cpu", sise=3)
    with pytest.raises(LazyVosError, match="auto, cpu"):
        trackers.load(trackers.names()[0], device="tpu")


@pytest.mark.parametrize("name", trackers.names())
def test_a_size_that_shows_nothing_is_refused(name):
    with pytest.raises(LazyVosError, match="size is 3"):
        load(name, size=3)
