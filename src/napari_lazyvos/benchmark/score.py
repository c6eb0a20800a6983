"""Masks that anything made, compared with the references of a clip."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.mask_folder import MaskFolder
from napari_lazyvos.benchmark.play import measure
from napari_lazyvos.benchmark.results import SequenceResult
from napari_lazyvos.benchmark.targets import find_targets
from napari_lazyvos.video import open_video

__all__ = ["score_masks"]


def score_masks(
    clip: Clip,
    folder: Path,
    on_frame: Callable[[], object] = lambda: None,
    *,
    masks: Path,
    cells: bool = False,
    pictures: bool = False,
) -> SequenceResult:
    """Measure the masks of a clip; see `runner.Work`.

    Parameters
    ----------
    clip : Clip
    folder : not needed
    on_frame : called after each frame that is compared
    masks : Path
        Folder with the masks of each clip in a folder of its name; see `MaskFolder`.
    cells, pictures : see `measure`

    Raises
    ------
    LazyVosError
        If there are no masks of this clip, or they are of another size.
    """
    with open_video(clip.video) as video, closing(clip.references):
        predicted = MaskFolder(masks / clip.name, video)

        def found(t: int) -> np.ndarray:
            on_frame()
            return predicted.at(t)

        targets = find_targets(clip, video.frames or 0)
        return measure(clip, video, targets, found, cells=cells, pictures=pictures)
