"""``lazyvos score``: measure masks, whoever made them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_lazyvos.cli.options import (
    DatasetJobs,
    DatasetLayout,
    DatasetOnly,
    DatasetSplit,
    Debug,
    HtmlFile,
    JsonFile,
)

__all__ = ["score"]

CORES = os.cpu_count() or 1


def score(
    masks: Annotated[
        Path, typer.Argument(help="Folder with the masks of each video, under the video's name.")
    ],
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    layout: DatasetLayout,
    split: DatasetSplit = None,
    only: DatasetOnly = "",
    cells: Annotated[bool, typer.Option("--cells", help="Measure SEG, DET and TRA, too.")] = False,
    jobs: DatasetJobs = CORES,
    json: JsonFile = None,
    html: HtmlFile = None,
    debug: Debug = False,
) -> None:
    """Compare masks with those of a data set.

    The masks of a video are label pictures with the names of its frames; a frame without one counts
    as empty.
    """
    from napari_lazyvos.benchmark.layouts import find_clips
    from napari_lazyvos.benchmark.results import Report
    from napari_lazyvos.benchmark.score import score_masks
    from napari_lazyvos.benchmark.versions import versions
    from napari_lazyvos.cli.measuring import measure_clips

    clips = find_clips(dataset, layout, split=split, only=only)
    about = {"dataset": dataset.name, "layout": layout, "split": split, "masks": masks.name}
    work = partial(score_masks, masks=masks, cells=cells, pictures=html is not None)
    measure_clips(Report(about, versions()), clips, work, jobs=jobs, json=json, html=html)
