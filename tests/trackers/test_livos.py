"""LiVOS as a tracker, against whole clips that the authors' code tracked with the same weights."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.livos import LivosNet, match
from napari_lazyvos.trackers.livos import LivosCanvas

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(LivosNet())


def load(weights, **options):
    return trackers.load("livos", weights=weights, device="cpu", **{"size": -1} | options)


def masks_of(parity, labels=(1, 2), t=0):
    return one_hot(parity.clips["main_labels"][t], labels, CPU)


def started(parity, weights, labels=(1, 2), **options):
    tracker = load(weights, **{"size": 64} | options)
    masks = masks_of(parity, labels)
    tracker.commit(0, parity.frame("main", 0), masks, labels, permanent=True)
    return tracker


def run(tracker, parity, times):
    found = []
    for t in times:
        frame = parity.frame("main", t)
        found.append(tracker.step(frame))
        tracker.commit(t, frame, found[-1], tracker.labels)
    return found


def parts(tracker, which="now"):
    return tracker.snapshot()[which]


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def give(tracker, parity, t, labels=(1, 2)):
    tracker.commit(t, parity.frame("main", t), masks_of(parity, labels, t), labels, permanent=True)


def of_one(tracker, parity, t, row=0):
    """What one frame leaves in the state of an object, with the masks that are known of it."""
    with torch.no_grad():
        seen = tracker._look(tracker._state.canvas, parity.frame("main", t))
        before = tracker._state.before
        values = tracker.net.encode_masks(seen, before.masks, before.sensory)[0][row]
    return seen, torch.einsum("dhw,chw->dc", seen.key[0], values)


@pytest.mark.parametrize("name", ["main", "object_added", "padded"])
def test_whole_clips_are_tracked_as_published(parity, weights, name):
    case, golden = parity.cases("livos")[name], parity.golden("livos")
    tracker = load(weights)
    published, last = golden[f"{name}__prob"], golden[f"{name}__prob_last"]
    for t in range(case["frames"]):
        frame = parity.frame(case["clip"], t)
        found = tracker.step(frame) if t else None
        if str(t) in case["masks_given"]:
            labels = tuple(case["masks_given"][str(t)])
            given = one_hot(parity.clips[f"{case['clip']}_labels"][t], labels, CPU)
            tracker.commit(t, frame, given, labels, permanent=True)
        else:
            tracker.commit(t, frame, found, tracker.labels)
        if t:
            # Where a mask was given, the authors write it into what they return.
            seen = np.ones(found.shape[1:], bool)
            if str(t) in case["masks_given"]:
                seen = given[0].numpy() > 0
            ours = found[1:].numpy()
            assert np.abs((ours - published[t - 1, : len(ours)])[:, seen]).max() < 1e-3
        # The authors add the last frame of a clip to all that is summed up but the state.
        at_end = "before" if t == case["frames"] - 1 else "now"
        for which, part, theirs in (
            (at_end, "state", "state"),
            ("now", "key_sum", "key_sum"),
            ("now", "object_memory", "object_memory_sum"),
        ):
            if (theirs := f"{name}__t{t}_{theirs}") in golden:
                ours = parts(tracker, which)[part]
                parity.compare(ours[:1] if part == "key_sum" else ours[None], golden[theirs])
    assert np.abs(found.numpy() - last).max() < 5e-4


def test_what_is_remembered_does_not_grow(parity, weights):
    tracker = started(parity, weights, labels=(1,))
    sizes = []
    for t in range(1, 9):
        run(tracker, parity, [t])
        file = io.BytesIO()
        torch.save(tracker.snapshot(), file)
        sizes.append(len(file.getvalue()))
        assert tracker.memory_frames == (0, t)
    assert max(sizes) - min(sizes) < 200  # the numbers of frames have more digits
    assert parts(tracker)["state"].shape == (1, 64, 256)


class Work(TorchFunctionMode):
    """Counts the numbers that are computed."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        made = function(*args, **kwargs or {})
        if isinstance(made, torch.Tensor):
            self.numbers += made.numel()
        return made


def test_as_much_is_computed_for_a_late_frame_as_for_an_early_one(parity, weights):
    tracker = started(parity, weights, labels=(1,))
    counts = []
    for t in range(1, 8):
        with Work() as work:
            run(tracker, parity, [t])
        counts.append(work.numbers)
    assert counts[0] > 1e6
    assert len(set(counts)) == 1


TWO = {"memory": "first_and_last"}


