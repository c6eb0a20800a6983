"""Weights that fit, and those that do not."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import cache
from napari_lazyvos.nets.weights import build, fill, read


def test_a_file_fills_the_network(tmp_path):
    save_file({"weight": torch.eye(2).half(), "bias": torch.ones(2).half()}, tmp_path / "w")
    net = fill(nn.Linear(2, 2), tmp_path / "w", "tracker")
    assert not net.training
    torch.testing.assert_close(net(torch.tensor([1.0, 2.0])), torch.tensor([2.0, 3.0]))


def test_a_state_dict_fills_the_network():
    state = nn.Linear(2, 2).state_dict()
    net = fill(nn.Linear(2, 2), state, "tracker")
    torch.testing.assert_close(net.state_dict(), state)


def test_a_network_can_have_its_weights_from_the_start():
    weights = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).state_dict()
    net = build(lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), weights, "tracker")
    assert not net.training
    torch.testing.assert_close(net.state_dict(), weights)
    assert net[0].weight.data_ptr() == weights["0.weight"].data_ptr()  # nothing was copied
    assert not any(each.requires_grad for each in net.parameters())
    with pytest.raises(LazyVosError, match="not of the network Linear"):
        build(lambda: nn.Linear(2, 2), weights, "tracker")


def test_weights_of_another_network_are_refused():
    with pytest.raises(LazyVosError, match="not of the network Linear"):
        fill(nn.Linear(2, 2), nn.Linear(2, 3).state_dict(), "tracker")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "w").write_bytes(b"no tensors here")
    with pytest.raises(LazyVosError, match="no file of weights"):
        fill(nn.Linear(2, 2), tmp_path / "w", "tracker")


def test_weights_that_are_not_bundled_are_those_of_the_catalogue(publisher):
    with pytest.raises(LazyVosError, match="lazyvos models download toy-first"):
        read(None, "toy")
    cache.folder().mkdir()
    (cache.folder() / "Toy-First.pth").write_bytes(publisher.files["Toy-First.pth"])
    assert read(None, "toy").keys() == {"toy.weight"}
    assert "toy.weight" not in read(None, "clicks")


def test_weights_are_known_by_their_name_in_the_catalogue(publisher, tmp_path, monkeypatch):
    with pytest.raises(LazyVosError, match="lazyvos models download toy-sure"):
        read("toy-sure", "toy")
    cache.folder().mkdir()
    for file in publisher.files:
        (cache.folder() / file).write_bytes(publisher.files[file])
    assert read(None, "toy")["toy.weight"][0] == 0
    assert read("toy-sure", "toy")["toy.weight"][0] == 1
    with pytest.raises(LazyVosError, match="toy-sure are of the tracker toy, and of no other"):
        read("toy-sure", "tracker")
    monkeypatch.chdir(tmp_path)
    save_file({"other": torch.ones(1)}, "toy-sure")
    assert read("toy-sure", "toy").keys() == {"toy.weight"}
    assert read("./toy-sure", "toy").keys() == {"other"}


def test_a_word_that_is_neither_name_nor_file_is_answered_with_the_names(publisher):
    with pytest.raises(LazyVosError, match=r"no weights toi.* or one of toy-first, toy-sure\."):
        read("toi", "toy")
    with pytest.raises(LazyVosError, match=r"no weights toi: give the path of a file\."):
        read("toi", "tracker")
