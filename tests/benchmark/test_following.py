"""Who follows objects without help is told of each prediction before it is remembered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.benchmark.following import Moment, Prediction, follow
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.uncertainty import entropy, spread
from napari_lazyvos.video import open_video, samples


def cells(frames: int) -> list[Moment]:
    """Return moments of three cells, of which the last one is known from frame 2 on."""
    pictures, label_maps = samples.cells(frames, 64, 80)
    video = open_video(pictures)
    labels = [int(label) for label in np.unique(label_maps[0]) if label][:3]
    return [
        Moment(
            t, video.frame(t), {k: label_maps[t] == k for k in labels if t > 1 or k != labels[-1]}
        )
        for t in range(frames)
    ]


@pytest.fixture(scope="module")
def seen() -> list[tuple[Moment, Prediction]]:
    """Return what an observer was told of a tracker that predicts several times."""
    told: list[tuple[Moment, Prediction]] = []

    def observer(moment: Moment, prediction: Prediction) -> None:
        assert tracker.memory_frames[-1] < moment.t  # it is not remembered yet
        assert prediction.spread[0].shape == (64, 80)  # asked for while it can be
        told.append((moment, prediction))

    tracker = trackers.load("compact", device="cpu", passes=2)
    follow(tracker, cells(4), observer)
    return told


def test_every_frame_after_the_first_object_is_told(seen):
    assert [moment.t for moment, _ in seen] == [1, 2, 3]
    first, second, third = (prediction.labels for _, prediction in seen)
    assert first == second  # in frame 2 the last one is given, not predicted
    assert (len(second), len(third)) == (2, 3)


def test_a_prediction_is_measured_in_every_way(seen):
    _, prediction = seen[-1]
    assert prediction.label_map.dtype == np.int32
    assert set(np.unique(prediction.label_map)) <= {0, *prediction.labels}
    assert torch.equal(prediction.entropy, entropy(prediction.probabilities))
    total, epistemic = prediction.spread
    assert (epistemic <= total).all()
    assert (epistemic > 0).any()


def test_samples_are_gone_through_once():
    one = torch.tensor([[[1.0, 0.5]], [[0.0, 0.5]]])
    other = torch.tensor([[[0.0, 0.5]], [[1.0, 0.5]]])
    prediction = Prediction(one, (1,), iter([one, other]))
    assert prediction.spread is prediction.spread
    for found, wanted in zip(prediction.spread, spread([one, other]), strict=True):
        assert torch.equal(found, wanted)


def test_a_tracker_of_one_prediction_has_no_spread():
    prediction = Prediction(torch.ones(2, 1, 1) / 2, (1,))
    with pytest.raises(LazyVosError, match="choose compact, xmem or an ensemble"):
        _ = prediction.spread


def test_objects_whose_masks_overlap_are_followed_all_the_same():
    moments = cells(2)
    masks = [*moments[0].truth.values()]
    overlapping = {1: masks[0] | masks[1], 2: masks[1]}
    told: list[Prediction] = []
    tracker = trackers.load("handcrafted", device="cpu")
    frames = [Moment(0, moments[0].frame, overlapping), Moment(1, moments[1].frame, {})]
    follow(tracker, frames, lambda _, prediction: told.append(prediction))
    assert told[0].labels == (1, 2)
    assert set(np.unique(told[0].label_map)) == {0, 1, 2}
