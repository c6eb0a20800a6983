"""What every fusion promises, and the one that needs no training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.label_maps import label_map
from napari_lazyvos.lazy.difference import MivosFusion
from napari_lazyvos.lazy.fusion import DistanceFusion, Meeting, as_probabilities
from napari_lazyvos.nets.mivos_fusion import MivosFusionNet
from napari_lazyvos.uncertainty import entropy

SIZE = (6, 7)
CPU = torch.device("cpu")
seeds = st.integers(0, 2**32 - 1)
nearnesses = st.floats(0, 1)


def drawn(seed: int, objects: int) -> torch.Tensor:
    """Return random probabilities, some of them certain."""
    generator = torch.Generator().manual_seed(seed)
    logits = 6 * torch.randn(1 + objects, *SIZE, generator=generator)
    return logits.softmax(0)


def meeting(before, new, near, objects=None) -> Meeting:
    labels = tuple(range(3, 3 + len(new) - 1))
    frame = np.random.default_rng(0).random((3, *SIZE), np.float32)
    fused = labels if objects is None else labels[:objects]
    nothing = torch.zeros(2, *SIZE)
    return Meeting(frame, before, new, labels, dict.fromkeys(fused, near), lambda _: nothing)


@pytest.fixture(scope="module")
def learnt() -> MivosFusion:
    torch.manual_seed(0)
    return MivosFusion(MivosFusionNet().state_dict())


@given(seeds, st.integers(1, 3), nearnesses)
def test_equal_masks_stay_equal(seed, objects, near):
    same = drawn(seed, objects)
    fused = DistanceFusion().fuse(meeting(same, same, near))
    assert torch.allclose(fused, same, atol=1e-6)


@given(seeds, st.integers(1, 3))
def test_at_either_end_what_was_annotated_there_wins(seed, objects):
    before, new = drawn(seed, objects), drawn(seed + 1, objects)
    for near, wins in ((1.0, new), (0.0, before)):
        fused = DistanceFusion().fuse(meeting(before, new, near))
        assert torch.allclose(fused, wins, atol=1e-6)


@given(seeds, st.integers(1, 3), nearnesses)
def test_seen_from_the_other_end_it_is_the_same(seed, objects, near):
    before, new = drawn(seed, objects), drawn(seed + 1, objects)
    here = DistanceFusion().fuse(meeting(before, new, near))
    there = DistanceFusion().fuse(meeting(new, before, 1 - near))
    assert torch.allclose(here, there, atol=1e-5)


@given(seeds, st.integers(1, 3), nearnesses)
def test_it_lies_between_the_two_and_nearer_to_the_nearer(seed, objects, near):
    before, new = drawn(seed, objects), drawn(seed + 1, objects)
    fused = DistanceFusion().fuse(meeting(before, new, near))
    low, high = torch.minimum(before, new), torch.maximum(before, new)
    assert bool(((fused >= low - 1e-6) & (fused <= high + 1e-6)).all())
    nearer = DistanceFusion().fuse(meeting(before, new, min(1, near + 0.1)))
    assert bool(((nearer - before).abs() >= (fused - before).abs() - 1e-5).all())


def test_who_is_surer_of_a_pixel_counts_for_more():
    sure = torch.tensor([0.01, 0.99])[:, None, None].expand(2, *SIZE)
    unsure = torch.tensor([0.6, 0.4])[:, None, None].expand(2, *SIZE)
    for before, new in ((sure, unsure), (unsure, sure)):
        fused = DistanceFusion().fuse(meeting(before, new, 0.5))
        assert bool((fused[1] > 0.9).all())


@given(seeds, nearnesses)
def test_of_objects_that_are_not_fused_the_new_mask_is_taken(seed, near):
    generator = torch.Generator().manual_seed(seed)
    one, other = torch.zeros(2, 3, *SIZE)
    for masks in (one, other):  # the second object is certain, and the same in both
        masks[1, :, :3] = torch.rand(SIZE[0], 3, generator=generator)
        masks[2, :, 4:] = 1
        masks[0] = 1 - masks[1:].sum(0)
    fused = DistanceFusion().fuse(meeting(one, other, near, objects=1))
    assert torch.equal(fused[2] > 0.5, other[2] > 0.5)


@given(seeds, st.integers(1, 3), nearnesses)
def test_probabilities_stay_probabilities(learnt, seed, objects, near):
    before, new = drawn(seed, objects), drawn(seed + 1, objects)
    for fusion in (DistanceFusion(), learnt):
        fused = fusion.fuse(meeting(before, new, near))
        assert fused.shape == new.shape
        assert torch.allclose(fused.sum(0), torch.ones(SIZE), atol=1e-5)
        assert float(fused.min()) >= 0


def test_the_network_does_not_ask_what_was_before_of_objects_that_are_not_fused(learnt):
    before, new = drawn(1, 2), drawn(2, 2)
    fused = learnt.fuse(meeting(before, new, 0.5, objects=1))
    other = torch.stack([before[0], before[1], 1 - before[2]])
    assert torch.equal(learnt.fuse(meeting(other, new, 0.5, objects=1)), fused)
    assert not torch.equal(learnt.fuse(meeting(other, new, 0.5)), fused)


@given(st.integers(0, 255), st.integers(1, 3))
def test_what_is_stored_comes_back_with_its_label_and_its_entropy(stored, objects):
    labels = tuple(range(1, objects + 1))
    shown = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % (objects + 1)
    uncertainty = np.full(SIZE, stored, np.uint8)
    found = as_probabilities(shown.astype(np.uint8), uncertainty, labels, CPU)
    assert torch.allclose(found.sum(0), torch.ones(SIZE), atol=1e-6)
    if objects == 1:
        assert torch.allclose(entropy(found), torch.tensor(stored / 255), atol=2e-3)
    if stored < 120:
        assert np.array_equal(label_map(found, labels, np.dtype(np.uint8)), shown)
