"""MAVOS' network against what the authors' own computed with the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.deaot import Tokens, tokens_of
from napari_lazyvos.nets.mavos import MavosNet, encoder_of
from napari_lazyvos.nets.weights import build
from napari_lazyvos.trackers.canvas import Canvas
from napari_lazyvos.trackers.engines import masks_of

CPU = torch.device("cpu")
ENCODERS = ("r50", "mobilenetv2")
VALUES = ("value", "id_value")
KINDS = ("key", *VALUES)
HEIGHT, WIDTH = 97, 129  # of the stored runs: 16 k + 1


@pytest.fixture(scope="module", params=ENCODERS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def weights(parity, name):
    return parity.weights(MavosNet(name))


@pytest.fixture(scope="module")
def net(weights, name):
    return build(lambda: MavosNet(name), weights, "mavos")


@pytest.fixture(scope="module")
def golden(parity, name):
    return parity.golden(f"mavos_{name}")


R50, MOBILENET = (pytest.mark.parametrize("name", [encoder], indirect=True) for encoder in ENCODERS)


def seen(net, parity, t):
    frame = parity.frame("main", t)[:, :HEIGHT, :WIDTH]
    return net.encode_image(Canvas(HEIGHT, WIDTH, -1, stride=1).image(frame, CPU))


def embedding(net, labels):
    """Whose each place is, of a label map as the stored runs have it."""
    return net.embed(masks_of(torch.from_numpy(labels[:HEIGHT, :WIDTH].astype(np.float32)), (1, 2)))


def first(net, parity):
    return net.introduce(seen(net, parity, 0), embedding(net, parity.clips["main_labels"][0]))


@pytest.mark.parametrize("encoder", [*ENCODERS, "swinb"])
def test_the_keys_are_the_published_ones(parity, encoder):
    published = json.loads((parity.folder / "mavos_keys.json").read_text())[encoder]
    theirs = {key: shape for key, (shape, _) in published["keys"].items()}
    with torch.device("meta"):
        assert encoder_of({key: torch.empty(shape) for key, shape in theirs.items()}) == encoder
        ours = MavosNet(encoder).state_dict()
    assert {key: list(each.shape) for key, each in ours.items()} == theirs
    assert len(theirs) == published["count"]


def test_the_weights_are_those_of_the_stored_runs(parity, name, weights):
    published = json.loads((parity.folder / "mavos_keys.json").read_text())[name]
    ours = parity._synthetic.fingerprint(weights)
    assert ours == published["fingerprint_of_synthetic_weights"]


@R50
@torch.no_grad()
def test_a_given_frame_is_remembered_as_published(net, parity, golden):
    block = first(net, parity)[0]
    for ours, kind in ((block.key, "key"), *zip(block.value.chunk(2, 1), VALUES, strict=True)):
        parity.compare(ours[:, None], golden[f"main__t0_long_term_layer0_{kind}"])


@torch.no_grad()
def test_identities_are_propagated_and_decoded_as_published(net, parity, golden):
    memory, frame = first(net, parity), seen(net, parity, 1)
    parity.compare(frame.x.T.reshape(1, 256, 7, 9), golden["main__t1_encoded"])
    propagated, traces = net.propagate(frame, memory, memory)
    parity.compare(tokens_of(propagated)[:, None], golden["main__t1_propagated2"])
    logits = net.decode(frame, propagated, 2, (25, 33))
    parity.compare(logits[None], golden["main__t1_decoder_logits"])
    assert [each.stream is None for each in traces] == [True, False, False]


@R50
@torch.no_grad()
def test_frames_are_taken_into_a_memory_of_constant_size_as_published(net, parity, golden):
    """Keys of the first block are the image's alone, and so need no tracking."""
    block, modulation = next(net.LSTT.blocks()), net.long_term_memory_attention[0]
    dynamic = None
    for t in (3, 6, 9):
        frame = seen(net, parity, t)
        trace, _ = block.look(frame.x, torch.zeros_like(frame.x))
        new = Tokens(trace.key, torch.cat([trace.value, trace.value], 1))
        dynamic = new if dynamic is None else modulation(new, dynamic, frame.grid)
    stored = {kind: golden[f"main__t11_long_term_layer0_{kind}"][:63, 0] for kind in KINDS[:2]}
    parity.compare(dynamic.key, stored["key"])
    parity.compare(dynamic.value[:, :512], stored["value"])


@MOBILENET
@torch.no_grad()
def test_what_is_far_in_the_frame_before_is_not_read(net):
    """The window ends seven places away; the long-term memory has no such end."""
    block, grid = next(net.LSTT.blocks()), (1, 12)
    chance = torch.Generator().manual_seed(0)
    query, key, gate, value = (
        torch.randn(12, channels, generator=chance) for channels in (128, 128, 1024, 1024)
    )
    changed = value.clone()
    changed[11] += 1
    for attention, reaches in ((block.short_term_attn, 8), (block.long_term_attn, 12)):
        one, other = (attention(query, Tokens(key, v), gate, grid) for v in (value, changed))
        differ = (one - other).abs().amax(1) > 1e-6
        # The convolution of 5 x 5 carries it two places further.
        first_to_see = max(0, 12 - reaches - 2)
        assert differ.tolist() == [place >= first_to_see for place in range(12)]


@MOBILENET
def test_weights_of_something_else_are_refused(weights):
    with pytest.raises(KeyError):
        encoder_of({"encoder.conv1.weight": torch.zeros(1)})
    fewer = {key: each for key, each in weights.items() if key != "id_norm.bias"}
    with pytest.raises(LazyVosError, match=r"not of the network MavosNet: 1 .* id_norm\.bias"):
        build(MavosNet, fewer, "mavos")
