"""MOSE: all masks of train, the first of valid."""

from __future__ import annotations

from napari_lazyvos.benchmark.layouts import find_clips

FRAMES = [f"{t:05d}" for t in range(4)]


def test_valid_has_the_first_masks(data, look):
    data.frames("valid/JPEGImages/d31c2f0e", FRAMES)
    pictures = {FRAMES[0]: look.drawn(1, 7), FRAMES[2]: look.drawn(9)}
    data.labels("valid/Annotations/d31c2f0e", pictures)
    (clip,) = find_clips(data.root, "mose")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("d31c2f0e", None, True)
    assert (clip.saved, clip.unseen) == (None, None)
    known = [look.known(clip, t) for t in range(4)]
    assert known == [{1: True, 7: True}, {}, {9: True}, {}]


def test_train_has_all_masks(data, look):
    data.frames("train/JPEGImages/a", FRAMES)
    pictures = dict.fromkeys(FRAMES[:3], look.drawn(1)) | {FRAMES[3]: look.drawn(2)}
    data.labels("train/Annotations/a", pictures)
    (clip,) = find_clips(data.root, "mose", split="train")
    look.check(clip)
    assert look.known(clip, 0) == {1: True, 2: False}
    assert look.known(clip, 3) == {1: False, 2: True}
