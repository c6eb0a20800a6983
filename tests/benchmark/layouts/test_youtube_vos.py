"""YouTube-VOS: objects appear at any time, and every fifth frame is handed in."""

from __future__ import annotations

import pytest

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

FIFTHS = [f"{t:05d}" for t in range(0, 20, 5)]
ALL = [f"{t:05d}" for t in range(18)]
META = {
    "videos": {
        "0a49f5265b": {
            "objects": {
                "1": {"category": "ape", "frames": ["00000", "00005"]},
                "4": {"category": "fish", "frames": ["00005", "00010"]},
            }
        }
    }
}


def write_valid(data, look):
    data.frames("valid/JPEGImages/0a49f5265b", FIFTHS)
    pictures = {"00000": look.drawn(1, 255), "00005": look.drawn(4)}
    data.labels("valid/Annotations/0a49f5265b", pictures)
    data.json("valid/meta.json", META)


def test_every_fifth_frame(data, look):
    write_valid(data, look)
    (clip,) = find_clips(data.root, "youtube-vos")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("0a49f5265b", 6, False)
    assert clip.saved == {"00000", "00005", "00010"}
    assert look.names(clip) == FIFTHS
    assert look.known(clip, 0) == {1: True}
    assert look.known(clip, 1) == {4: True}  # whether 1 is there nobody says
    assert look.known(clip, 2) == {}


def test_all_frames(data, look):
    write_valid(data, look)
    data.frames("all_frames/valid_all_frames/JPEGImages/0a49f5265b", ALL)
    (clip,) = find_clips(data.root, "youtube-vos")
    look.check(clip)
    assert clip.fps == 30
    assert look.names(clip) == ALL
    assert look.known(clip, 5) == {4: True}
    assert clip.saved == {"00000", "00005", "00010"}


def test_train_has_all_masks(data, look):
    data.frames("train/JPEGImages/a", FIFTHS)
    pictures = {name: look.drawn(1 + t % 2) for t, name in enumerate(FIFTHS)}
    data.labels("train/Annotations/a", pictures)
    (clip,) = find_clips(data.root, "youtube-vos", split="train")
    look.check(clip)
    assert look.known(clip, 0) == {1: True, 2: False}
    assert clip.saved is None


def test_a_damaged_meta_json_is_told(data, look):
    write_valid(data, look)
    for content in ({"videos": {"a": {}}}, {"videos": {"a": {"objects": {"x": {}}}}}, [], {}):
        data.json("valid/meta.json", content)
        with pytest.raises(LazyVosError, match=r"meta\.json does not say which objects"):
            find_clips(data.root, "youtube-vos")
    data.text("valid/meta.json", "{")
    with pytest.raises(LazyVosError, match=r"meta\.json cannot be read"):
        find_clips(data.root, "youtube-vos")
