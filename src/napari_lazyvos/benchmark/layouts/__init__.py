"""How data sets lie on disk, each as its authors publish it; one module each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.benchmark.clip import Clip
    from napari_lazyvos.benchmark.layouts.tree import Found

__all__ = ["LAYOUTS", "Layout", "find_clips"]


@dataclass(frozen=True, slots=True)
class Layout:
    """What there is to say of a layout before its module is imported."""

    title: str  # one line
    module: str  # in this package
    looked_for: str  # what must lie in the folder that is given; {split} is the split
    splits: tuple[str, ...] = ()  # the default first; none, if the set is not split


_DAVIS = "JPEGImages/480p with sequences.txt or ImageSets/{}/{{split}}.txt beside it"
_TREE = "{split}/JPEGImages/VIDEO with {split}/Annotations/VIDEO"

LAYOUTS = {
    "davis2016": Layout(
        "DAVIS 2016: one object per video",
        "davis2016",
        _DAVIS.format(2016),
        ("val", "train"),
    ),
    "davis2017": Layout(
        "DAVIS 2017: several objects per video",
        "davis2017",
        _DAVIS.format(2017),
        ("val", "train", "test-dev", "test-challenge"),
    ),
    "youtube-vos": Layout(
        "YouTube-VOS 2018 and 2019: objects that appear at any time",
        "youtube_vos",
        _TREE,
        ("valid", "train", "test"),
    ),
    "lvos": Layout("LVOS: long videos", "lvos", _TREE, ("valid", "train", "test")),
    "long-videos": Layout(
        "Long Videos: three long videos with masks of some frames",
        "long_videos",
        _TREE,
        ("long_video", "long_video_x3"),
    ),
    "mose": Layout("MOSE: crowded scenes", "mose", _TREE, ("valid", "train")),
    "vots": Layout(
        "VOT and VOTS challenges: ground truth in text files",
        "vots",
        "list.txt with the names of the sequences",
    ),
    "burst": Layout(
        "BURST: run-length masks in one json",
        "burst",
        "{split}/all_classes.json or {split}/first_frame_annotations.json, and frames/{split}",
        ("val", "test", "train"),
    ),
    "ctc": Layout(
        "Cell Tracking Challenge, 2-D: cells that divide",
        "ctc",
        "sequences such as 01 with 01_GT/TRA/man_track.txt",
    ),
    "folder": Layout(
        "videos of your own with their masks",
        "folder",
        "VIDEO/frames with VIDEO/masks, videos/VIDEO with masks/VIDEO, or JPEGImages/VIDEO with "
        "Annotations/VIDEO",
    ),
}
"""Names of the layouts, the published ones first."""


def find_clips(
    root: Path, layout: str, *, split: str | None = None, only: str | None = None
) -> list[Clip]:
    """Find the videos of a data set with their references.

    Parameters
    ----------
    root : folder of the data set
    layout : one of `LAYOUTS`
    split : one of the layout's splits, optional
        Without it, the first one.
    only : str, optional
        Only the videos that have this in their name.

    Returns
    -------
    list of Clip, at least one
        Their masks are read when they are asked for.

    Raises
    ------
    LazyVosError
        If there is no such layout, split or folder; nothing in it is laid out so; or some part of
        a video is missing.
    """
    if layout not in LAYOUTS:
        raise LazyVosError(f"there is no layout {layout!r}: choose one of {', '.join(LAYOUTS)}.")
    if not root.is_dir():
        raise LazyVosError(f"there is no folder {root}: give the folder of the data set.")
    split = _choose_split(layout, split)
    found: Found = import_module(f"{__name__}.{LAYOUTS[layout].module}").find(root, split)
    if not found:
        looked_for = LAYOUTS[layout].looked_for.format(split=split)
        raise LazyVosError(
            f"{root} holds no videos in the layout {layout}: it should hold {looked_for}."
        )
    names = [name for name in found if only is None or only in name]
    if not names:
        known = ", ".join([*found][:5] + ["..."] * (len(found) > 5))
        raise LazyVosError(f"no video in {root} has {only!r} in its name: there are {known}.")
    return [found[name]() for name in names]


def _choose_split(layout: str, split: str | None) -> str:
    splits = LAYOUTS[layout].splits
    if split is None:
        return splits[0] if splits else ""
    if not splits:
        raise LazyVosError(f"the layout {layout} has no splits: leave {split!r} out.")
    if split not in splits:
        raise LazyVosError(
            f"the layout {layout} has no split {split!r}: choose one of {', '.join(splits)}."
        )
    return split
