"""Files that are there in full or not at all, however the process ends."""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["PARTIAL", "write_bytes"]

PARTIAL = ".partial-"  # how the name of a file begins that is not finished yet


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file beside its place, then move it there: a reader sees the old or the new one.

    Parameters
    ----------
    path : its folder exists
    data : the whole content
    """
    partial = path.with_name(f"{PARTIAL}{os.getpid()}-{threading.get_ident()}-{path.name}")
    partial.write_bytes(data)
    os.replace(partial, path)
