"""LVOS: every fifth frame, and a range for each object."""

from __future__ import annotations

import pytest

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

FRAMES = [f"{number:08d}" for number in range(1, 52, 5)]  # eleven


def said(start, end, frames):
    numbers = {"start": str(start), "end": str(end), "frame_nums": str(frames)}
    return {"category": "cat", "frame_range": numbers}


def write_valid(data, look):
    data.frames("valid/JPEGImages/0tCWPOrc", FRAMES)
    pictures = [look.drawn(1)] * 2 + [look.drawn(1, 2)] * 2 + [look.drawn(2)] * 7
    data.labels("valid/Annotations/0tCWPOrc", dict(zip(FRAMES, pictures, strict=True)))
    objects = {"1": said(1, 56, 11), "2": said(11, 41, 6)}
    data.json("valid/valid_meta.json", {"videos": {"0tCWPOrc": {"objects": objects}}})


def test_outside_its_range_an_object_is_not_known(data, look):
    write_valid(data, look)
    (clip,) = find_clips(data.root, "lvos")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("0tCWPOrc", 6, False)
    assert (clip.saved, clip.unseen) == (None, None)
    assert look.names(clip)[:2] == ["00000001", "00000006"]
    assert look.known(clip, 0) == {1: True}
    assert look.known(clip, 2) == {1: True, 2: True}
    assert [2 in look.known(clip, t) for t in range(11)] == [False] * 2 + [True] * 6 + [False] * 3
    assert look.known(clip, 10) == {1: False}


@pytest.mark.parametrize("place", ["unseen_videos.txt", "valid/unseen_videos.txt"])
def test_objects_of_unseen_categories(place, data, look):
    write_valid(data, look)
    data.text(place, "R3UJGYwy\n0tCWPOrc\n")
    (clip,) = find_clips(data.root, "lvos")
    assert clip.unseen == {1, 2}
    data.text(place, "R3UJGYwy\n")
    (clip,) = find_clips(data.root, "lvos")
    assert clip.unseen == frozenset()


def test_without_ranges_objects_are_known_where_any_mask_is(data, look):
    write_valid(data, look)
    (data.root / "valid/valid_meta.json").unlink()
    (clip,) = find_clips(data.root, "lvos")
    look.check(clip)
    assert look.known(clip, 0) == {1: True, 2: False}


def test_test_has_masks_of_new_objects(data, look):
    data.frames("test/JPEGImages/a", FRAMES)
    data.labels("test/Annotations/a", {FRAMES[0]: look.drawn(1), FRAMES[3]: look.drawn(2)})
    objects = {"1": said(1, 56, 11), "2": said(16, 56, 8)}
    data.json("test/test_meta.json", {"videos": {"a": {"objects": objects}}})
    (clip,) = find_clips(data.root, "lvos", split="test")
    look.check(clip)
    assert [look.known(clip, t) for t in (0, 1, 3)] == [{1: True}, {}, {2: True}]


def test_first_masks_alone_will_do(data, look):
    write_valid(data, look)
    folder = data.root / "valid"
    (folder / "Annotations").rename(folder / "elsewhere")
    pictures = {FRAMES[0]: look.drawn(1), FRAMES[2]: look.drawn(2)}
    data.labels("valid/Annotations_first_only/0tCWPOrc", pictures)
    (clip,) = find_clips(data.root, "lvos")
    look.check(clip)
    assert look.known(clip, 2) == {2: True}


def test_what_is_damaged_is_told(data, look):
    write_valid(data, look)
    data.json("valid/valid_meta.json", {"videos": {"0tCWPOrc": {"objects": {"1": {}}}}})
    with pytest.raises(LazyVosError, match=r"in which frames the objects of 0tCWPOrc are"):
        find_clips(data.root, "lvos")
    (data.root / "valid/valid_meta.json").unlink()
    for folder, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        path = data.root / "valid" / folder / "0tCWPOrc"
        (path / f"{FRAMES[0]}.{suffix}").rename(path / f"first.{suffix}")
    with pytest.raises(LazyVosError, match=r"first\.png is not named by a number"):
        find_clips(data.root, "lvos")
