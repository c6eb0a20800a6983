"""The catalogue of published weights."""

from __future__ import annotations

import re

import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.catalogue import entries, find, find_file, of_method
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.nets.xmem import XMemNet


def test_every_entry_says_what_a_person_needs_to_know():
    for entry in entries():
        assert entry.kind in ("tracker", "refiner", "fusion")
        assert entry.title
        assert entry.publication
        assert entry.code_licence
        assert entry.weights_licence
        assert entry.url.startswith("https://")
        assert entry.url.endswith(f"/{entry.file}") != entry.by_hand
        assert (entry.size is None) != (entry.size_about is None)
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)


def test_names_and_files_are_used_once():
    for each in ("name", "file"):
        values = [getattr(entry, each).lower() for entry in entries()]
        assert len(set(values)) == len(values)


def test_the_default_of_a_method_is_its_first():
    assert of_method("xmem")[0].file == "XMem-s012.pth"
    assert of_method("sam_hq")[0].file == "sam_hq_vit_tiny.pth"
    assert of_method("stcn")[0].file == "stcn.pth"
    assert of_method("mivos")[0].file == "propagation_model.pth"
    assert of_method("handcrafted") == ()


def test_a_size_that_was_computed_is_called_so():
    assert find("xmem").how_large == "about 249 MB"
    assert find("sam_hq_vit_h").how_large == "2.6 GB"


def test_a_file_is_known_by_its_name():
    assert find_file("xmem-S2.PTH").name == "xmem-s2"
    with pytest.raises(LazyVosError, match=r"called XMem \(1\)\.pth: add --as NAME, .* xmem-s012"):
        find_file("XMem (1).pth")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(LazyVosError, match=r"no weights 'xmen': choose one of xmem-s012, xmem, "):
        find("xmen")


@pytest.mark.parametrize("name", ["xmem", "stcn", "mivos"])
def test_a_method_is_known_by_a_tensor_that_no_other_has(name):
    nets = {"xmem": XMemNet, "stcn": StcnNet, "mivos": MivosNet}
    with torch.device("meta"):
        keys = {method: make().state_dict().keys() for method, make in nets.items()}
    tensor = find(name).tensor
    assert [method for method, own in keys.items() if tensor in own] == [name]


@pytest.mark.parametrize(("name", "net"), [("stcn", StcnNet), ("mivos", MivosNet)])
def test_a_computed_size_is_that_of_the_network(name, net):
    with torch.device("meta"):
        size = sum(each.nbytes for each in net().state_dict().values())
    assert find(name).size_about == pytest.approx(size, rel=0.005)
