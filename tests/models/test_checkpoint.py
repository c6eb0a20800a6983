"""Checkpoints: what is read, and what is refused without running it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.checkpoint import read_checkpoint

WEIGHTS = {"one.weight": torch.arange(6.0).reshape(2, 3), "one.bias": torch.zeros(2)}


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("wrap", [dict, lambda weights: {"state_dict": weights, "epoch": 3}])
def test_what_torch_saved_is_read(tmp_path, wrap):
    torch.save(wrap(WEIGHTS), tmp_path / "net.pth")
    torch.testing.assert_close(read_checkpoint(tmp_path / "net.pth"), WEIGHTS)


def test_the_name_of_a_parallel_module_is_dropped(tmp_path):
    torch.save({f"module.{key}": each for key, each in WEIGHTS.items()}, tmp_path / "net.pth")
    assert read_checkpoint(tmp_path / "net.pth").keys() == WEIGHTS.keys()


def test_safetensors_are_known_by_their_content(tmp_path):
    save_file(WEIGHTS, tmp_path / "net.pth")
    torch.testing.assert_close(read_checkpoint(tmp_path / "net.pth"), WEIGHTS)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_does_not_run(tmp_path, zipped):
    trap = {"one.weight": Trap(tmp_path / "sprung")}
    if zipped:
        torch.save(trap, tmp_path / "net.pth")
    else:
        (tmp_path / "net.pth").write_bytes(pickle.dumps(trap, protocol=2))
    with pytest.raises(LazyVosError, match="was refused"):
        read_checkpoint(tmp_path / "net.pth")
    assert not (tmp_path / "sprung").exists()
    with (tmp_path / "net.pth").open("rb") as file:
        if not zipped:
            pickle.load(file)
            assert (tmp_path / "sprung").exists()  # the trap was real


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_file_that_was_cut_off_is_refused(tmp_path, share):
    torch.save(WEIGHTS, tmp_path / "whole.pth")
    content = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "net.pth").write_bytes(content[: int(share * len(content))])
    with pytest.raises(LazyVosError, match="damaged"):
        read_checkpoint(tmp_path / "net.pth")


def test_a_web_page_is_called_one(tmp_path):
    (tmp_path / "net.pth").write_text("\n<!DOCTYPE html><html>Quota exceeded</html>")
    with pytest.raises(LazyVosError, match="web page"):
        read_checkpoint(tmp_path / "net.pth")


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(LazyVosError, match=r"net\.pth cannot be read: No such file"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [torch.zeros(2)]])
def test_what_holds_no_weights_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(LazyVosError, match="not"):
        read_checkpoint(tmp_path / "net.pth")
