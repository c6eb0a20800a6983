"""Films that are drawn, what is pasted, and clips without the developers' data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.data import FAMILIES, Generator
from training.data import pictures as pictures_module
from training.data.camera import LEAST_CONTRAST, record
from training.data.motion import Motion
from training.data.pasting import Actor, cut_out, paste, shoot
from training.data.pictures import FREE_PICTURES, Picture
from training.data.scenes import Scenes
from training.data.shapes import Blob
from training.data.take import Take

DRAWN = ("crowd", "worms", "echo", "slices")
NEEDS_PICTURES = {"natural", "nuclei", "heart", "stack"}
MADE = sorted(set(FAMILIES) - NEEDS_PICTURES)


@pytest.mark.parametrize("family", MADE)
def test_families_without_pictures_need_no_data(tmp_path, family):
    clips = Generator(tmp_path, seed=3, size=64, frames=4, families=[family]).batch(3)
    assert ((clips.labels[:, 0] == 1).sum((1, 2)) >= 40).all()
    assert clips.frames.isfinite().all()
    assert clips.frames.min() >= 0
    assert clips.frames.max() <= 1


def test_a_family_without_its_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="natural"):
        Generator(tmp_path, seed=0)  # all families: data that are missing must not go unseen
    with pytest.raises(ValueError, match="clouds"):
        Generator(tmp_path, seed=0, families=["clouds"])


def test_batches_depend_on_nothing_but_seed_and_number(tmp_path):
    drawn, skipped = (Generator(tmp_path, seed=7, size=48, families=MADE) for _ in range(2))
    first, second = drawn.batch(4), drawn.batch(4)
    skipped.skip(1)
    again = skipped.batch(4)
    assert torch.equal(second.frames, again.frames)
    assert torch.equal(second.labels, again.labels)
    assert second.families == again.families
    assert not torch.equal(first.frames, second.frames)
    assert not torch.equal(
        first.frames, Generator(tmp_path, seed=8, size=48, families=MADE).batch(4).frames
    )


@pytest.mark.parametrize("family", ["crowd", "worms", "echo", "slices", "organs", "scan"])
def test_grey_families_are_grey(tmp_path, family):
    frames = Generator(tmp_path, seed=5, size=48, families=[family]).batch(4).frames
    assert torch.equal(frames[:, :, 0], frames[:, :, 1])
    assert torch.equal(frames[:, :, 0], frames[:, :, 2])


@pytest.mark.parametrize("family", DRAWN)
def test_frames_and_labels_change_over_time(tmp_path, family):
    clips = Generator(tmp_path, seed=1, size=96, frames=5, families=[family]).batch(6)
    assert (clips.frames[:, 0] != clips.frames[:, -1]).flatten(1).any(1).all()
    moved = (clips.labels[:, 0] == 1) != (clips.labels[:, -1] == 1)
    assert (moved.flatten(1).sum(1) > 0).float().mean() > 0.6


def test_edges_of_labels_are_edges_of_images(tmp_path):
    """Worms are drawn on smooth grounds: the picture is steepest where the label ends."""
    clips = Generator(tmp_path, seed=2, size=128, frames=3, families=["worms"]).batch(10)
    grey, worm = clips.frames.mean(2), clips.labels == 1
    steep = torch.stack(torch.gradient(grey, dim=(2, 3))).square().sum(0).sqrt()
    wide = torch.nn.functional.max_pool2d(worm.float(), 3, 1, 1) > 0
    edge = wide & ~worm
    far = ~(torch.nn.functional.max_pool2d((clips.labels > 0).float(), 9, 1, 4) > 0)
    ratios = [
        float(s[e].mean() / s[f].mean())
        for s, e, f in zip(steep.flatten(0, 1), edge.flatten(0, 1), far.flatten(0, 1), strict=True)
    ]
    assert np.median(ratios) > 1.5


def test_object_one_has_the_extent_that_is_asked_for(tmp_path):
    def extents(low: float, high: float) -> list[int]:
        generator = Generator(
            tmp_path, seed=4, size=128, frames=1, families=["slices", "echo"], spans=(low, high)
        )
        masks = [label[0] == 1 for label in generator.batch(12).labels]
        return [
            int(torch.nonzero(mask).amax(0).sub(torch.nonzero(mask).amin(0)).max())
            for mask in masks
        ]

    assert np.median(extents(0.1, 0.2)) < 45 < np.median(extents(0.5, 0.7))


def test_a_paste_labels_what_it_covers():
    image = np.full((40, 40, 3), 255, np.uint8)
    mask = np.zeros((40, 40), np.float32)
    mask[10:20, 10:25] = 1
    still = Motion(
        np.random.default_rng(0), 64, 2, centre=(32.0, 32.0), scale=1.0, extent=15.0, speed=0.0,
        elastic=0.0,
    )  # fmt: skip
    actor = Actor(Picture(image, mask.astype(np.int32), "x"), mask, (14.5, 17.0), 3, still)
    empty = np.zeros((64, 64, 3), np.float32), np.ones((64, 64), np.uint8)
    frame, labels = paste(empty, actor, 1)
    assert np.array_equal(labels == 3, frame[..., 0] >= 127.5)
    assert abs(int((labels == 3).sum()) - 150) <= 15
    assert set(np.unique(labels)) == {1, 3}


def test_mirrored_objects_have_no_number_unless_they_go_on():
    labels = np.zeros((20, 20), np.uint8)
    labels[0:5, 8:12] = 1  # touches the border
    labels[10:14, 8:12] = 2
    rows, columns = np.indices((60, 20), dtype=np.float32)
    _, seen = shoot(np.zeros((20, 20, 3), np.uint8), labels, rows - 20, columns)
    assert (seen[:20] == 1).any()
    assert not (seen[:20] == 2).any()
    assert (seen[20:40] == labels).all()


def test_cut_out_leaves_the_rest_as_it_was():
    rng = np.random.default_rng(1)
    image = rng.integers(100, 140, (50, 60, 3), np.uint8)
    mask = np.zeros((50, 60), bool)
    mask[20:30, 20:30] = True
    image[mask] = 0
    filled = cut_out(image, mask)
    assert filled[mask].min() > 60
    assert np.array_equal(filled[:15], image[:15])


def test_a_blob_is_inside_where_its_reach_is_below_one():
    blob = Blob(
        np.array([[30.0, 40.0]]), np.array([[12.0, 6.0]]), np.zeros(1), np.zeros((1, 4)),
        np.zeros(4),
    )  # fmt: skip
    rows, columns = np.indices((64, 80), dtype=np.float32)
    seen = blob.seen(0, rows, columns)
    inside = np.zeros((64, 80), bool)
    inside[seen.window] = seen.reach < 1
    assert inside.sum() == pytest.approx(np.pi * 12 * 6, rel=0.05)
    assert inside[30, 51]
    assert not inside[30, 53]
    assert not inside[37, 40]


def test_a_recording_stays_visible():
    rng = np.random.default_rng(0)
    frames = np.zeros((3, 32, 32, 3), np.float32)
    frames[:, 8:20, 8:20] = 0.06  # dark, as many files are
    contrasts = [record(rng, frames.copy()).std() for _ in range(40)]
    assert np.median(contrasts) > LEAST_CONTRAST


def test_free_pictures_come_without_a_download(monkeypatch):
    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    train, held_out = (pictures_module._grounds(split) for split in ("train", "held-out"))
    assert len(train) + len(held_out) == len(FREE_PICTURES)
    assert all(max(picture.labels.shape) <= 384 for picture in train)


def test_a_stack_is_leafed_through_slice_by_slice():
    labels = np.zeros((60, 60), np.int32)
    labels[20:40, 20:40] = 1
    slices = [
        Picture(np.full((60, 60, 3), grey, np.uint8), labels, "heart", series)
        for series, greys in (("one", (10, 20, 30, 40)), ("two", (110, 120, 130)))
        for grey in greys
    ]
    scenes = Scenes(Take(48, 9, (0.3, 0.5)), {"stack": slices}, ("stack",))
    for seed in range(10):
        frames, ids = scenes.film(np.random.default_rng(seed), "stack")
        assert ids[0].any()
        seen = np.round(frames.mean((1, 2, 3)) / 10).astype(int)
        assert set(seen) <= {1, 2, 3, 4} or set(seen) <= {11, 12, 13}
        assert np.abs(np.diff(seen)).max() == 1  # no slice is passed over, at the ends neither
