"""Videos of one's own: three arrangements, and real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

FRAMES = [f"{t:05d}" for t in range(4)]


def write_stack(path, stack):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, stack, photometric="minisblack")


def open_files():
    return {Path(each.path).name for each in psutil.Process().open_files()}


def test_a_folder_for_each_video(data, look):
    data.frames("heart/frames", FRAMES)
    data.labels("heart/masks", {FRAMES[1]: look.drawn(1), FRAMES[3]: look.drawn(2)})
    data.text("heart/frames.csv", "frame,phase")  # none of the two
    data.text("heart/SOURCE.md", "# heart")
    data.frames("unknown/frames", FRAMES)
    (clip,) = find_clips(data.root, "folder")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("heart", None, True)
    assert (clip.saved, clip.unseen) == (None, None)
    assert look.names(clip) == FRAMES
    known = [look.known(clip, t) for t in range(4)]
    assert known == [{}, {1: True, 2: False}, {}, {1: False, 2: True}]


def test_two_stacks_for_each_video(data, look):
    masks = np.stack([look.drawn(*labels) for labels in ((), (1,), (1, 3), (255,))])
    write_stack(data.root / "wing/masks.tif", masks.astype(np.uint16))
    write_stack(data.root / "wing/frames.tif", np.stack([look.drawn(t + 1) for t in range(4)]))
    (clip,) = find_clips(data.root, "folder")
    look.check(clip)
    known = [look.known(clip, t) for t in range(4)]
    alone, both = {1: True, 3: False}, {1: True, 3: True}
    assert known == [{1: False, 3: False}, alone, both, alone]  # 255 alone is object 1
    assert "masks.tif" in open_files()
    clip.references.close()
    assert "masks.tif" not in open_files()


@pytest.mark.parametrize(("videos", "masks"), [("videos", "masks"), ("JPEGImages", "Annotations")])
def test_two_folders(videos, masks, data, look):
    data.frames(f"{videos}/day1", FRAMES)
    data.labels(f"{masks}/day1", {FRAMES[0]: look.drawn(1, 2)})
    data.frames(f"{videos}/day2", FRAMES)
    write_stack(data.root / masks / "day2.tif", np.stack([look.drawn(3)] * 4))
    clips = find_clips(data.root, "folder")
    assert [clip.name for clip in clips] == ["day1", "day2"]
    for clip in clips:
        look.check(clip)
    assert [look.known(clips[0], t) for t in range(2)] == [{1: True, 2: True}, {}]
    data.frames(f"{videos}/day3", FRAMES)
    with pytest.warns(UserWarning, match="day3 has no masks: it is left out"):
        assert len(find_clips(data.root, "folder")) == 2


def test_masks_that_do_not_fit_are_told_when_they_are_read(data, look):
    data.frames("heart/frames", FRAMES)
    data.labels("heart/masks", {FRAMES[1]: look.drawn(1, size=(6, 8))})
    (clip,) = find_clips(data.root, "folder")
    with pytest.raises(LazyVosError, match="are 6 x 8, but the video heart is 12 x 16"):
        clip.references.at(0)


@pytest.mark.parametrize(("kind", "videos"), [("microscopy", 4), ("medical", 13)])
def test_real_videos(kind, videos, shared, look):
    clips = find_clips(shared / "data" / kind, "folder")
    assert len(clips) == videos
    for name in ("laptrack_nuclei", "pyradiomics_brain1", "recist_ct_lesion_000001"):
        for clip in clips:
            if clip.name.startswith(name):
                look.check(clip)


def test_a_tumour_of_some_slices(shared, look):
    folder = shared / "data" / "medical"
    (clip,) = find_clips(folder, "folder", only="pyradiomics_brain1")
    assert [t for t in range(25) if look.known(clip, t)[1]] == [*range(11, 18)]
    clip.references.close()
