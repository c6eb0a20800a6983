"""BURST: run-length masks of some frames, in one json for all videos."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as rle

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

# pycocotools' decoder is older than numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FRAMES = [f"frame{number:04d}" for number in range(1, 8)]


def coded(label_map, label):
    mask = np.asfortranarray(label_map == label, dtype=np.uint8)
    return {"rle": rle.encode(mask)["counts"].decode(), "is_gt": True}


def sequence(name, annotated, pictures, size=(12, 16)):
    """Return what the json says of a video: the label map of each annotated frame."""
    return {
        "id": 1,
        "dataset": "YFCC100M",
        "seq_name": name,
        "height": size[0],
        "width": size[1],
        "fps": 30,
        "all_image_paths": [f"{frame}.jpg" for frame in FRAMES],
        "annotated_image_paths": [f"{frame}.jpg" for frame in annotated],
        "neg_category_ids": [],
        "not_exhaustive_category_ids": [],
        "track_category_ids": {"3": 805, "12": 793},
        "segmentations": [
            {str(k): coded(picture, k) for k in np.unique(picture[picture > 0]).tolist()}
            for picture in pictures
        ],
    }


def write(data, file, *sequences):
    data.json(file, {"sequences": list(sequences), "categories": [], "split": "val"})


def test_all_masks(data, look):
    data.frames("frames/val/YFCC100M/v_1", FRAMES)
    data.frames("frames/val/YFCC100M/v_2", FRAMES)
    pictures = [look.drawn(12), look.drawn(), look.drawn(3, 12)]
    annotated = [FRAMES[t] for t in (0, 3, 6)]
    first, second = (sequence(name, annotated, pictures) for name in ("v_1", "v_2"))
    write(data, "val/all_classes.json", first, second)
    write(data, "val/first_frame_annotations.json")
    clip, other = find_clips(data.root, "burst")
    look.check(clip)
    assert (clip.name, other.name) == ("YFCC100M/v_1", "YFCC100M/v_2")
    assert (clip.fps, clip.judge_last, clip.unseen) == (None, True, None)
    assert clip.saved == {"frame0001", "frame0004", "frame0007"}
    assert [look.known(clip, t) for t in (0, 1, 3, 6)] == [
        {3: False, 12: True},
        {},
        {3: False, 12: False},
        {3: True, 12: True},
    ]
    assert np.array_equal(clip.references.at(6)[12], pictures[2] == 12)


def test_first_masks(data, look):
    data.frames("frames/test/YFCC100M/v_1", FRAMES)
    pictures = [look.drawn(12), look.drawn(), look.drawn(3)]
    annotated = [FRAMES[t] for t in (0, 3, 6)]
    write(data, "test/first_frame_annotations.json", sequence("v_1", annotated, pictures))
    (clip,) = find_clips(data.root, "burst", split="test")
    look.check(clip)
    assert [look.known(clip, t) for t in (0, 3, 6)] == [{12: True}, {}, {3: True}]
    assert len(clip.saved) == 3


def test_what_does_not_fit_is_told(data, look):
    data.frames("frames/val/YFCC100M/v_1", FRAMES)
    write(data, "val/all_classes.json", sequence("v_1", ["frame0009"], [look.drawn(1)]))
    with pytest.raises(LazyVosError, match=r"annotates frame0009 of YFCC100M/v_1, but .*no such"):
        find_clips(data.root, "burst")
    small = sequence("v_1", FRAMES[:1], [look.drawn(1, size=(6, 8))], size=(6, 8))
    write(data, "val/all_classes.json", small)
    (clip,) = find_clips(data.root, "burst")
    with pytest.raises(LazyVosError, match=r"all_classes\.json are 6 x 8, but .* are 12 x 16"):
        clip.references.at(0)


def test_a_damaged_json_is_told(data, look):
    data.frames("frames/val/YFCC100M/v_1", FRAMES)
    whole = sequence("v_1", FRAMES[:1], [look.drawn(1)])
    without = {key: value for key, value in whole.items() if key != "height"}
    shorter = whole | {"segmentations": []}
    for content in ({}, [], {"sequences": [{}]}):
        data.json("val/all_classes.json", content)
        with pytest.raises(LazyVosError, match="does not hold the annotations of BURST"):
            find_clips(data.root, "burst")
    for each in (without, shorter, whole | {"segmentations": [{"1": {}}]}):
        write(data, "val/all_classes.json", each)
        with pytest.raises(LazyVosError, match="does not hold the annotations of BURST"):
            find_clips(data.root, "burst")
