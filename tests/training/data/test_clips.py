"""Synthetic clips: exact, seeded, and moving."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.data import FAMILIES, Generator
from training.data.motion import Motion
from training.data.pictures import Picture, load


def test_the_same_seed_gives_the_same_bits(shared):
    one, other = (Generator(shared, seed=4, size=64).batch(3) for _ in range(2))
    assert torch.equal(one.frames, other.frames)
    assert torch.equal(one.labels, other.labels)


def test_skipped_batches_are_as_if_drawn(shared):
    drawn, skipped = (Generator(shared, seed=4, size=64) for _ in range(2))
    for _ in range(2):
        drawn.batch(1)
    skipped.skip(2)
    assert torch.equal(drawn.batch(1).frames, skipped.batch(1).frames)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_shows_its_first_object_and_moves(shared, family):
    clips = Generator(shared, seed=1, size=64, frames=4, families=[family]).batch(4)
    assert clips.frames.shape == (4, 4, 3, 64, 64)
    assert clips.frames.dtype == torch.float32
    assert clips.labels.shape == (4, 4, 64, 64)
    assert clips.labels.dtype == torch.uint8
    assert clips.frames.min() >= 0
    assert clips.frames.max() <= 1
    assert ((clips.labels[:, 0] == 1).sum((1, 2)) >= 40).all()
    assert clips.labels.max() <= 4
    moved = (clips.labels[:, 0] != clips.labels[:, -1]).flatten(1).any(1)
    assert moved.float().mean() >= 0.5
    assert clips.families == (family,) * 4


def test_masks_lie_where_the_object_is(shared):
    """Nuclei are brighter or darker than what is just around them: the label follows them."""
    clips = Generator(shared, seed=2, size=96, frames=3, families=["nuclei"]).batch(8)
    contrasts = []
    for frames, labels in zip(clips.frames, clips.labels, strict=True):
        for frame, label in zip(frames.mean(1), labels == 1, strict=True):
            wide = torch.nn.functional.max_pool2d(label[None].float(), 9, 1, 4)[0] > 0
            ring = wide & ~label
            if label.sum() > 30 and ring.any():
                spread = frame[wide].std().clamp(min=1e-3)
                contrasts.append(float((frame[label].mean() - frame[ring].mean()).abs() / spread))
    assert np.median(contrasts) > 0.5


def test_stills_are_clips_of_one_frame(shared):
    assert Generator(shared, seed=0, size=64, frames=1).batch(2).frames.shape[1] == 1


def test_splits_share_no_picture(shared):
    train, held_out = load(shared, "train"), load(shared, "held-out")
    for family, pictures in held_out.items():
        assert 0 < len(pictures) < len(train[family])
        seen = {picture.image.tobytes() for picture in train[family]}
        assert not any(picture.image.tobytes() in seen for picture in pictures)


def test_a_motion_begins_at_its_centre_and_ends_elsewhere():
    how = {"centre": (30.0, 40.0), "scale": 2.0, "extent": 20.0, "speed": 0.1, "elastic": 0.0}
    motion = Motion(np.random.default_rng(3), 80, 5, **how)
    rows, columns = motion.source_of(0, (7.0, 9.0))
    assert rows[30, 40] == pytest.approx(7)
    assert columns[30, 40] == pytest.approx(9)
    assert columns[30, 42] == pytest.approx(10)  # two pixels of the clip for one of the source
    later_rows, later_columns = motion.source_of(4, (7.0, 9.0))
    assert np.hypot(later_rows[30, 40] - 7, later_columns[30, 40] - 9) > 0.5


def test_only_what_touches_is_made_one():
    labels = np.zeros((60, 60), np.int32)
    labels[10:30, 10:20], labels[10:30, 20:30], labels[40:55, 40:55] = 1, 2, 3
    picture = Picture(np.zeros((60, 60, 3), np.uint8), labels, "natural")
    together = set()
    for seed in range(10):
        joined = picture.joined(np.random.default_rng(seed)).labels
        assert np.array_equal(joined == 3, labels == 3)
        together.add(bool(joined[15, 15] == joined[15, 25]))
    assert together == {True, False}
    assert np.array_equal(np.unique(picture.labels), [0, 1, 2, 3])


def test_long_ways_stay_in_the_frame():
    for seed in range(10):
        motion = Motion(
            np.random.default_rng(seed), 64, 60,
            centre=(32.0, 20.0), scale=1.0, extent=20.0, speed=0.3, elastic=0.0,
        )  # fmt: skip
        rows, columns = zip(*(motion.source_of(t, (0.0, 0.0)) for t in range(60)), strict=True)
        # The place of the object's centre is where both coordinates of the source are near 0.
        near = [np.hypot(y, x).min() for y, x in zip(rows, columns, strict=True)]
        assert max(near) < 4
