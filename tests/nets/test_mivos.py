"""MiVOS' propagation network against what the authors' own computed with the same weights."""

from __future__ import annotations

import json

import pytest
import torch

from napari_lazyvos.memory.reading import Query, weigh
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.stm import aggregate
from napari_lazyvos.nets.weights import build
from napari_lazyvos.trackers.canvas import Canvas


@pytest.fixture(scope="module")
def weights(parity):
    return parity.weights(MivosNet())


@pytest.fixture(scope="module")
def net(weights):
    return build(MivosNet, weights, "mivos")


@pytest.fixture(scope="module")
def golden(parity):
    return parity.golden("mivos")


@pytest.fixture(scope="module")
def query(net, parity):
    with torch.no_grad():
        return net.encode_query(image_of(parity, 1))


@pytest.fixture(scope="module")
def remembered(net, parity):
    labels = torch.from_numpy(parity.clips["main_labels"][0])
    masks = torch.stack([labels == 1, labels == 2]).float()
    with torch.no_grad():
        return net.encode_memory(image_of(parity, 0), masks)


def image_of(parity, t):
    return Canvas(112, 144, -1).image(parity.frame("main", t), torch.device("cpu"))


def test_the_keys_are_the_published_ones(parity, weights):
    published = json.loads((parity.folder / "mivos_keys.json").read_text())["propagation"]["keys"]
    ours = {name: list(each.shape) for name, each in weights.items()}
    assert ours == {name: shape for name, (shape, _) in published.items()}


def test_an_image_is_encoded_as_published(net, query, golden, parity):
    parity.compare(query.key, golden["main__t1_query_key"])
    parity.compare(query.value, golden["main__t1_query_value"])


def test_each_object_is_encoded_as_published(remembered, golden, parity):
    keys, values = remembered
    parity.compare(keys, golden["main__t0_memory_key"][:, :, 0])
    parity.compare(values, golden["main__t0_memory_value"][:, :, 0])


@torch.no_grad()
def test_each_object_is_read_and_decoded_as_published(net, query, remembered, golden, parity):
    asked = Query(query.key[0].flatten(1).T.contiguous(), None)
    readout = []
    for key, value in zip(*remembered, strict=True):
        places, values = (each.flatten(1).T.contiguous() for each in (key, value))
        (shares,) = weigh(places, None, asked, [None], 50, dot=True)
        readout.append(shares.take(values).T.view(512, 7, 9))
    parity.compare(readout[0][None], golden["main__t1_readout_object1"])
    found = aggregate(net.decode(query, torch.stack(readout)))[1:]
    assert (found - torch.from_numpy(golden["main__prob_round1"][1]).float()).abs().max() < 1e-3
