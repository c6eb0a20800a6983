"""DAVIS 2016: object 1 is whatever is not background."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.benchmark.layouts import find_clips

FRAMES = ["00000", "00001", "00002"]


def write_sequence(data, look, name, *labels, home=""):
    data.frames(f"{home}JPEGImages/480p/{name}", FRAMES)
    pictures = dict.fromkeys(FRAMES[:2], look.drawn(*labels)) | {FRAMES[2]: look.drawn()}
    data.labels(f"{home}Annotations/480p/{name}", pictures)


def test_the_package_of_2017_lists_the_sequences(data, look):
    write_sequence(data, look, "bear", 255)
    write_sequence(data, look, "camel", 255)
    data.text("ImageSets/2016/val.txt", "camel\n")
    data.text("ImageSets/2016/train.txt", "bear\n")
    (clip,) = find_clips(data.root, "davis2016")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("camel", 24, False)
    assert (clip.saved, clip.unseen) == (None, None)
    assert [look.known(clip, t) for t in range(3)] == [{1: True}, {1: True}, {1: False}]
    assert look.names(clip) == FRAMES
    (clip,) = find_clips(data.root, "davis2016", split="train")
    assert clip.name == "bear"


def test_the_package_of_2016_lists_frames(data, look):
    lines = []
    for name in ("cows", "bmx-trees"):
        write_sequence(data, look, name, 255)
        lines += [
            f"/JPEGImages/480p/{name}/{t}.jpg /Annotations/480p/{name}/{t}.png" for t in FRAMES
        ]
    data.text("ImageSets/480p/val.txt", "\n".join(lines))
    assert [clip.name for clip in find_clips(data.root, "davis2016")] == ["cows", "bmx-trees"]


def test_several_objects_are_one(data, look):
    write_sequence(data, look, "judo", 1, 2, home="trainval/")
    data.text("trainval/ImageSets/2016/val.txt", "judo\n")
    (clip,) = find_clips(data.root, "davis2016")
    look.check(clip)
    assert clip.references.labels == (1,)
    assert clip.references.at(0)[1].sum() == 24


@pytest.mark.parametrize("layout", ["davis2016", "davis2017"])
def test_real_sequences(layout, shared, look):
    clips = find_clips(shared / "data" / "davis2016" / "dev", layout)
    assert len(clips) == 7
    (clip,) = find_clips(shared / "data" / "davis2016" / "dev", layout, only="car-shadow")
    assert clip in clips
    masks = clip.references.at(0)
    assert [*masks] == [1]
    assert masks[1].shape == (480, 854)
    assert 0.029 < np.mean(masks[1]) < 0.102
    assert len(look.names(clip)) == 40
