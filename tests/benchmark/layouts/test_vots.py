"""VOT and VOTS: frames from 00000001, and a file of regions for each object."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

FRAMES = [f"{number:08d}" for number in range(1, 6)]
SQUARE, GONE = "m3,2,2,2,0,4", "m0,0,1,1,1"


def write_sequence(data, name="car", said="channels.color=color/%08d.jpg\nfps=25\nname=car"):
    data.frames(f"{name}/color", FRAMES)
    data.text(f"{name}/sequence", said)
    data.text("list.txt", f"{name}\n")


def test_objects_of_a_sequence(data, look):
    write_sequence(data)
    data.text("car/groundtruth_002.txt", "\n".join([SQUARE, SQUARE, GONE, "0", SQUARE]) + "\n")
    data.text("car/groundtruth_007.txt", f"0\n{SQUARE}\n3,2,2,2\n")  # shorter than the video
    data.text("car/evaluation.tag", "1\n" * 5)
    (clip,) = find_clips(data.root, "vots")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("car", 25, True)
    assert (clip.saved, clip.unseen) == (None, None)
    assert clip.references.labels == (2, 7)
    assert look.names(clip)[0] == "00000001"
    assert [look.known(clip, t) for t in range(5)] == [
        {2: True},
        {2: True, 7: True},
        {2: False, 7: True},
        {},
        {2: True},
    ]
    wanted = np.zeros((12, 16), bool)
    wanted[2:4, 3:5] = True
    assert np.array_equal(clip.references.at(0)[2], wanted)
    assert np.array_equal(clip.references.at(2)[7], wanted)


def test_closing_forgets_the_lines(data, look):
    write_sequence(data)
    data.text("car/groundtruth.txt", SQUARE)
    (clip,) = find_clips(data.root, "vots")
    assert look.known(clip, 0) == {1: True}
    data.text("car/groundtruth.txt", GONE)
    assert look.known(clip, 0) == {1: True}
    clip.references.close()
    assert look.known(clip, 0) == {1: False}


def test_public_sequences_have_the_first_masks(data, look):
    write_sequence(data, said="channels.color=color\\\\%08d.jpg\n".replace("\\\\", "\\"))
    data.text("car/groundtruth.txt", f"{SQUARE}\n")
    (clip,) = find_clips(data.root, "vots")
    look.check(clip)
    assert clip.fps is None
    assert [look.known(clip, t) for t in range(5)] == [{1: True}, {}, {}, {}, {}]


@pytest.mark.parametrize("said", ["", "channels.color=color/\nfps=29.97", "fps=unknown"])
def test_what_a_sequence_need_not_say(said, data, look):
    write_sequence(data, said=said)
    for name in ("dog", "cat"):
        data.text(f"car/groundtruth_{name}.txt", SQUARE)
    (clip,) = find_clips(data.root, "vots")
    look.check(clip)
    assert clip.fps == (29.97 if "29" in said else None)
    assert clip.references.labels == (1, 2)


def test_what_is_missing_or_damaged_is_told(data):
    write_sequence(data)
    with pytest.raises(LazyVosError, match=r"car has no groundtruth\.txt and no"):
        find_clips(data.root, "vots")
    data.text("car/groundtruth_1.txt", f"{SQUARE}\n\n{SQUARE}\nm1,2\n")
    (clip,) = find_clips(data.root, "vots")
    assert [*clip.references.at(2)] == [1]  # an empty line does not move those after it
    for t in (1, 3):
        with pytest.raises(
            LazyVosError, match=rf"line {t + 1} of .*groundtruth_1\.txt is no region"
        ):
            clip.references.at(t)
    data.text("list.txt", "car\nbus\n")
    with pytest.raises(LazyVosError, match=r"no frames in .*bus"):
        find_clips(data.root, "vots")
