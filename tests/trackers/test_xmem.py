"""XMem as a tracker, against whole clips that the authors' code tracked with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.xmem import Sizes, XMemNet
from napari_lazyvos.uncertainty import spread

CASES = ("long_term", "no_long_term", "deep_update", "object_added", "defaults_padded")
OWN = {"hidden_dim", "key_dim", "value_dim", "enable_long_term_count_usage"}  # no options of ours


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(XMemNet())


def given_masks(label_map, labels):
    masks = np.stack([label_map == label for label in labels])
    stack = np.stack([~masks.any(0), *masks]).astype(np.float32)
    return torch.from_numpy(stack)


@pytest.mark.parametrize("name", CASES)
def test_whole_clips_are_tracked_as_published(parity, weights, name):
    case, golden = parity.cases("xmem")[name], parity.golden("xmem")
    options = {key: value for key, value in case["config"].items() if key not in OWN}
    tracker = trackers.load("xmem", weights=weights, device="cpu", size=-1, **options)
    published, last = golden[f"{name}__prob"], golden[f"{name}__prob_last"]
    for t in range(case["frames"]):
        frame = parity.frame(case["clip"], t)
        found = tracker.step(frame) if t else None
        if str(t) in case["masks_given"]:
            labels = tuple(case["masks_given"][str(t)])
            given = given_masks(parity.clips[f"{case['clip']}_labels"][t], labels)
            # What joins later is passing there: only the first frame stays for ever.
            tracker.commit(t, frame, given, labels, permanent=t == 0)
        elif t < case["frames"] - 1:
            tracker.commit(t, frame, found, tracker.labels)
            known = len(tracker.labels)
            assert np.abs(found[1:].numpy() - published[t, :known]).max() < 1e-3
        else:
            assert np.abs(found.numpy() - last).max() < 5e-4


@pytest.mark.parametrize("size", [-1, 96, 480])
def test_it_works_at_any_size(weights, parity, size):
    tracker = trackers.load("xmem", weights=weights, device="cpu", size=size)
    given = given_masks(parity.clips["main_labels"][0], (1, 2))
    tracker.commit(0, parity.frame("main", 0), given, (1, 2), permanent=True)
    assert tracker.step(parity.frame("main", 1)).shape == (3, 112, 144)


def test_memory_elsewhere_reads_the_same(weights, parity):
    here, elsewhere = (
        trackers.load("xmem", weights=weights, device="cpu", memory_device=where)
        for where in ("same", "cpu")
    )
    found = []
    for tracker in (here, elsewhere):
        given = given_masks(parity.clips["main_labels"][0], (1,))
        tracker.commit(0, parity.frame("main", 0), given, (1,), permanent=True)
        found.append(tracker.step(parity.frame("main", 1)))
    assert torch.equal(*found)


def test_corrections_never_leave(weights, parity):
    tracker = trackers.load(
        "xmem", weights=weights, device="cpu", mem_every=1, max_mid_term_frames=3,
        min_mid_term_frames=2, num_prototypes=8,
    )  # fmt: skip
    maps = parity.clips["main_labels"]
    tracker.commit(0, parity.frame("main", 0), given_masks(maps[0], (1, 2)), (1, 2), permanent=True)
    for t in range(1, 12):
        frame = parity.frame("main", t)
        found = tracker.step(frame)
        corrected = t in (2, 5)
        masks = given_masks(maps[t], (1, 2)) if corrected else found
        tracker.commit(t, frame, masks, (1, 2), permanent=corrected)
    assert tracker.memory_frames == (0, 2, 5, 11)


@pytest.mark.parametrize(
    ("skipped", "due", "remembered"),
    [
        ((), (), (0, 3, 6)),
        ((1,), (), (0, 4, 7)),  # what is skipped does not count
        ((3,), (3,), (0, 4, 7)),  # what was due is due again
        ((3, 4), (3, 4), (0, 5, 8)),
        ((1, 4), (4,), (0, 5, 8)),
    ],
)
def test_frames_that_shall_not_be_remembered_put_off_what_is_due(
    weights, parity, skipped, due, remembered
):
    tracker = trackers.load("xmem", weights=weights, device="cpu", mem_every=3, size=64)
    given = given_masks(parity.clips["main_labels"][0], (1,))
    tracker.commit(0, parity.frame("main", 0), given, (1,), permanent=True)
    for t in range(1, 9):
        frame = parity.frame("main", t)
        found = tracker.step(frame)
        hidden = tracker.snapshot()["state"]["carried"]["hidden"]
        tracker.commit(t, frame, None if t in skipped else found, (1,))
        kept = torch.equal(tracker.snapshot()["state"]["carried"]["hidden"], hidden)
        assert kept == (t in due)  # the sensory memory waits for its deep update
    assert tracker.memory_frames == remembered


def test_weights_of_one_object_get_a_channel_for_the_others():
    torch.manual_seed(0)
    weights = XMemNet().state_dict()
    first = weights["value_encoder.conv1.weight"]
    weights["value_encoder.conv1.weight"] = first[:, :4]
    tracker = trackers.load("xmem", weights=weights, device="cpu")
    loaded = tracker.net.state_dict()["value_encoder.conv1.weight"]
    torch.testing.assert_close(loaded[:, :4], first[:, :4])
    assert not loaded[:, 4].any()


def test_it_works_without_sensory_memory():
    torch.manual_seed(0)
    weights = XMemNet(Sizes(hidden=0)).state_dict()
    tracker = trackers.load("xmem", weights=weights, device="cpu")
    frame = np.random.default_rng(0).random((3, 32, 48), dtype=np.float32)
    masks = torch.zeros(2, 32, 48)
    masks[0, :, :20], masks[1, :, 20:] = 1, 1
    tracker.commit(0, frame, masks, (1,), permanent=True)
    found = tracker.step(frame)
    assert found.isfinite().all()
    tracker.commit(1, frame, found, (1,))


def test_weights_of_another_network_are_refused():
    with pytest.raises(LazyVosError, match="not XMem's"):
        trackers.load("xmem", weights={"conv.weight": torch.zeros(1)}, device="cpu")


def test_half_precision_finds_the_same_labels(parity, weights):
    found = []
    for amp in (False, True):
        tracker = trackers.load("xmem", weights=weights, device="cpu", amp=amp)
        given = given_masks(parity.clips["main_labels"][0], (1, 2))
        tracker.commit(0, parity.frame("main", 0), given, (1, 2), permanent=True)
        found.append(tracker.step(parity.frame("main", 1)).argmax(0))
    # The CPU's half precision has 8 bits, and weights that know nothing leave much undecided.
    assert (found[0] == found[1]).float().mean() >= 0.97


def test_a_memory_goes_on_in_another_size(parity, weights):
    small, large = (
        trackers.load("xmem", weights=weights, device="cpu", size=size) for size in (80, 480)
    )
    given = given_masks(parity.clips["main_labels"][0], (1, 2))
    large.commit(0, parity.frame("main", 0), given, (1, 2), permanent=True)
    for t in (1, 2):
        large.commit(t, parity.frame("main", t), large.step(parity.frame("main", t)), (1, 2))
    small.restore(large.snapshot())
    assert small.memory_frames == large.memory_frames
    assert small.step(parity.frame("main", 3)).shape == (3, 112, 144)


def test_an_unknown_place_for_the_memory_is_refused(weights):
    with pytest.raises(LazyVosError, match="same or cpu"):
        trackers.load("xmem", weights=weights, device="cpu", memory_device="disk")


def first_step(parity, weights, **options):
    """Return a tracker that has predicted a frame, and its prediction."""
    tracker = trackers.load("xmem", weights=weights, device="cpu", **options)
    given = given_masks(parity.clips["main_labels"][0], (1, 2))
    tracker.commit(0, parity.frame("main", 0), given, (1, 2), permanent=True)
    return tracker, tracker.step(parity.frame("main", 1))


def test_samples_drop_channels_of_the_query(parity, weights):
    tracker, found = first_step(parity, weights, passes=4)
    samples = list(tracker.samples())
    assert len(samples) == 4
    assert all(sample.shape == found.shape for sample in samples)
    assert all(torch.allclose(sample.sum(0), torch.ones(112, 144)) for sample in samples)
    assert not torch.equal(samples[0], samples[1])
    total, epistemic = spread(samples)
    assert 0 < float(epistemic.mean()) < float(total.mean())


def test_the_same_seed_and_frame_give_the_same_samples(parity, weights):
    one, again, other = (
        first_step(parity, weights, passes=2, seed=seed)[0].samples() for seed in (3, 3, 4)
    )
    for mine, same, different in zip(one, again, other, strict=True):
        assert torch.equal(mine, same)
        assert not torch.equal(mine, different)


def test_samples_without_dropout_are_the_plain_prediction(parity, weights):
    tracker, found = first_step(parity, weights, dropout=0, passes=2)
    assert all(torch.equal(sample, found) for sample in tracker.samples())


def test_samples_change_nothing(parity, weights):
    asked, plain = (first_step(parity, weights, passes=2)[0] for _ in range(2))
    list(asked.samples())
    found = []
    for tracker in (asked, plain):
        frame = parity.frame("main", 1)
        tracker.commit(1, frame, tracker.step(frame), (1, 2))
        found.append(tracker.step(parity.frame("main", 2)))
    assert torch.equal(*found)


def test_samples_look_at_the_frame_once(parity, weights, monkeypatch):
    tracker, _ = first_step(parity, weights, passes=2)

    def look(image):
        raise AssertionError("looked again")

    monkeypatch.setattr(tracker.net, "encode_key", look)
    assert len(list(tracker.samples())) == 2


def test_without_a_frame_there_is_nothing_to_sample(parity, weights):
    tracker, found = first_step(parity, weights)
    tracker.commit(1, parity.frame("main", 1), found, (1, 2))
    with pytest.raises(LazyVosError, match="nothing to sample"):
        tracker.samples()
    with pytest.raises(LazyVosError, match="passes is 1"):
        trackers.load("xmem", weights=weights, device="cpu", passes=1)


def test_a_soft_mask_that_was_not_predicted_is_remembered_at_its_time_only(parity, weights):
    tracker, _ = first_step(parity, weights)
    frame = parity.frame("main", 1)
    tracker.commit(1, frame, 0.9 * tracker.step(frame) + 0.1 / 3, (1, 2))
    assert tracker.memory_frames == (0,)
    frame = parity.frame("main", 2)
    tracker.step(frame)
    tracker.commit(2, frame, given_masks(parity.clips["main_labels"][2], (1, 2)), (1, 2))
    assert tracker.memory_frames == (0, 2)
