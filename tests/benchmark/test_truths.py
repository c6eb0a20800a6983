"""Which masks belong to which video, and to which frame."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lazyvos.benchmark.truths import Truths, find_pairs
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video

FRAMES = np.zeros((4, 10, 12), np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None]
LABELS = np.zeros((4, 10, 12), np.uint8)
LABELS[1:, 2:6, 3:7] = np.array([1, 2, 5], np.uint8)[:, None, None]


def write(folder, pictures, names):
    """Write each picture as a palette PNG of this name."""
    folder.mkdir(parents=True)
    for picture, name in zip(pictures, names, strict=True):
        image = Image.fromarray(picture).convert("P")
        image.putdata(picture.ravel().tolist())
        image.save(folder / f"{name}.png")
    return folder


@pytest.fixture
def stack(tmp_path):
    """Return a video whose frames have no names."""
    tifffile.imwrite(tmp_path / "stack.tif", FRAMES, photometric="minisblack")
    with open_video(tmp_path / "stack.tif") as video:
        yield video


@pytest.fixture
def pictures(tmp_path):
    """Return a video whose frames have names."""
    with open_video(write(tmp_path / "pictures", FRAMES, "wxyz")) as video:
        yield video


def read(path, video):
    truths = Truths(path, video)
    found = [truths.at(t) for t in range(video.frames)]
    truths.close()
    return truths.first, found


def test_a_stack_has_the_masks_of_all_frames(stack, pictures, tmp_path):
    tifffile.imwrite(tmp_path / "masks.tif", LABELS, photometric="minisblack")
    np.save(tmp_path / "masks.npy", LABELS)
    for video in (stack, pictures):
        for name in ("masks.tif", "masks.npy"):
            first, found = read(tmp_path / name, video)
            assert first == 1
            assert np.array_equal(found, LABELS)


def test_a_picture_belongs_to_the_frame_of_its_name(pictures, tmp_path):
    _, found = read(write(tmp_path / "all", LABELS, "wxyz"), pictures)
    assert np.array_equal(found, LABELS)
    first, found = read(write(tmp_path / "some", LABELS[[1, 3]], "xz"), pictures)
    assert [each is not None for each in found] == [False, True, False, True]
    assert np.array_equal(found[3], LABELS[3])
    assert first == 1
    # Other names for all frames: then their order tells.
    _, found = read(write(tmp_path / "others", LABELS, ["m1", "m2", "m10", "m11"]), pictures)
    assert np.array_equal(found, LABELS)


def test_a_picture_of_a_frame_without_a_name_has_its_number(stack, tmp_path):
    first, found = read(write(tmp_path / "some", LABELS[[1, 3]], ["cell_001", "cell_003"]), stack)
    assert [each is not None for each in found] == [False, True, False, True]
    assert first == 1
    _, found = read(write(tmp_path / "all", LABELS, ["1", "2", "3", "4"]), stack)
    assert np.array_equal(found, LABELS)


def test_labels_of_all_frames(stack, pictures, tmp_path):
    np.save(tmp_path / "masks.npy", LABELS)
    some = write(tmp_path / "some", LABELS[[0, 3]], "wz")
    for path, video, labels in ((tmp_path / "masks.npy", stack, (1, 2, 5)), (some, pictures, (5,))):
        truths = Truths(path, video)
        assert truths.labels == labels
        truths.close()


def test_a_mask_of_255_is_object_one(stack, tmp_path):
    first, found = read(write(tmp_path / "davis", (LABELS > 0) * np.uint8(255), "0123"), stack)
    assert first == 1
    assert np.array_equal(found, LABELS > 0)


def test_masks_that_belong_to_no_frame_are_told(stack, pictures, tmp_path):
    few = write(tmp_path / "few", LABELS[1:], ["a", "b", "c"])
    with pytest.raises(LazyVosError, match=r"3 masks, .* stack has 4 frames: .* from 0 to 3"):
        Truths(few, stack)
    with pytest.raises(LazyVosError, match="with the names of their frames"):
        Truths(few, pictures)
    with pytest.raises(LazyVosError, match="numbered from 0 to 3"):
        Truths(write(tmp_path / "late", LABELS[1:], ["2", "3", "4"]), stack)
    tifffile.imwrite(tmp_path / "short.tif", LABELS[:3], photometric="minisblack")
    with pytest.raises(LazyVosError, match=r"short\.tif holds the masks of 3 frames, .* has 4"):
        Truths(tmp_path / "short.tif", stack)


def test_masks_of_another_size_or_kind_are_told(stack, tmp_path):
    other = write(tmp_path / "other", LABELS[:, :, 1:], "0123")
    with pytest.raises(LazyVosError, match=r"are 10 x 11, but the video stack is 10 x 12"):
        Truths(other, stack)
    np.save(tmp_path / "other.npy", LABELS[:, 1:])
    with pytest.raises(LazyVosError, match=r"other\.npy are 9 x 12, but"):
        Truths(tmp_path / "other.npy", stack)
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((4, 10, 12, 3), np.uint8), photometric="rgb")
    with pytest.raises(LazyVosError, match="colours instead of labels"):
        Truths(tmp_path / "rgb.tif", stack)


def test_masks_without_an_object_are_told(stack, tmp_path):
    np.save(tmp_path / "none.npy", LABELS * 0)
    with pytest.raises(LazyVosError, match=r"none\.npy show no object in any frame of stack"):
        Truths(tmp_path / "none.npy", stack)


def test_videos_are_matched_by_name(tmp_path):
    videos, masks = tmp_path / "videos", tmp_path / "masks"
    first, second = videos / "a.ome.tif", write(videos / "b", FRAMES, "wxyz")
    for path in (first, videos / "c.tif"):
        tifffile.imwrite(path, FRAMES, photometric="minisblack")
    (videos / "notes.txt").write_text("none of a video")
    (videos / ".hidden").mkdir()
    of_first = write(masks / "a", LABELS, "0123")
    tifffile.imwrite(masks / "b.tif", LABELS, photometric="minisblack")
    assert find_pairs(videos, masks) == ([(first, of_first), (second, masks / "b.tif")], ["c"])
    assert find_pairs(first, of_first) == ([(first, of_first)], [])
    assert find_pairs(second, masks / "b.tif") == ([(second, masks / "b.tif")], [])


def test_a_folder_of_single_tiffs_is_one_video(tmp_path):
    for t, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / f"{t}.tif", frame)
    assert find_pairs(tmp_path, tmp_path / "0.tif") == ([(tmp_path, tmp_path / "0.tif")], [])


def test_no_pair_is_told(tmp_path):
    videos, masks = tmp_path / "videos", tmp_path / "masks"
    with pytest.raises(LazyVosError, match=r"there is no file or folder .*videos"):
        find_pairs(videos, masks)
    write(videos / "a", FRAMES, "wxyz")
    masks.mkdir()
    with pytest.raises(LazyVosError, match=r"no video in .* \(a\) has masks .* \(which is empty\)"):
        find_pairs(videos, masks)
    for i in range(7):
        (masks / f"m{i}").mkdir()
    with pytest.raises(LazyVosError, match=r"\(m0, m1, m2, m3, m4, \.\.\.\): name the masks"):
        find_pairs(videos, masks)
    np.save(tmp_path / "one.npy", LABELS)
    with pytest.raises(LazyVosError, match=r"several videos, but .* is one file"):
        find_pairs(videos, tmp_path / "one.npy")
    np.save(videos / "a.npy", FRAMES)
    with pytest.raises(LazyVosError, match="both called a: take one of them away"):
        find_pairs(videos, masks)
