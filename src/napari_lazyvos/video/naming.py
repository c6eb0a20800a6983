"""How a file or folder on disk names the video in it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["video_name"]

GENERIC = {"frames", "images", "img", "imgs"}  # such a folder is named by the one that holds it
SUFFIXES = {".ome", ".zarr", ".gz"}  # second suffixes, as in cells.ome.tif


def video_name(path: Path) -> str:
    """Return a short name, without folder or suffix, after which results are named.

    Examples
    --------
    >>> video_name(Path("data/cells.ome.tif"))
    'cells'
    >>> video_name(Path("data/patient 7/frames"))
    'patient 7'
    """
    path = path.resolve()
    if path.name.lower() in GENERIC and path.parent.name:
        return path.parent.name
    if path.is_dir() and path.suffix.lower() not in SUFFIXES:
        return path.name
    stem = path.stem
    while Path(stem).suffix.lower() in SUFFIXES:
        stem = Path(stem).stem
    return stem
