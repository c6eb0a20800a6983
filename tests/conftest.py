"""Fixtures and rules that hold for every test."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real videos that are too large for the repository; skip without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real videos in {SHARED}: set LAZYVOS_SHARED to their folder")
    return SHARED


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
