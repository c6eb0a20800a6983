"""Weights that a person has to get, since their authors' site gives them to no program."""

from __future__ import annotations

import pytest
import requests
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.difference import MivosFusion
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import entries, find
from napari_lazyvos.models.download import download

BY_HAND = [entry.name for entry in entries() if entry.by_hand]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))


def saved(path, name):
    """Return a file as a browser saves it; of what is in it only the name of a tensor is right."""
    torch.save({find(name).tensor: torch.zeros(3)}, path)
    return path


def test_these_methods_are_such_ones():
    assert {find(name).method for name in BY_HAND} == {
        "stcn",
        "mivos",
        "mivos-fusion",
        "livos",
        "simvos",
        "mavos",
    }


def load(entry):
    if entry.kind == "fusion":
        return MivosFusion(entry.name)
    return trackers.load(entry.method, weights=entry.name, device="cpu")


@pytest.mark.parametrize("name", BY_HAND)
def test_what_to_do_is_told_and_no_network_is_asked(name, monkeypatch):
    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("the network was asked"))
    entry = find(name)
    for ask in (lambda: download(entry), lambda: load(entry)):
        with pytest.raises(LazyVosError) as error:
            ask()
        assert f"open {entry.url} in a browser, save the file ({entry.how_large})" in str(
            error.value
        )
        assert f"`lazyvos models add {entry.file}`" in str(error.value)
        assert "models download" not in str(error.value)
    assert not cache.folder().exists()


@pytest.mark.parametrize("name", BY_HAND)
def test_a_file_that_was_saved_can_be_added(name, tmp_path):
    entry = find(name)
    file = saved(tmp_path / entry.file, name)
    assert cache.add(file) == entry
    assert cache.weights_for(name) == cache.place(entry)
    assert download(entry) == cache.place(entry)  # there is nothing left to do
    assert cache.add(file.rename(tmp_path / "download (1)"), name) == entry


def test_a_file_of_another_method_is_refused(tmp_path):
    with pytest.raises(LazyVosError, match=r"not of mivos: there is no kv_m_f16"):
        cache.add(saved(tmp_path / "stcn.pth", "stcn"), "mivos")