def test_of_the_first_and_the_last_frame_alone_the_state_is(parity, weights):
    tracker = started(parity, weights, **TWO)
    first = parts(tracker)
    run(tracker, parity, range(1, 5))
    for row in range(2):
        seen, last = of_one(tracker, parity, 4, row)
        expected = first["state"][row] * seen.gate + last
        torch.testing.assert_close(parts(tracker)["state"][row], expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(parts(tracker)["key_sum"], first["key_sum"] + seen.key)
    all_frames = started(parity, weights)
    found = [
        run(each, parity, [1, 2])[-1] for each in (all_frames, started(parity, weights, **TWO))
    ]
    assert torch.equal(*found)  # frame 2 is asked about when two frames are remembered
    run(all_frames, parity, [3, 4])
    assert not torch.allclose(parts(all_frames)["state"], parts(tracker)["state"], atol=0.1)


def test_while_two_frames_are_remembered_both_memories_are_the_same(parity, weights):
    one, other = started(parity, weights), started(parity, weights, **TWO)
    for t in (1, 2):
        assert all(torch.equal(each, parts(other)[name]) for name, each in parts(one).items())
        found = [run(each, parity, [t])[0] for each in (one, other)]
        assert torch.equal(*found)
    assert not torch.equal(parts(one)["state"], parts(other)["state"])


def test_each_object_has_a_first_frame_of_its_own(parity, weights):
    tracker = started(parity, weights, labels=(1,), **TWO)
    run(tracker, parity, [1])
    before = parts(tracker)
    tracker.step(parity.frame("main", 2))
    give(tracker, parity, 2, (2,))
    after = parts(tracker)
    assert torch.equal(after["first_state"][0], before["first_state"][0])
    assert torch.equal(after["first_state"][1], after["state"][1])
    run(tracker, parity, [3])
    assert torch.equal(parts(tracker)["first_state"], after["first_state"])
    tracker.forget(1)
    assert torch.equal(parts(tracker)["first_state"], after["first_state"][1:])


def test_a_first_frame_that_is_given_anew_is_the_first_frame_still(parity, weights):
    once, twice = started(parity, weights, **TWO), load(weights, size=64, **TWO)
    twice.commit(0, parity.frame("main", 0), masks_of(parity, t=5), (1, 2), permanent=True)
    give(twice, parity, 0)
    assert same(parts(once), parts(twice))


def test_a_memory_of_one_kind_goes_on_as_the_other(parity, weights):
    full, two = started(parity, weights), load(weights, size=64, **TWO)
    run(full, parity, [1])
    two.restore(full.snapshot())
    assert torch.equal(parts(two)["state"], parts(full)["state"])
    assert not parts(two)["first_key"].any()
    run(two, parity, [2])
    assert torch.equal(parts(two)["first_state"], parts(two)["state"])  # 2 is the first now
    full.restore(two.snapshot())
    assert parts(full).keys() == {"state", "key_sum", "sensory", "object_memory", "masks"}
    found = [each.step(parity.frame("main", 3)) for each in (full, two)]
    assert torch.equal(*found)


def test_the_order_of_objects_is_the_order_of_channels(parity, weights):
    one, other = started(parity, weights), started(parity, weights, labels=(2, 1))
    found, swapped = (run(each, parity, range(1, 4))[-1] for each in (one, other))
    torch.testing.assert_close(swapped[[0, 2, 1]], found, atol=1e-4, rtol=0)


def test_a_correction_of_the_last_frame_takes_the_place_of_what_was_remembered(parity, weights):
    """So the object is followed from there as if it had been predicted right."""
    late, early = (started(parity, weights) for _ in range(2))
    for each in (late, early):
        run(each, parity, [1, 2])
    frame, corrected = parity.frame("main", 3), masks_of(parity, t=3)
    run(late, parity, [3])
    late.commit(3, parity.frame("main", 3), corrected, (1, 2), permanent=True)
    early.step(frame)
    early.commit(3, frame, corrected, (1, 2), permanent=True)
    assert same(parts(late), parts(early))
    assert late.memory_frames == early.memory_frames == (0, 3)
    found = [each.step(parity.frame("main", 4)) for each in (late, early)]
    assert torch.equal(*found)


def test_a_correction_moves_what_is_read_towards_the_corrected_masks(parity, weights):
    """With trained weights that is the object; with these only the way there can be tested."""
    predicted, corrected = (started(parity, weights, labels=(1,)) for _ in range(2))
    for each in (predicted, corrected):
        run(each, parity, [1, 2])
    frame = parity.frame("main", 3)
    predicted.commit(3, frame, predicted.step(frame), (1,))
    corrected.step(frame)
    corrected.commit(3, frame, masks_of(parity, (1,), t=3), (1,), permanent=True)
    values, readouts = [], []
    with torch.no_grad():
        seen = corrected._look(corrected._state.canvas, frame)
        for each in (predicted, corrected):
            base, now = each._state.before, each._state.now
            values.append(each.net.encode_masks(seen, base.masks, base.sensory)[0])
            readouts.append(match(now.state, now.key_sum, seen.key))
    # Each place is moved by a mean of how much the values differ, which weighs those places most
    # that look like it: no weight is negative.
    alike = torch.einsum("dx,dy->xy", *(2 * [seen.key[0].flatten(1)]))
    weighed = (values[1] - values[0]).flatten(2) @ (alike / (seen.key * now.key_sum).sum())
    torch.testing.assert_close(
        (readouts[1] - readouts[0]).flatten(2), weighed, atol=1e-5, rtol=1e-3
    )
    assert weighed.abs().max() > 0.01
    after = [each.step(parity.frame("main", 4)) for each in (predicted, corrected)]
    assert (after[0] - after[1]).abs().max() > 0.1


def test_a_correction_can_come_after_a_resume(parity, weights):
    tracker, other = started(parity, weights), load(weights, size=64)
    run(tracker, parity, [1, 2])
    other.restore(tracker.snapshot())
    for each in (tracker, other):
        each.commit(2, parity.frame("main", 2), masks_of(parity, t=2), (1, 2), permanent=True)
    assert same(parts(tracker), parts(other))


def test_what_is_not_to_be_remembered_leaves_the_state_alone(parity, weights):
    tracker = started(parity, weights)
    run(tracker, parity, [1])
    before, frame = parts(tracker), parity.frame("main", 2)
    tracker.step(frame)
    tracker.commit(2, frame, None, (1, 2))
    after = parts(tracker)
    assert all(
        torch.equal(after[name], before[name]) for name in ("state", "key_sum", "object_memory")
    )
    assert not torch.equal(after["sensory"], before["sensory"])
    assert tracker.memory_frames == (0, 1)
    tracker.commit(3, parity.frame("main", 3), None, (1, 2))  # never predicted
    assert same(parts(tracker), after)


def test_an_object_that_leaves_takes_nothing_of_the_others_along(parity, weights):
    tracker = started(parity, weights)
    run(tracker, parity, [1, 2])
    before = parts(tracker)
    tracker.forget(1)
    assert tracker.labels == (2,)
    assert all(torch.equal(each, before[name][1:]) for name, each in parts(tracker).items())
    tracker.forget(2)
    assert tracker.memory_frames == ()


def test_a_video_can_be_passed_backwards(parity, weights):
    tracker = load(weights, size=64)
    tracker.commit(5, parity.frame("main", 5), masks_of(parity, t=5), (1, 2), permanent=True)
    found = run(tracker, parity, [4, 3, 2])
    assert tracker.memory_frames == (2, 5)
    assert all(torch.isfinite(each).all() for each in found)


def test_a_memory_goes_on_in_another_size(parity, weights):
    tracker, other = started(parity, weights), load(weights, size=112)
    run(tracker, parity, [1, 2])
    other.restore(tracker.snapshot())
    assert parts(other)["sensory"].shape == (2, 256, 7, 9)
    frame = parity.frame("main", 3)
    with torch.no_grad():
        readouts = [
            match(
                each._state.now.state,
                each._state.now.key_sum,
                each._look(each._state.canvas, frame).key,
            )
            for each in (tracker, other)
        ]
    sizes = [each.abs().mean() for each in readouts]
    assert abs(sizes[0] / sizes[1] - 1) < 0.1
    run(other, parity, [3, 4])


def test_frames_are_brought_to_the_size_also_if_they_are_smaller():
    assert LivosCanvas(112, 144, 480).inner == (480, 617)
    assert LivosCanvas(1080, 1920, 480).inner == (480, 853)
    assert LivosCanvas(1440, 1080, 480).inner == (640, 480)
    assert LivosCanvas(112, 144, -1).inner == (112, 144)


def test_fine_stripes_become_grey_and_what_is_beyond_is_black():
    frame = np.zeros((3, 64, 90), np.float32)
    frame[:, :, ::2] = 1
    image = LivosCanvas(64, 90, 16).image(frame, CPU)
    assert image.shape == (1, 3, 16, 32)
    assert not image[..., :5].any()
    assert (image[..., 8:24] - 0.5).abs().max() < 0.1


def test_half_precision_keeps_the_memory_in_single(parity, weights):
    tracker = started(parity, weights, amp=True)
    found = run(tracker, parity, [1, 2])[-1]
    torch.testing.assert_close(found.sum(0), torch.ones(112, 144))
    assert all(each.dtype == torch.float32 for each in parts(tracker).values())


def test_options_out_of_their_range_are_refused(weights):
    with pytest.raises(LazyVosError, match="chunk_size is 0: give 1 object"):
        load(weights, chunk_size=0)
    with pytest.raises(LazyVosError, match="memory is 'all': choose one of state, first_and_last"):
        load(weights, memory="all")
    others = {name: each for name, each in weights.items() if "pix_projector" not in name}
    with pytest.raises(LazyVosError, match="not of the network LivosNet"):
        load(others)


def test_frames_of_another_video_are_refused(parity, weights):
    tracker = started(parity, weights)
    with pytest.raises(LazyVosError, match=r"The frame is \(50, 144\), .* \(112, 144\)"):
        tracker.step(parity.frame("main", 1)[:, :50])
