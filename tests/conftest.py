"""Fixtures and rules that hold for every test."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


@pytest.fixture(scope="session", autouse=True)
def _no_models_of_the_user(tmp_path_factory) -> Iterator[None]:
    """Let no test read or write the published weights that whoever runs it has downloaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAZYVOS_MODELS", str(tmp_path_factory.mktemp("models") / "none"))
        yield


PIECE = 1 << 16  # bytes that the site sends at a time


class Publisher(ThreadingHTTPServer):
    """A site on this computer that publishes weights, as badly as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files: dict[str, bytes] = {}
        self.asked: list[str | None] = []  # the ranges, in the order of the requests
        self.ranges = True  # False: sends the whole file whatever is asked
        self.kind = "application/octet-stream"
        self.cut: int | None = None  # so many bytes are sent, then the connection is closed
        self.before_cut: Callable[[], object] = lambda: None
        self.seconds = 0.0  # between two pieces of the file

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request, client_address) -> None:
        """Say nothing of visitors who hang up."""


class _Answer(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        content = self.server.files.get(self.path.removeprefix("/"))
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if content is None:
            self.send_error(404)
            return
        begin = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.server.ranges else 0
        if begin and begin >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Type", "text/html")  # as nginx does
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        sent = content[begin : self.server.cut]
        for start in range(0, len(sent), PIECE):
            self.wfile.write(sent[start : start + PIECE])
            time.sleep(self.server.seconds)
        if self.server.cut is not None:
            self.server.before_cut()

    def log_message(self, *args) -> None:
        """Keep the terminal clean."""


TABLE = """
[toy]
kind = "tracker"
publication = "Nobody, A Toy, 2026"
code_licence = "MIT"
weights_licence = "not stated by the authors"
url = "{url}"
tensor = "toy.weight"

[[toy.files]]
name = "toy-first"
file = "Toy-First.pth"
title = "Toy without a published checksum"
size_about = 800_000

[[toy.files]]
name = "toy-sure"
file = "Toy-Sure.pth"
title = "Toy with a published checksum"
size = {size}
sha256 = "{sha256}"
"""


@pytest.fixture
def publisher(tmp_path, monkeypatch) -> Iterator[Publisher]:
    """Publish two files of toy weights; they and nothing else are in the catalogue."""
    import torch

    from napari_lazyvos.models import catalogue

    monkeypatch.setenv("LAZYVOS_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Publisher() as site:
        for number, name in enumerate(("Toy-First.pth", "Toy-Sure.pth")):
            file = io.BytesIO()
            torch.save({"toy.weight": torch.full((200_000,), float(number))}, file)
            site.files[name] = file.getvalue()
        sure = site.files["Toy-Sure.pth"]
        facts = {"size": len(sure), "sha256": hashlib.sha256(sure).hexdigest(), "url": site.url}
        table = tmp_path / "catalogue.toml"
        table.write_text(TABLE.format(**facts), encoding="utf-8")
        monkeypatch.setattr(catalogue, "TABLE", table)
        thread = threading.Thread(target=site.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


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
