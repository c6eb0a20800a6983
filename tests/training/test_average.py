"""Averaging weights."""

from __future__ import annotations

import torch
from safetensors.torch import load_file, save_file

from training.average import average
from training.run import write


def test_each_tensor_is_the_mean_of_its_own(tmp_path):
    files = [tmp_path / f"{n}.safetensors" for n in range(3)]
    for n, file in enumerate(files):
        save_file({"a": torch.full((2,), float(n)).half(), "b": torch.tensor([3.0 * n])}, file)
    mean = average(files)
    assert mean["a"].tolist() == [1.0, 1.0]
    assert mean["b"].tolist() == [3.0]


def test_what_is_written_is_half_as_long_and_its_checksum_beside_it(tmp_path):
    write({"a": torch.tensor([0.5, 2.0])}, tmp_path / "folder" / "net.safetensors")
    assert load_file(tmp_path / "folder" / "net.safetensors")["a"].dtype == torch.float16
    assert (tmp_path / "folder" / "SHA256SUMS").read_text().endswith("  net.safetensors\n")
