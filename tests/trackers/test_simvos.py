"""SimVOS as a tracker, against whole clips that the authors' code tracked with the same weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.simvos import SimVosNet, Sizes

CPU = torch.device("cpu")
REFINED = {"layer_index": 4, "use_token_learner": True}


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(SimVosNet(refined=True))


@cache
def small():
    """Weights of a small transformer that know nothing, as many as the authors' files have."""
    torch.manual_seed(0)
    beside = {"cls_token": torch.zeros(1, 1, 64), "head.weight": torch.zeros(1000, 64)}
    return SimVosNet(Sizes(width=64, depth=6), refined=True).state_dict() | beside


def load(weights=None, **options):
    weights = small() if weights is None else weights
    return trackers.load("simvos", weights=weights, device="cpu", **{"size": -1} | options)


def frame(t):
    return np.random.default_rng(t).random((3, 32, 48), np.float32)


def masks(t, labels=(1, 2)):
    """Squares that move to the right, one over the other."""
    image = np.zeros((32, 48), np.uint8)
    for label in (1, 2):
        image[16 * label - 14 : 16 * label - 2, t : t + 12] = label
    return one_hot(image, labels, CPU)


def give(tracker, t, labels=(1, 2)):
    tracker.commit(t, frame(t), masks(t, labels), labels, permanent=True)


def follow(tracker, times):
    for t in times:
        seen = frame(t)
        tracker.commit(t, seen, tracker.step(seen), tracker.labels)


def started(**options):
    tracker = load(**options)
    give(tracker, 0)
    return tracker


@pytest.mark.parametrize("name", ["plain_vit", "plain_vit_padded", "token_refinement"])
def test_whole_clips_are_tracked_as_published(parity, weights, name):
    case, golden = parity.cases("simvos")[name], parity.golden("simvos")
    options = {key: case["config"][key] for key in ("layer_index", "use_token_learner")}
    tracker, clip = load(weights, **options), case["clip"]
    given = one_hot(parity.clips[f"{clip}_labels"][0], (1, 2), CPU)
    tracker.commit(0, parity.frame(clip, 0), given, (1, 2), permanent=True)
    for t in range(1, case["frames"]):
        seen = parity.frame(clip, t)
        found = tracker.step(seen)
        assert np.abs(found[1:].numpy() - golden[f"{name}__prob"][t]).max() < 2e-3
        tracker.commit(t, seen, found, (1, 2))
    assert np.abs(found.numpy() - golden[f"{name}__prob_last"]).max() < 2e-3


@pytest.mark.parametrize("options", [{}, REFINED], ids=["plain", "refined"])
def test_another_order_of_the_objects_is_another_order_of_their_masks(options):
    one, other = started(**options), load(**options)
    give(other, 0, (2, 1))
    follow(one, range(1, 4))
    follow(other, range(1, 4))
    a, b = one.step(frame(4)), other.step(frame(4))
    assert not torch.allclose(a[1], a[2], atol=1e-3)
    assert torch.allclose(a, b[[0, 2, 1]], atol=1e-5)


@pytest.mark.parametrize("options", [{}, REFINED], ids=["plain", "refined"])
def test_a_frame_costs_the_same_however_long_the_video_is(options):
    tracker, sizes = started(**options), []
    for t in range(1, 12):
        follow(tracker, [t])
        objects = tracker.snapshot()["objects"]
        sizes.append(
            [sum(each.nbytes for each in own["tokens"].values()) for own in objects.values()]
        )
        assert tracker.memory_frames == (0, t)
    places = 768 if options else 6
    assert sizes == [[2 * places * 64 * 4] * 2] * 11


def test_the_first_the_last_and_of_other_annotated_frames_the_nearest_are_read():
    all_three, near = started(), started()
    for t in (3, 6):
        give(all_three, t)
    give(near, 6)
    assert all_three.memory_frames == (0, 3, 6)
    for tracker in (all_three, near):
        follow(tracker, [7])
    assert torch.equal(all_three.step(frame(8)), near.step(frame(8)))
    uncorrected = started()
    follow(uncorrected, [6])
    follow(uncorrected, [7])
    assert not torch.equal(uncorrected.step(frame(8)), near.step(frame(8)))
    for tracker in (all_three, near):  # far behind, the other correction is the nearest
        follow(tracker, [2])
    assert all_three.memory_frames == (0, 2, 3, 6)
    assert not torch.equal(all_three.step(frame(1)), near.step(frame(1)))


