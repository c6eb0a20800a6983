"""Cell Tracking Challenge: tracks, and masks that carry their labels."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError

# Cell 1 divides after frame 2 into 300 and 3; 4 is there at the end only.
TRACKS = "1 0 2 0\n300 3 5 1\n3 3 5 1\n4 5 5 0\n"
CELLS = [(1,)] * 3 + [(300, 3)] * 2 + [(300, 3, 4)]


def cells(*labels):
    label_map = np.zeros((12, 16), np.uint16)
    for row, label in enumerate(labels):
        label_map[4 * row : 4 * row + 3, 3:9] = label
    return label_map


def write_stacks(data, folder, name, pictures):
    (data.root / folder).mkdir(parents=True)
    for t, picture in pictures.items():
        tifffile.imwrite(data.root / folder / f"{name}{t:03d}.tif", picture, compression="zlib")


@pytest.fixture
def sequence(data):
    """Write a sequence whose gold segmentation truth numbers its cells anew."""
    frames = {t: np.full((12, 16), 1000 * t, np.uint16) for t in range(6)}
    write_stacks(data, "01", "t", frames)
    write_stacks(data, "01_GT/TRA", "man_track", {t: cells(*CELLS[t]) for t in range(6)})
    write_stacks(data, "01_GT/SEG", "man_seg", {3: cells(1, 2)})
    data.text("01_GT/TRA/man_track.txt", TRACKS)
    return data.root


def test_masks_are_the_markers_of_the_tracks(sequence, look):
    (clip,) = find_clips(sequence, "ctc")
    look.check(clip)
    assert (clip.name, clip.fps, clip.judge_last) == ("01", None, True)
    assert (clip.saved, clip.unseen) == (None, None)
    assert look.names(clip)[-1] == "t005"
    assert clip.references.labels == (1, 3, 4, 300)
    assert look.known(clip, 2) == {1: True, 3: False, 4: False, 300: False}
    assert look.known(clip, 5) == {1: False, 3: True, 4: True, 300: True}
    assert np.array_equal(clip.references.at(3)[300], cells(300, 3) == 300)


def test_the_silver_truth_has_outlines_but_not_of_all_cells(data, sequence, look):
    silver = {t: cells(1, 0) for t in range(3)} | {3: cells(300, 3), 5: cells(3, 9)}
    write_stacks(data, "01_ST/SEG", "man_seg", silver)
    (clip,) = find_clips(sequence, "ctc")
    look.check(clip)
    assert clip.references.labels == (1, 3, 300)  # 4 is never drawn, 9 is no track
    assert look.known(clip, 2) == {1: True, 3: False, 300: False}
    assert look.known(clip, 3) == {1: False, 3: True, 300: True}
    assert look.known(clip, 4) == {}
    assert look.known(clip, 5) == {1: False, 3: True}  # 300 is there, but where?


def test_sequences_without_a_tracking_truth_are_left_out(data, sequence):
    write_stacks(data, "02", "t", {0: cells()})
    assert [clip.name for clip in find_clips(sequence, "ctc")] == ["01"]


def test_frames_may_begin_later_and_have_four_digits(data, look):
    for folder, name in (("02", "t"), ("02_GT/TRA", "man_track")):
        (data.root / folder).mkdir(parents=True)
        for t in (150, 151):
            tifffile.imwrite(data.root / folder / f"{name}{t:04d}.tif", cells(7))
    data.text("02_GT/TRA/man_track.txt", "7 150 151 0")
    (clip,) = find_clips(data.root, "ctc")
    look.check(clip)
    assert [look.known(clip, t) for t in range(2)] == [{7: True}] * 2


def test_stacks_are_refused(data, sequence):
    write_stacks(data, "02", "t", {0: np.zeros((5, 12, 16), np.uint8)})
    write_stacks(data, "02_GT/TRA", "man_track", {0: np.zeros((5, 12, 16), np.uint16)})
    data.text("02_GT/TRA/man_track.txt", "1 0 0 0")
    with pytest.raises(LazyVosError, match=r"t000\.tif is a stack of shape \(5, 12, 16\), .* 2D"):
        find_clips(sequence, "ctc")
    assert len(find_clips(sequence, "ctc", only="01")) == 1


def test_what_does_not_fit_is_told(data, sequence):
    for line in ("1 0 2", "1 0 two 0", "1 0 9 0"):
        data.text("01_GT/TRA/man_track.txt", f"3 3 5 0\n{line}\n")
        with pytest.raises(LazyVosError, match=rf"has the line '{line}': .* from 0 to 5"):
            find_clips(sequence, "ctc")
    data.text("01_GT/TRA/man_track.txt", TRACKS)
    marker = sequence / "01_GT/TRA/man_track005.tif"
    marker.rename(marker.with_name("man_track006.tif"))
    with pytest.raises(LazyVosError, match=r"man_track006\.tif belongs to no frame: .*01 has none"):
        find_clips(sequence, "ctc")
    marker.with_name("man_track006.tif").rename(marker.with_name("marker.tif"))
    with pytest.raises(LazyVosError, match=r"marker\.tif has no number"):
        find_clips(sequence, "ctc")
    (sequence / "01/t000.tif").write_bytes(b"none")
    with pytest.raises(LazyVosError, match=r"t000\.tif cannot be read as TIFF"):
        find_clips(sequence, "ctc")
