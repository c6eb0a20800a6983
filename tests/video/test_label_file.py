"""First masks from files, each made by the format's own library."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.label_file import read_label_map

LABELS = np.array([[0, 1, 1], [2, 2, 0]], np.uint8)


def test_a_palette_png_gives_its_indices(tmp_path):
    picture = Image.new("P", (3, 2))
    picture.putdata(LABELS.ravel().tolist())
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    picture.save(tmp_path / "a.png")
    assert np.array_equal(read_label_map(tmp_path / "a.png", 0), LABELS)


def test_a_binary_mask_is_object_one(tmp_path):
    Image.fromarray((LABELS == 1).astype(np.uint8) * 255).save(tmp_path / "a.png")
    assert np.array_equal(read_label_map(tmp_path / "a.png", 0), LABELS == 1)


def test_one_frame_of_a_stack(tmp_path):
    stack = np.stack([LABELS * 0, LABELS]).astype(np.uint16) * 300
    tifffile.imwrite(tmp_path / "a.tif", stack)
    np.save(tmp_path / "a.npy", stack)
    for name in ("a.tif", "a.npy"):
        assert np.array_equal(read_label_map(tmp_path / name, 1), stack[1])
    with pytest.raises(LazyVosError, match="holds no object in frame 0"):
        read_label_map(tmp_path / "a.tif", 0)


def test_what_is_no_label_picture_gets_a_sentence(tmp_path):
    with pytest.raises(LazyVosError, match=r"there is no file .*missing\.png"):
        read_label_map(tmp_path / "missing.png", 0)
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "rgb.png")
    with pytest.raises(LazyVosError, match=r"\(4, 4, 3\)"):
        read_label_map(tmp_path / "rgb.png", 0)
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(LazyVosError, match="cannot be read as a mask"):
        read_label_map(tmp_path / "text.png", 0)
