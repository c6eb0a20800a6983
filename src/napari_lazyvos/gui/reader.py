"""Opens movies and DICOM clips in napari without loading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["LayerData", "get_reader", "layer_data"]

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
Reader: TypeAlias = Callable[[str | Sequence[str]], list[LayerData]]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return what reads this path, or None for a list of paths, which is no video.

    Parameters
    ----------
    path : str or sequence of str
        napari asks only for the suffixes that the manifest names.
    """
    return read if isinstance(path, str) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Return an Image layer that decodes a frame when it is looked at."""
    return [layer_data(Path(str(path)))]


def layer_data(path: Path) -> LayerData:
    """Return the Image layer of a video file, as napari's readers return it."""
    # Imported here: napari imports this module to ask whether a path is ours.
    from napari_lazyvos.gui.frames import LazyFrames, layer_arguments
    from napari_lazyvos.video import open_video

    frames = LazyFrames(open_video(path).source)
    return frames, layer_arguments(frames), "image"
