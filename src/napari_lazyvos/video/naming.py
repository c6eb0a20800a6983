"""How a file or folder on disk names the video in it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["video_name"]

# what has one of these names is named by the folder that holds it
GENERIC = {"frames", "images", "img", "imgs"}
SUFFIXES = {".ome", ".zarr", ".gz"}  # of folders, or before the last one, as in cells.ome.tif


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
    name = path.name if path.is_dir() else path.stem
    while Path(name).suffix.lower() in SUFFIXES:
        name = Path(name).stem
    return path.parent.name if name.lower() in GENERIC and path.parent.name else name
