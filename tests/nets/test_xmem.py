"""XMem's network against what the authors' own computed with the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.weights import fill
from napari_lazyvos.nets.xmem import Sizes, XMemNet
from napari_lazyvos.trackers.canvas import Canvas


@pytest.fixture(scope="module")
def net(parity):
    weights = parity.weights(XMemNet())
    return fill(XMemNet(Sizes.of(weights)), weights, "xmem")


def image_of(parity, t):
    return Canvas(112, 144, -1).image(parity.frame("main", t), torch.device("cpu"))


@pytest.fixture(scope="module")
def golden(parity):
    return parity.golden("xmem")


def test_the_keys_are_the_published_ones(parity):
    published = json.loads((parity.folder / "xmem_keys.json").read_text())["keys"]
    ours = {name: list(each.shape) for name, each in XMemNet().state_dict().items()}
    assert ours == {name: shape for name, (shape, _) in published.items()}


def test_without_sensory_memory_there_are_ten_keys_fewer():
    net = XMemNet(Sizes(hidden=0))
    assert len(net.state_dict()) == 402  # as of XMem-no-sensory.pth
    assert Sizes.of(net.state_dict()) == Sizes(hidden=0)


def test_weights_of_something_else_are_refused():
    with pytest.raises(LazyVosError, match="not of the network XMemNet"):
        fill(XMemNet(), XMemNet(Sizes(hidden=0)).state_dict(), "xmem")


@torch.no_grad()
def test_an_image_is_encoded_as_published(net, golden, parity):
    key = net.encode_key(image_of(parity, 1))
    parity.compare(key.key, golden["long_term__t1_key"])
    parity.compare(key.selection, golden["long_term__t1_selection"])
    parity.compare(key.f16, golden["long_term__t1_f16"])
    _, f8, f4 = net.key_encoder(image_of(parity, 1))
    parity.compare(f8.mean((2, 3)), golden["long_term__t1_f8_channel_mean"])
    parity.compare(f4.mean((2, 3)), golden["long_term__t1_f4_channel_mean"])
    first = net.encode_key(image_of(parity, 0))
    parity.compare(first.shrinkage, golden["long_term__t0_shrinkage"])


@torch.no_grad()
def test_masks_are_encoded_and_felt_as_published(net, golden, parity):
    image = image_of(parity, 0)
    labels = torch.from_numpy(parity.clips["main_labels"][0])
    # Soft aggregation leaves a mask of zeros and ones all but as it is.
    masks = torch.stack([labels == 1, labels == 2]).float()
    value = net.encode_value(image, net.encode_key(image), masks)
    parity.compare(value, golden["long_term__t0_value"][0])
    hidden = net.refresh(torch.zeros(2, 64, 7, 9), value)
    parity.compare(hidden, golden["long_term__t0_hidden_after_value"][0])


@torch.no_grad()
def test_a_readout_is_decoded_as_published(net, golden, parity):
    key = net.encode_key(image_of(parity, 1))
    readout = torch.from_numpy(golden["long_term__t1_readout"][0].astype(np.float32))
    hidden = torch.from_numpy(golden["long_term__t1_hidden_in"][0])
    masks, after = net.decode(key, readout, hidden)
    # The readout was stored as float16.
    parity.compare(after, golden["long_term__t1_hidden_out"][0], stored=np.float16)
    assert masks.shape == (2, 112, 144)
