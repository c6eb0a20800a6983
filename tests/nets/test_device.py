from __future__ import annotations

import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.device import choose


def test_cpu_is_always_there():
    assert choose("cpu") == torch.device("cpu")


def test_auto_takes_what_is_there():
    here = "cuda" if torch.cuda.is_available() else None
    here = here or ("mps" if torch.backends.mps.is_available() else "cpu")
    assert choose("auto").type == here


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_device_is_named():
    with pytest.raises(LazyVosError, match="cuda"):
        choose("cuda")
