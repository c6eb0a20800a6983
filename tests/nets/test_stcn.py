"""STCN's network against what the authors' own computed with the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.reading import Query, weigh
from napari_lazyvos.nets.encoders import for_several
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.nets.stm import aggregate
from napari_lazyvos.nets.weights import build
from napari_lazyvos.trackers.canvas import Canvas


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(StcnNet())


@pytest.fixture(scope="module")
def net(weights):
    return build(StcnNet, weights, "stcn")


@pytest.fixture(scope="module")
def golden(parity):
    return parity.golden("stcn")


@pytest.fixture(scope="module")
def key(net, parity):
    with torch.no_grad():
        return net.encode_key(image_of(parity, 1))


def image_of(parity, t):
    return Canvas(112, 144, -1).image(parity.frame("main", t), torch.device("cpu"))


def test_the_keys_are_the_published_ones(parity, weights):
    published = json.loads((parity.folder / "stcn_keys.json").read_text())["keys"]
    ours = {name: list(each.shape) for name, each in weights.items()}
    assert ours == {name: shape for name, (shape, _) in published.items()}


def test_weights_of_something_else_are_refused(weights):
    others = {name: each for name, each in weights.items() if name != "key_comp.bias"}
    with pytest.raises(LazyVosError, match=r"not of the network StcnNet: 1 .* key_comp\.bias"):
        build(StcnNet, others, "stcn")


def test_weights_of_one_object_get_a_channel_for_the_others(weights):
    first = "value_encoder.conv1.weight"
    fitted = for_several({first: weights[first][:, :4]})[first]
    assert torch.equal(fitted[:, :4], weights[first][:, :4])
    assert not fitted[:, 4].any()
    assert for_several(weights) is weights


@torch.no_grad()
def test_an_image_is_encoded_as_published(net, key, golden, parity):
    parity.compare(key.key, golden["main__t1_key"])
    parity.compare(key.thin, golden["main__t1_f16_thin"])
    parity.compare(key.f16, golden["main__t1_f16"])
    _, f8, f4 = net.key_encoder(image_of(parity, 1))
    parity.compare(f8.mean((2, 3)), golden["main__t1_f8_channel_mean"])
    parity.compare(f4.mean((2, 3)), golden["main__t1_f4_channel_mean"])


@torch.no_grad()
def test_masks_are_encoded_and_read_as_published(net, key, golden, parity):
    image = image_of(parity, 0)
    labels = torch.from_numpy(parity.clips["main_labels"][0])
    masks = torch.stack([labels == 1, labels == 2]).float()
    before = net.encode_key(image)
    value = net.encode_value(image, before, masks)
    parity.compare(value, golden["main__t0_value"][:, :, 0])
    keys, query = (each.key[0].flatten(1).T.contiguous() for each in (before, key))
    (shares,) = weigh(keys, None, Query(query, None), [None], 20)
    readout = [shares.take(each.flatten(1).T.contiguous()).T for each in value]
    parity.compare(torch.stack(readout).view(2, 512, 7, 9), golden["main__t1_readout"])
    table = torch.zeros(63, 63).scatter_(1, shares.rows, shares.shares).T
    parity.compare(table[None], golden["main__t1_affinity"])


@torch.no_grad()
def test_a_readout_is_decoded_as_published(net, key, golden):
    readout = torch.from_numpy(golden["main__t1_readout"].astype(np.float32))
    found = aggregate(net.decode(key, readout))[1:]
    assert found.shape == (2, 112, 144)
    published = torch.from_numpy(golden["main__prob"][1].astype(np.float32))
    assert (found - published).abs().max() < 3e-3  # the readout was stored as float16
