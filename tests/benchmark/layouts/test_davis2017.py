"""DAVIS 2017, as its packages unpack, and as smaller trees keep it."""

from __future__ import annotations

import pytest

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

FRAMES = [f"{t:05d}" for t in range(4)]


def write_sequence(data, name, pictures, home="trainval/"):
    data.frames(f"{home}JPEGImages/480p/{name}", FRAMES)
    data.labels(f"{home}Annotations/480p/{name}", pictures)


def test_trainval_has_all_masks(data, look):
    full = {FRAMES[0]: look.drawn(1, 2)} | dict.fromkeys(FRAMES[1:], look.drawn(2, 255))
    write_sequence(data, "bike", full)
    write_sequence(data, "goat", full)
    data.text("trainval/ImageSets/2017/val.txt", "goat\n\n")
    data.text("trainval/ImageSets/2017/train.txt", "bike\n")
    (clip,) = find_clips(data.root, "davis2017")
    look.check(clip)
    assert clip.name == "goat"
    assert (clip.fps, clip.judge_last) == (24, False)
    assert look.known(clip, 0) == {1: True, 2: True}
    assert look.known(clip, 3) == {1: False, 2: True}  # 255 is left open
    (clip,) = find_clips(data.root, "davis2017", split="train")
    assert clip.name == "bike"


def test_test_dev_has_the_first_masks(data, look):
    write_sequence(data, "aerobatics", {FRAMES[0]: look.drawn(1, 2, 3)}, "test-dev/")
    data.text("test-dev/ImageSets/2017/test-dev.txt", "aerobatics\n")
    (clip,) = find_clips(data.root, "davis2017", split="test-dev")
    look.check(clip)
    assert look.known(clip, 0) == {1: True, 2: True, 3: True}
    assert look.known(clip, 1) == {}
    with pytest.raises(LazyVosError, match=r"ImageSets/2017/val\.txt"):
        find_clips(data.root, "davis2017")


@pytest.mark.parametrize("listed", ["ImageSets/2017/val.txt", "sequences.txt"])
def test_one_folder_for_all(listed, data, look):
    write_sequence(data, "goat", {FRAMES[0]: look.drawn(1)}, home="")
    data.text(listed, "goat")
    (clip,) = find_clips(data.root, "davis2017")
    look.check(clip)


def test_what_is_missing_is_told(data, look):
    write_sequence(data, "goat", {FRAMES[0]: look.drawn(1)})
    data.text("trainval/ImageSets/2017/val.txt", "goat\njudo\n")
    with pytest.raises(LazyVosError, match=r"no frames in .*judo: there is no such folder"):
        find_clips(data.root, "davis2017")
    data.frames("trainval/JPEGImages/480p/judo", FRAMES)
    with pytest.raises(LazyVosError, match=r"no masks in .*judo"):
        find_clips(data.root, "davis2017", only="judo")
    data.labels("trainval/Annotations/480p/judo", {"00009": look.drawn(1)})
    with pytest.raises(LazyVosError, match=r"00009\.png belongs to no frame: .*judo has none"):
        find_clips(data.root, "davis2017", only="judo")