def test_a_correction_replaces_what_was_remembered_of_its_frame():
    once, twice = started(), load()
    twice.commit(0, frame(0), masks(5), (1, 2), permanent=True)
    give(twice, 0)
    follow(twice, [1])
    follow(once, [1])
    assert torch.equal(once.step(frame(2)), twice.step(frame(2)))


def test_what_is_predicted_in_an_annotated_frame_does_not_take_its_place():
    tracker = started()
    before = tracker.step(frame(1))
    follow(tracker, [0])
    assert torch.equal(tracker.step(frame(1)), before)


def test_an_object_begins_where_it_is_first_given_whether_that_is_permanent_or_not():
    tracker = load()
    give(tracker, 0, (1,))
    follow(tracker, [1])
    seen = frame(2)
    tracker.step(seen)
    tracker.commit(2, seen, masks(2, (2,)), (2,))
    follow(tracker, range(3, 5))
    objects = tracker.snapshot()["objects"]
    assert {label: own["annotated"] for label, own in objects.items()} == {1: (0,), 2: (2,)}
    assert tracker.memory_frames == (0, 2, 4)
    tracker.forget(2)
    assert tracker.labels == (1,)
    assert tracker.memory_frames == (0, 4)


def test_an_object_that_is_not_named_keeps_what_it_has():
    tracker = started()
    follow(tracker, [1])
    before = tracker.snapshot()["objects"][2]
    seen = frame(2)
    tracker.commit(2, seen, tracker.step(seen)[:2], (1,))
    after = tracker.snapshot()["objects"][2]
    assert after["last"] == before["last"] == 1
    assert all(torch.equal(after["tokens"][t], before["tokens"][t]) for t in (0, 1))
    assert tracker.snapshot()["objects"][1]["last"] == 2
    tracker.commit(3, frame(3), torch.ones(1, 32, 48), ())
    assert tracker.snapshot()["objects"][1]["last"] == 2


def test_passes_go_backwards():
    tracker = load(size=16)
    give(tracker, 9)
    follow(tracker, range(8, 4, -1))
    assert tracker.memory_frames == (5, 9)
    assert tracker.step(frame(4)).shape == (3, 32, 48)


def test_the_authors_bs_is_told_by_its_name(tmp_path):
    found = {}
    for file in ("SimVOS-BS.pth", "SimVOS-B.pth"):
        torch.save(small(), tmp_path / file)
        net = load(tmp_path / file).net
        found[file] = (net.layer_index, net.refined)
    assert found == {"SimVOS-BS.pth": (4, True), "SimVOS-B.pth": (0, False)}
    other = load(tmp_path / "SimVOS-BS.pth", layer_index=0, use_token_learner=False).net
    assert (other.layer_index, other.refined) == (0, False)


def test_half_precision_finds_nearly_the_same():
    exact, fast = started(**REFINED), started(**REFINED, amp=True)
    found = fast.step(frame(1))
    assert found.dtype == torch.float32
    assert 0 < (found - exact.step(frame(1))).abs().max() < 0.02


def test_a_memory_that_another_network_made_is_refused():
    tracker = started()
    kept = started(**REFINED).snapshot()
    with pytest.raises(LazyVosError, match=r"with 6 blocks of 64 channels, layer_index 4, .* anew"):
        tracker.restore(kept)
    assert tracker.labels == (1, 2)


def test_wrong_options_and_weights_are_refused():
    with pytest.raises(LazyVosError, match="layer_index is 6: give 0 to 5"):
        load(layer_index=6)
    with pytest.raises(LazyVosError, match="not SimVOS': 'pos_embed_new' is not among them"):
        load({"key_comp.weight": torch.zeros(1)})
    tracker = started()
    with pytest.raises(LazyVosError, match="start a new tracker for another video"):
        tracker.step(np.zeros((3, 16, 16), np.float32))
