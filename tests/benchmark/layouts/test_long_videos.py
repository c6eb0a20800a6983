"""Long Videos: masks of some frames."""

from __future__ import annotations

from napari_lazyvos.benchmark.layouts import find_clips

TWENTY = [f"{t:05d}" for t in range(20)]


def write_video(data, look, name, split="long_video"):
    data.frames(f"{split}/JPEGImages/{name}", TWENTY)
    pictures = {TWENTY[t]: look.drawn(1) if t < 18 else look.drawn() for t in range(0, 20, 6)}
    data.labels(f"{split}/Annotations/{name}", pictures)


def test_every_sixth_of_twenty_frames_has_masks(data, look):
    write_video(data, look, "rat")
    write_video(data, look, "blueboy")
    clips = find_clips(data.root, "long-videos")
    assert [clip.name for clip in clips] == ["blueboy", "rat"]
    clip = clips[1]
    look.check(clip)
    assert (clip.fps, clip.judge_last, clip.saved) == (None, False, None)
    at = {t: look.known(clip, t) for t in range(20) if clip.references.at(t)}
    assert at == {0: {1: True}, 6: {1: True}, 12: {1: True}, 18: {1: False}}


def test_a_list_of_the_videos(data, look):
    write_video(data, look, "rat")
    write_video(data, look, "blueboy")
    data.text("long_video/ImageSets/2017/val.txt", "rat\n")
    assert [clip.name for clip in find_clips(data.root, "long-videos")] == ["rat"]


def test_back_and_forth(data, look):
    write_video(data, look, "dressage", "long_video_x3")
    (clip,) = find_clips(data.root, "long-videos", split="long_video_x3")
    look.check(clip)
