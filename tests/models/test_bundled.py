"""The weights in the package."""

from __future__ import annotations

import shutil

import pytest
import torch

from napari_lazyvos.models.bundled import WEIGHTS, BundledWeightsError, bundled


@pytest.mark.parametrize("name", ["tracker", "clicks"])
def test_they_are_there_and_finite(name):
    weights = bundled(name)
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())
    assert all(tensor.isfinite().all() for tensor in weights.values())


def test_together_they_are_small():
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) < 15e6


def test_missing_ones_are_named(tmp_path):
    with pytest.raises(BundledWeightsError, match=r"tracker\.safetensors are missing: install"):
        bundled("tracker", tmp_path)


def test_a_changed_byte_is_noticed(tmp_path):
    shutil.copytree(WEIGHTS, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "clicks.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundledWeightsError, match=r"clicks\.safetensors are damaged"):
        bundled("clicks", tmp_path)
    bundled("tracker", tmp_path)
