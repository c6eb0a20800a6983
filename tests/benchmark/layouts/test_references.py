"""What pictures of labels say of objects, and what they do not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import LabelMasks, PictureReferences
from napari_lazyvos.errors import LazyVosError

TWENTY = [f"{t:05d}" for t in range(20)]


def references(data, pictures, **options):
    """Write twenty frames and some pictures of labels, by frame."""
    data.frames("frames", TWENTY)
    data.labels("masks", {TWENTY[t]: picture for t, picture in pictures.items()})
    files = {t: data.root / "masks" / f"{TWENTY[t]}.png" for t in pictures}
    return PictureReferences(data.root / "frames", files, **options)


def test_an_object_that_is_not_drawn_is_absent_where_any_is(data, look):
    drawn = look.drawn
    # Every sixth of twenty frames; object 4 appears in frame 12, and 1 leaves there.
    pictures = {0: drawn(1, 2), 6: drawn(1), 12: drawn(2, 4), 18: drawn(1, 2, 4)}
    found = references(data, pictures)
    clip = Clip("a", found.video, found)
    look.check(clip)
    assert found.labels == (1, 2, 4)
    assert look.known(clip, 0) == {1: True, 2: True, 4: False}
    assert look.known(clip, 6) == {1: True, 2: False, 4: False}
    assert look.known(clip, 12) == {1: False, 2: True, 4: True}
    assert all(not found.at(t) for t in range(20) if t not in pictures)
    assert np.array_equal(found.at(18)[4], pictures[18] == 4)


def test_where_only_new_objects_are_drawn_others_are_not_known(data, look):
    found = references(data, {0: look.drawn(1, 2), 6: look.drawn(3)}, only_new=True)
    clip = Clip("a", found.video, found)
    look.check(clip)
    assert look.known(clip, 0) == {1: True, 2: True}
    assert look.known(clip, 6) == {3: True}
    assert found.labels == (1, 2, 3)


@pytest.mark.parametrize("only_new", [False, True])
def test_pixels_that_are_left_open_belong_to_no_object(only_new, data, look):
    pictures = {0: look.drawn(1, 255), 6: look.drawn(2)}
    found = references(data, pictures, only_new=only_new, void=True)
    assert found.labels == (1, 2)
    assert 255 not in found.at(0)
    assert found.at(0)[1].sum() == 12


def test_255_is_a_label_like_any_other_where_nothing_is_left_open(data, look):
    assert references(data, {0: look.drawn(1, 255)}).labels == (1, 255)


def test_255_alone_is_object_one(data, look):
    found = references(data, {0: look.drawn(255), 6: look.drawn()}, void=True)
    assert found.labels == (1,)
    assert found.at(0)[1].sum() == 12
    assert not found.at(6)[1].any()


def test_labels_above_255(data):
    data.frames("frames", TWENTY)
    picture = np.zeros((12, 16), np.uint16)
    picture[:3], picture[5:] = 300, 44  # 300 is 44 in eight bits
    Image.fromarray(picture).save(data.root / "a.png")
    found = PictureReferences(data.root / "frames", {3: data.root / "a.png"})
    assert found.labels == (44, 300)
    assert np.array_equal(found.at(3)[300], picture == 300)


def test_masks_of_another_size_are_told(data, look):
    found = references(data, {0: look.drawn(1, size=(6, 8))})
    with pytest.raises(LazyVosError, match=r"00000\.png are 6 x 8, but .*frames are 12 x 16"):
        found.at(0)


def test_colours_are_told(data):
    found = references(data, {})
    path = data.root / "colour.png"
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).save(path)
    with pytest.raises(LazyVosError, match="no picture of labels"):
        PictureReferences(found.video, {0: path}).at(0)


def test_masks_are_cut_out_of_a_label_map(look):
    masks = LabelMasks(look.drawn(3, 5), {7, 3})
    assert [*masks] == [3, 7]
    assert len(masks) == 2
    assert 7 in masks
    assert 5 not in masks
    assert masks[3].sum() == 12
    assert not masks[7].any()
    with pytest.raises(KeyError):
        masks[5]
