"""Fixtures and rules that hold for every test."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("LAZYVOS_SHARED", ROOT.parent / "shared"))

# Thread pools of libraries, which live as long as the process.
LIBRARY_POOLS = ("asyncio_", "zarr")
GRACE_SECONDS = 2.0  # for threads that were told to stop and are on their way

# On a busy machine the first example is slow for reasons that say nothing about the code.
settings.register_profile("lazyvos", deadline=None)
settings.load_profile("lazyvos")


class Parity:
    """What the authors' networks computed with weights that anyone can make anew.

    The README beside the files says what they are, and how near is near enough.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clips = np.load(folder / "clips.npz")
        spec = spec_from_file_location("synthetic_weights", folder / "synthetic_weights.py")
        assert spec is not None
        assert spec.loader is not None
        self._synthetic = module_from_spec(spec)
        spec.loader.exec_module(self._synthetic)

    def golden(self, model: str) -> Any:
        """Return the arrays of one model, by name."""
        return np.load(self.folder / f"{model}_golden.npz")

    def cases(self, model: str) -> dict[str, Any]:
        """Return how each clip of a model was run."""
        meta: dict[str, Any] = json.loads(bytes(self.golden(model)["meta_json"]))
        return meta["cases"]

    def weights(self, net: Any) -> dict[str, Any]:
        """Return the synthetic weights of a network."""
        weights: dict[str, Any] = net.state_dict()
        self._synthetic.fill(weights)
        return weights

    def frame(self, clip: str, t: int) -> np.ndarray:
        """Return a frame as trackers want it: (3, H, W) float32 in [0, 1]."""
        pixels = self.clips[f"{clip}_rgb"][t].transpose(2, 0, 1)
        return np.ascontiguousarray(pixels, dtype=np.float32) / np.float32(255)

    @staticmethod
    def compare(ours: Any, theirs: np.ndarray, stored: Any = None) -> None:
        """Fail unless an array is as near as its storage allows; see the README."""
        most = float(np.abs(theirs).max())
        exact = (stored or theirs.dtype) == np.float32
        near = 1e-4 + 1e-3 * most if exact else 2e-3 * most
        assert ours.shape == theirs.shape
        assert np.abs(np.asarray(ours) - theirs.astype(np.float32)).max() <= near


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real videos that are too large for the repository; skip without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real videos in {SHARED}: set LAZYVOS_SHARED to their folder")
    return SHARED


@pytest.fixture(scope="session")
def parity() -> Parity:
    """Return what the authors' networks computed with weights that anyone can make anew."""
    folder = SHARED / "parity"
    if not folder.is_dir():
        pytest.skip(f"no parity vectors in {SHARED}: set LAZYVOS_SHARED to their folder")
    return Parity(folder)


@pytest.fixture(autouse=True)
def _nothing_keeps_running() -> Iterator[None]:
    """Fail a test that leaves a thread or a Qt worker behind."""
    before = _running()
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := _running() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"still running after the test: {sorted(map(repr, left))}"


def _running() -> set[object]:
    threads = {
        thread
        for thread in threading.enumerate()
        if not thread.daemon and not thread.name.startswith(LIBRARY_POOLS)
    }
    # `superqt` is looked up, not imported: most tests need no Qt.
    qthreading = sys.modules.get("superqt.utils._qthreading")
    return threads | (set(qthreading.WorkerBase._worker_set) if qthreading else set())
