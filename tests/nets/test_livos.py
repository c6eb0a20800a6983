"""LiVOS' network against what the authors' own computed with the same weights."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.livos import LivosNet, match, published, remember
from napari_lazyvos.nets.object_transformer import ChannelBlock, PositionalEncoding
from napari_lazyvos.nets.weights import build


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(LivosNet())


@pytest.fixture(scope="module")
def net(weights):
    return build(LivosNet, weights, "livos")


@pytest.fixture(scope="module")
def golden(parity):
    return parity.golden("livos")


@pytest.fixture(scope="module")
def first(net, parity):
    """What is seen in the first frame, its masks, and what is remembered of them."""
    labels = torch.from_numpy(parity.clips["main_labels"][0])
    masks = torch.stack([labels == 1, labels == 2]).float()
    with torch.no_grad():
        seen = net.encode_image(image_of(parity, 0))
        return seen, masks, *net.encode_masks(seen, masks, torch.zeros(2, 256, 7, 9))


@pytest.fixture(scope="module")
def second(net, parity):
    with torch.no_grad():
        return net.encode_image(image_of(parity, 1))


def image_of(parity, t):
    return torch.from_numpy(parity.frame("main", t))[None]


def test_the_keys_are_the_published_ones_but_for_those_of_training(parity, weights):
    file = json.loads((parity.folder / "livos_keys.json").read_text())["keys"]
    theirs = {name: torch.zeros(shape) for name, (shape, _) in file.items()}
    assert len(theirs) == 525
    assert all(name.startswith("aux_computer.") for name in theirs.keys() - weights.keys())
    assert {name: each.shape for name, each in published(theirs).items()} == {
        name: each.shape for name, each in weights.items()
    }


def test_files_without_what_is_no_weight_are_accepted(weights):
    own = {name: each for name, each in weights.items() if not name.endswith("inv_freq")}
    own["mask_encoder.conv1.weight"] = weights["mask_encoder.conv1.weight"][:, :4]
    found = published(own)
    assert found.keys() == weights.keys()
    assert torch.equal(found["object_summarizer.pos_enc.inv_freq"], PositionalEncoding().inv_freq)
    assert not found["mask_encoder.conv1.weight"][:, 4].any()
    assert build(LivosNet, found, "livos").mask_encoder.conv1.weight.shape == (64, 5, 7, 7)


def test_weights_of_something_else_are_refused(weights):
    others = {name: each for name, each in weights.items() if name != "pixel_fuser.conv.bias"}
    with pytest.raises(LazyVosError, match=r"not of the network LivosNet: 1 .* pixel_fuser"):
        build(LivosNet, others, "livos")


def test_an_image_is_encoded_as_published(net, second, golden, parity):
    with torch.no_grad():
        f16, f8, f4 = net.image_encoder(second.image)
    parity.compare(f16, golden["main__t1_f16"])
    assert torch.equal(f8, second.f8)
    assert torch.equal(f4, second.f4)
    parity.compare(second.key, golden["main__t1_key_softmax"])
    parity.compare(second.pixels, golden["main__t1_pixfeat"])
    parity.compare(second.gate[None], golden["main__t1_gate"])


def test_masks_are_encoded_and_remembered_as_published(first, golden, parity):
    seen, _, values, sensory, object_memory = first
    parity.compare(values[None], golden["main__t0_value"])
    parity.compare(sensory[None], golden["main__t0_sensory_after_mask"])
    parity.compare(object_memory[None], golden["main__t0_object_memory"])
    parity.compare(remember(torch.zeros(2, 64, 256), seen, values)[None], golden["main__t0_state"])
    parity.compare(seen.key, golden["main__t0_key_sum"])


@torch.no_grad()
def test_a_frame_is_matched_and_decoded_as_published(net, first, second, golden, parity):
    seen, masks, values, sensory, object_memory = first
    state = remember(torch.zeros(2, 64, 256), seen, values)
    readout = match(state, seen.key.expand(2, -1, -1, -1), second.key)
    parity.compare(readout[None], golden["main__t1_readout"])
    beside = torch.stack([masks, masks.flip(0)], 1)
    fused = net.pixel_fuser(second.pixels, readout, sensory, beside)
    parity.compare(
        net.object_transformer(fused, object_memory)[1][None], golden["main__t1_query_logits"]
    )
    found, after = net.decode(second, readout, sensory, masks, object_memory)
    theirs = torch.from_numpy(golden["main__prob"][0].astype(np.float32))
    assert (found[1:] - theirs).abs().max() < 1e-3
    # The array that is named so was stored after the mask encoder's update, not before.
    values, after, more = net.encode_masks(second, found[1:], after)
    parity.compare(after[None], golden["main__t1_sensory_after_segment"])
    parity.compare(remember(state, second, values)[None], golden["main__t1_state"])
    parity.compare((object_memory + more)[None], golden["main__t1_object_memory_sum"])


def test_matching_weighs_what_is_remembered_by_how_alike_keys_are():
    key = torch.eye(64)[:, :4].reshape(1, 64, 2, 2)  # four places that have nothing in common
    values = torch.arange(4.0).reshape(1, 1, 2, 2).expand(-1, 256, -1, -1)
    state = torch.einsum("dhw,kchw->kdc", key[0], values)
    # Each place finds its own value alone; all are divided by the sum over the four places.
    torch.testing.assert_close(match(state, key, key), values / 4)


def test_positions_are_told_by_columns_then_rows():
    places = PositionalEncoding()(3, 5)
    assert places.shape == (3, 5, 256)
    assert torch.equal(places[0, :, :128], places[2, :, :128])
    assert torch.equal(places[:, 0, 128:], places[:, 4, 128:])
    end = torch.tensor([math.sin(32), math.cos(32)])  # of the last column, and the last row
    torch.testing.assert_close(places[2, 4, :2], end, atol=1e-4, rtol=0)
    torch.testing.assert_close(places[2, 4, 128:130], end, atol=1e-4, rtol=0)
    assert PositionalEncoding()(1, 1).isfinite().all()


def test_wider_blocks_look_further_along_the_channels():
    assert [ChannelBlock(c).conv.kernel_size for c in (64, 256)] == [(3,), (5,)]


@torch.no_grad()
def test_objects_in_chunks_give_the_same(net, weights, first, second):
    seen, _, values, sensory, object_memory = first
    values, sensory, object_memory = (
        torch.cat([each, each.mean(0, keepdim=True)]) for each in (values, sensory, object_memory)
    )
    masks = torch.rand(3, 112, 144, generator=torch.Generator().manual_seed(0)) / 3
    sparing = build(lambda: LivosNet(chunk_size=2), weights, "livos")
    whole, parts = (
        (
            *each.encode_masks(seen, masks, sensory),
            *each.decode(second, values, sensory, masks, object_memory),
        )
        for each in (net, sparing)
    )
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(other, one, atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_half_precision_leaves_what_is_summed_up_in_single(net, parity, first):
    _, masks, values, sensory, _ = first
    with torch.autocast("cpu", torch.bfloat16):
        seen = net.encode_image(image_of(parity, 0))
        kept = net.encode_masks(seen, masks, torch.zeros(2, 256, 7, 9))
        found, after = net.decode(seen, values, sensory, masks, kept[2])
    for each in (seen.key, seen.gate, *kept, found, after):
        assert each.dtype == torch.float32
    torch.testing.assert_close(seen.key.sum(1), torch.ones(1, 7, 9))
    assert (kept[0] - values).abs().mean() < 0.02 * values.abs().mean() + 0.02
