"""Work on clips that other processes can import, too: what a clip is called is what it does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.errors import LazyVosError


def do(clip: Clip, folder: Path, on_frame: Callable[[], object]) -> tuple[str, int]:
    """Return the name of the clip, and the process."""
    (folder / "file").write_text("something")  # the folder is there, and its own
    on_frame()
    if clip.name == "broken":
        raise LazyVosError("it is no video: take another.")
    if clip.name == "wrong":
        raise ZeroDivisionError("by hand")
    if clip.name == "dead":
        os._exit(1)
    while clip.name == "endless":
        on_frame()
    return clip.name, os.getpid()
