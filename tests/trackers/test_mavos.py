"""MAVOS as a tracker, against whole clips that the authors' code tracked with the same weights."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.mavos import MavosNet
from napari_lazyvos.trackers.mavos import MavosCanvas

CPU = torch.device("cpu")
HEIGHT, WIDTH = 33, 49
CASES = [(encoder, name) for encoder in ("r50", "mobilenetv2") for name in ("main", "object_added")]


@cache
def untrained(encoder="mobilenetv2"):
    torch.manual_seed(0)
    return MavosNet(encoder).state_dict()


def load(weights=None, **options):
    weights = untrained() if weights is None else weights
    return trackers.load("mavos", weights=weights, device="cpu", **{"size": -1} | options)


def frame(t):
    return np.random.default_rng(t).random((3, HEIGHT, WIDTH), np.float32)


def squares(t, labels=(1, 2)):
    """A label map of squares in two rows, which move to the right."""
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, label in enumerate(labels):
        row, column = divmod(place, 6)
        image[16 * row + 2 : 16 * row + 14, 8 * column + t : 8 * column + t + 7] = label
    return image


def give(tracker, t, labels=(1, 2), given=None):
    image = squares(t, labels) if given is None else given
    tracker.commit(t, frame(t), one_hot(image, labels, CPU), labels, permanent=True)


def follow(tracker, times):
    found = None
    for t in times:
        seen = frame(t)
        found = tracker.step(seen)
        tracker.commit(t, seen, found, tracker.labels)
    return found


def started(labels=(1, 2), **options):
    tracker = load(**options)
    give(tracker, 0, labels)
    return tracker


def engine(tracker, number=0):
    return tracker.snapshot()["now"][number]


def tensors(packed):
    """Yield all tensors in nested dicts and lists."""
    if isinstance(packed, torch.Tensor):
        yield packed
    elif isinstance(packed, dict):
        yield from (each for own in packed.values() for each in tensors(own))
    elif isinstance(packed, list | tuple):
        yield from (each for own in packed for each in tensors(own))


def same(one, other):
    return all(torch.equal(*both) for both in zip(tensors(one), tensors(other), strict=True))


@pytest.mark.parametrize(("encoder", "name"), [*CASES, ("r50", "resized")])
def test_whole_clips_are_tracked_as_published(parity, encoder, name):
    case = parity.cases(f"mavos_{encoder}")[name]
    golden = parity.golden(f"mavos_{encoder}")
    published, last = golden[f"{name}__prob"], golden[f"{name}__prob_last"]
    height, width = published.shape[2:]
    gap = case["config"]["long_term_mem_gap"]
    tracker = load(parity_weights(parity, encoder), long_term_mem_gap=gap)
    for t in range(case["frames"]):
        seen = np.ascontiguousarray(parity.frame(case["clip"], t)[:, :height, :width])
        found = tracker.step(seen) if t else None
        if t:
            ours = found[1:].numpy()
            assert np.abs(ours - published[t, : len(ours)]).max() < 1e-3
        if str(t) in case["masks_given"]:
            labels = tuple(case["masks_given"][str(t)])
            given = parity.clips[f"{case['clip']}_labels"][t][:height, :width]
            tracker.commit(t, seen, one_hot(given, labels, CPU), labels, permanent=True)
        else:
            tracker.commit(t, seen, found, tracker.labels)
    assert np.abs(found.numpy() - last).max() < 5e-4
    (state,) = tracker._state.now
    key, value = state.read()[0]
    assert len(key) == golden[f"{name}__long_term_tokens"]
    if encoder == "r50" and name == "main":
        parity.compare(key[:, None], golden["main__t11_long_term_layer0_key"])
        parity.compare(value[:, None, 512:], golden["main__t11_long_term_layer0_id_value"])
        key, value = state.read()[2]
        parity.compare(key[:, None], golden["main__t11_long_term_layer2_key"])
        parity.compare(value[:, None, :512], golden["main__t11_long_term_layer2_value"])
        parity.compare(value[:, None, 512:], golden["main__t11_long_term_layer2_id_value"])


@cache
def parity_weights(parity, encoder):
    return parity.weights(MavosNet(encoder))


def test_a_frame_is_brought_to_what_the_network_saw(parity):
    canvas = MavosCanvas(106, 138, -1)
    image = canvas.image(parity.frame("pad", 1), CPU)
    parity.compare(image, parity.golden("mavos_r50")["resized__t1_input"])


def test_sides_are_fitted_to_the_stride_and_the_long_one_is_limited():
    assert MavosCanvas(480, 854, 480).inner == (481, 849)
    assert MavosCanvas(1080, 1920, 480).inner == (577, 1041)
    assert MavosCanvas(1920, 1080, 240).inner == (513, 289)
    assert MavosCanvas(1080, 1920, -1).inner == (1073, 1921)
    assert MavosCanvas(1080, 1920, 480, aligned=False).inner == (592, 1040)
    assert MavosCanvas(3, 100, 480).inner == (17, 97)


def test_what_is_remembered_has_the_same_size_after_any_number_of_frames():
    tracker, sizes, grown = started(long_term_mem_gap=2), [], []
    other = started(long_term_mem_gap=2, memory="deaot")
    for t in range(1, 13):
        for each, kept in ((tracker, sizes), (other, grown)):
            follow(each, [t])
            kept.append(sum(own.nbytes for own in tensors(engine(each))))
    slot = 3 * 12 * (128 + 1024) * 4  # bytes: three blocks, twelve places
    assert sizes == [2 * slot, *11 * [3 * slot]]
    assert grown == [(2 + t // 2) * slot for t in range(1, 13)]
    assert tracker.memory_frames == (0, 12)
    assert other.memory_frames == (0, 2, 4, 6, 8, 10, 12)


def test_both_memories_are_one_until_a_second_frame_goes_into_the_dynamic_slot():
    one, other = started(long_term_mem_gap=2), started(long_term_mem_gap=2, memory="deaot")
    follow(one, range(1, 4))
    follow(other, range(1, 4))
    assert torch.equal(one.step(frame(4)), other.step(frame(4)))
    follow(one, [4])
    follow(other, [4])
    assert not torch.allclose(one.step(frame(5)), other.step(frame(5)), atol=1e-4)


def test_objects_that_come_at_once_are_told_apart_by_the_order_of_their_labels_alone():
    """The network knows its ten identities by weights of their own.

    So masks that change places get other probabilities, unless weights are trained for it; but
    neither the order in which they are given nor the numbers of their labels have a say.
    """
    one, other, third = started(), load(), load()
    other.commit(0, frame(0), one_hot(squares(0), (2, 1), CPU), (2, 1), permanent=True)
    give(third, 0, (30, 71))
    found = [follow(each, range(1, 4)) for each in (one, other, third)]
    assert not torch.allclose(found[0][1], found[0][2], atol=1e-3)
    assert torch.equal(found[0], found[1][[0, 2, 1]])
    assert torch.equal(found[0], found[2])


def test_twelve_objects_are_two_memories_whose_odds_are_merged():
    labels = tuple(range(1, 13))
    tracker = started(labels)
    parts = [load(), load()]
    for part, own in zip(parts, (labels[:10], labels[10:]), strict=True):
        give(part, 0, own, squares(0, labels))
    for t in (1, 2):
        found, alone = tracker.step(frame(t)), [each.step(frame(t)) for each in parts]
        chances = torch.cat([(alone[0][0] * alone[1][0])[None], alone[0][1:], alone[1][1:]])
        odds = chances.double().clamp(1e-5, 1 - 1e-5)
        odds = odds / (1 - odds)
        torch.testing.assert_close(found, (odds / odds.sum(0)).float(), atol=1e-5, rtol=0)
        tracker.commit(t, frame(t), found, labels)
        map_of_all = found.argmax(0).numpy()
        for part in parts:
            given = one_hot(map_of_all, part.labels, CPU)
            part.commit(t, frame(t), given, part.labels)
    for number, part in enumerate(parts):
        assert same(engine(tracker, number)["last"], engine(part)["last"])


def test_an_object_that_joins_gets_the_next_free_identity():
    tracker = started(tuple(range(1, 10)))
    follow(tracker, [1])
    give(tracker, 2, (40, 20))
    assert tracker.labels == (*range(1, 10), 40, 20)
    now = tracker.snapshot()["now"]
    assert [own["labels"] for own in now] == [(*range(1, 10), 20), (40,)]
    assert [own["reference"]["t"] for own in now] == [0, 2]
    assert follow(tracker, [3]).shape == (12, HEIGHT, WIDTH)


def test_an_object_that_joins_goes_into_the_dynamic_slot():
    tracker = started((1,))
    follow(tracker, [1])
    give(tracker, 2, (2,))
    own = engine(tracker)
    assert [slot["t"] for slot in own["dynamic"]] == [2]
    assert (own["reference"]["t"], own["correction"], own["since"]) == (0, [], 0)


def test_an_object_that_is_not_named_keeps_what_was_predicted_of_it():
    one, other = started(), started()
    found, seen = one.step(frame(1)), frame(1)
    labels = found.argmax(0).numpy()
    one.commit(1, seen, one_hot(labels, (2,), CPU), (2,))
    other.commit(1, seen, one_hot(labels, (1, 2), CPU), (1, 2))
    assert {1, 2} <= set(np.unique(labels))
    assert same(engine(one), engine(other))


def test_a_correction_has_a_slot_of_its_own_until_the_next_one():
    tracker, plain = started(long_term_mem_gap=2), started(long_term_mem_gap=2)
    for each in (tracker, plain):
        follow(each, range(1, 5))
    give(tracker, 5)
    follow(plain, [5])
    follow(tracker, range(6, 13))
    follow(plain, range(6, 13))
    kept = engine(tracker)
    assert [slot["t"] for slot in kept["correction"]] == [5]
    assert tracker.memory_frames == (0, 5, 12)
    assert not torch.allclose(tracker.step(frame(13)), plain.step(frame(13)), atol=1e-3)
    give(tracker, 13)
    assert [slot["t"] for slot in engine(tracker)["correction"]] == [13]
    assert same(engine(tracker)["dynamic"], kept["dynamic"])


def test_a_correction_of_the_first_frame_takes_the_place_of_the_reference():
    tracker, other = started(), load()
    follow(tracker, range(1, 3))
    give(tracker, 0, given=squares(5))
    give(other, 0, given=squares(5))
    assert same(engine(tracker)["reference"], engine(other)["reference"])
    assert engine(tracker)["correction"] == []


def test_an_object_that_joins_in_the_first_frame_is_in_the_reference():
    """A person may come back to it late."""
    tracker = started()
    follow(tracker, range(1, 4))
    give(tracker, 0, (1, 2, 3))
    own = engine(tracker)
    assert same(own["reference"], engine(started((1, 2, 3)))["reference"])
    assert (own["labels"], own["dynamic"], own["correction"]) == ((1, 2, 3), [], [])


def test_with_the_growing_memory_corrections_stay_as_all_frames_do():
    tracker = started(memory="deaot", long_term_mem_gap=2)
    follow(tracker, [1])
    for t in (2, 3):
        give(tracker, t)
    follow(tracker, range(4, 8))
    give(tracker, 3, given=squares(5))
    assert tracker.memory_frames == (0, 2, 3, 5, 7)
    assert len(engine(tracker)["dynamic"]) == 4


def test_a_correction_of_the_last_frame_is_as_if_it_had_come_at_once():
    late, early = started(long_term_mem_gap=2), started(long_term_mem_gap=2)
    for each in (late, early):
        follow(each, range(1, 4))
    follow(late, [4])  # goes into the dynamic slot
    early.step(frame(4))
    for each in (late, early):
        give(each, 4)
    assert same(engine(late), engine(early))
    assert late.memory_frames == early.memory_frames == (0, 2, 4)


def test_objects_given_one_by_one_on_a_frame_are_as_if_given_at_once():
    tracker = load()
    for label in (2, 1):
        given = np.where(squares(0) == label, squares(0), 0).astype(np.uint8)
        give(tracker, 0, (label,), given)
    assert tracker.labels == (2, 1)
    assert same(engine(tracker), engine(started()))


def test_what_is_not_to_be_remembered_changes_nothing_and_does_not_count():
    tracker, other = started(long_term_mem_gap=2), started(long_term_mem_gap=2)
    seen = frame(1)
    tracker.step(seen)
    tracker.commit(1, seen, None, (1, 2))
    follow(tracker, [2])
    follow(other, [2])
    assert same(engine(tracker), engine(other))
    assert engine(tracker)["dynamic"] == []
    assert engine(tracker)["since"] == 1


def test_the_pixels_of_a_forgotten_object_are_the_backgrounds():
    tracker = started()
    before = tracker.step(frame(1))
    tracker.forget(1)
    after = tracker.step(frame(1))
    assert tracker.labels == (2,)
    torch.testing.assert_close(after[0], before[0] + before[1])
    assert torch.equal(after[1], before[2])
    follow(tracker, [1])
    give(tracker, 2, (1,))  # another object, by the number of the first
    assert engine(tracker)["labels"] == (-1, 2, 1)
    for label in (1, 2):
        tracker.forget(label)
    assert tracker.memory_frames == ()
    assert torch.equal(tracker.step(frame(3)), torch.ones(1, HEIGHT, WIDTH))


def test_a_video_can_be_passed_backwards():
    tracker = load(long_term_mem_gap=2)
    give(tracker, 9)
    follow(tracker, range(8, 3, -1))
    assert tracker.memory_frames == (4, 5, 9)


def test_a_correction_can_come_after_a_resume():
    tracker, other = started(long_term_mem_gap=2), load(long_term_mem_gap=2)
    follow(tracker, [1, 2])
    file = io.BytesIO()
    torch.save(tracker.snapshot(), file)
    file.seek(0)
    other.restore(torch.load(file, weights_only=True))
    for each in (tracker, other):
        give(each, 2)
    assert same(engine(tracker), engine(other))


def test_a_memory_of_another_kind_or_size_is_refused():
    tracker = started()
    kept = started(memory="deaot").snapshot()
    with pytest.raises(LazyVosError, match=r"memory deaot, frames of 33 x 49 pixels, .* mca"):
        tracker.restore(kept)
    assert tracker.labels == (1, 2)
    with pytest.raises(LazyVosError, match="frames of 17 x 33 pixels"):
        load(size=16).restore(tracker.snapshot())


def test_weights_are_read_as_published_and_their_encoder_is_found(tmp_path):
    """Files are wrapped, and may hold what the network has not."""
    small = {key: torch.zeros(()).expand(each.shape) for key, each in untrained().items()}
    prefixed = {f"module.{key}": each for key, each in (small | {"other": torch.ones(1)}).items()}
    torch.save({"state_dict": prefixed}, tmp_path / "mavos.pth")
    assert load(tmp_path / "mavos.pth").net.encoder_name == "mobilenetv2"
    with pytest.raises(LazyVosError, match="not MAVOS': they have none of its encoders"):
        load({"pix_projector.layer.weight": torch.zeros(1)})
    fewer = {key: each for key, each in small.items() if "long_term_memory" not in key}
    with pytest.raises(LazyVosError, match="not of the network MavosNet: 180 are missing"):
        load(fewer)


def test_a_swin_transformer_works_on_sides_that_are_multiples_of_the_stride():
    tracker = load(untrained("swinb"))
    give(tracker, 0)
    found = follow(tracker, [1])
    assert tracker._state.canvas.inner == (32, 48)
    torch.testing.assert_close(found.sum(0), torch.ones(HEIGHT, WIDTH))
    assert found[1:].std() > 1e-3


def test_half_precision_finds_nearly_the_same_and_remembers_in_single():
    exact, fast = (started(long_term_mem_gap=1, amp=amp) for amp in (False, True))
    for t in range(1, 4):
        found, nearly = exact.step(frame(t)), fast.step(frame(t))
        assert nearly.dtype == torch.float32
        assert 0 < (found - nearly).abs().max() < 0.05
        labels = one_hot(found.argmax(0).numpy(), (1, 2), CPU)
        for each in (exact, fast):
            each.commit(t, frame(t), labels, (1, 2))
    assert all(each.dtype == torch.float32 for each in tensors(engine(fast)))


def test_wrong_options_and_frames_are_refused():
    with pytest.raises(LazyVosError, match="memory is 'all': choose mca or deaot"):
        load(memory="all")
    with pytest.raises(LazyVosError, match="long_term_mem_gap is 0: give 1 frame or more"):
        load(long_term_mem_gap=0)
    tracker = started()
    with pytest.raises(LazyVosError, match=r"The frame is \(16, 16\), .* \(33, 49\): start a new"):
        tracker.step(np.zeros((3, 16, 16), np.float32))
