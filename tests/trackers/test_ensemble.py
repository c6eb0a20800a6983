"""Several trackers as one."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers.ensemble import EnsembleTracker
from napari_lazyvos.trackers.protocol import SamplingTracker, Tracker
from napari_lazyvos.uncertainty import spread


class Sure:
    """Predicts a constant of each object, and keeps a list of what it was told."""

    name = "sure"
    device = torch.device("cpu")

    def __init__(self, *shares, order=None):
        self.shares, self.order = shares, order
        self.told = []
        self.labels = ()

    @property
    def memory_frames(self):
        return tuple(t for t, *_ in self.told)

    def step(self, frame):
        objects = torch.tensor(self.shares[: len(self.labels)])[:, None, None].expand(-1, 2, 3)
        return torch.cat([1 - objects.sum(0, keepdim=True), objects])

    def commit(self, t, frame, probabilities, labels, *, permanent=False):
        self.told.append((t, probabilities, labels, permanent))
        known = (*self.labels, *(k for k in labels if k not in self.labels))
        self.labels = tuple(sorted(known, key=self.order)) if self.order else known

    def forget(self, label):
        self.labels = tuple(k for k in self.labels if k != label)

    def snapshot(self):
        return {"labels": self.labels}

    def restore(self, snapshot):
        self.labels = snapshot["labels"]


FRAME = np.zeros((3, 2, 3), np.float32)


def given(labels):
    return torch.ones(1 + len(labels), 2, 3) / (1 + len(labels))


def started(*members, labels=(4, 7)):
    ensemble = EnsembleTracker(members)
    ensemble.commit(0, FRAME, given(labels), labels, permanent=True)
    return ensemble


def test_it_is_a_tracker_that_gives_samples():
    ensemble = started(Sure(0.5, 0.25), Sure(0.25, 0.75))
    assert isinstance(ensemble, Tracker)
    assert isinstance(ensemble, SamplingTracker)
    assert not isinstance(ensemble.members[0], SamplingTracker)


def test_a_prediction_is_the_mean_and_the_samples_are_the_members():
    members = Sure(0.5, 0.25), Sure(0.25, 0.75), Sure(0.0, 0.5)
    ensemble = started(*members)
    found = ensemble.step(FRAME)
    torch.testing.assert_close(found[:, 0, 0], torch.tensor([0.25, 0.25, 0.5]))
    samples = list(ensemble.samples())
    assert all(torch.equal(a, m.step(FRAME)) for a, m in zip(samples, members, strict=True))
    samples[0].zero_()
    assert torch.equal(next(ensemble.samples()), members[0].step(FRAME))


def test_members_may_order_labels_in_their_own_way_and_know_more():
    one, other = Sure(0.5, 0.25), Sure(0.75, 0.125, 0.125, order=lambda k: -k)
    ensemble = started(one, other)
    other.commit(0, FRAME, None, (5,))
    assert (ensemble.labels, other.labels) == ((4, 7), (7, 5, 4))
    found = ensemble.step(FRAME)
    # The other says 0.125 of label 4, 0.75 of label 7, and 0.125 of what the first does not know.
    torch.testing.assert_close(found[:, 0, 0], torch.tensor([0.1875, 0.3125, 0.5]))
    assert all(torch.allclose(sample.sum(0), torch.ones(2, 3)) for sample in ensemble.samples())


def test_all_are_told_the_same():
    ensemble = started(Sure(0.5), Sure(0.25), labels=(4,))
    found = ensemble.step(FRAME)
    ensemble.commit(1, FRAME, found, (4,))
    ensemble.commit(2, FRAME, None, (4,))
    for member in ensemble.members:
        assert [told[0] for told in member.told] == [0, 1, 2]
        assert torch.equal(member.told[1][1], found)
        assert [told[3] for told in member.told] == [True, False, False]
    ensemble.members[0].told.pop(0)
    assert ensemble.memory_frames == (0, 1, 2)
    ensemble.forget(4)
    assert [member.labels for member in ensemble.members] == [(), ()]


def test_samples_are_of_the_frame_that_waits():
    ensemble = started(Sure(0.5), Sure(0.25), labels=(4,))
    for change in (
        lambda: ensemble.commit(1, FRAME, None, (4,)),
        lambda: ensemble.forget(9),
        lambda: ensemble.restore(ensemble.snapshot()),
    ):
        with pytest.raises(LazyVosError, match="nothing to sample"):
            ensemble.samples()
        ensemble.step(FRAME)
        assert len(list(ensemble.samples())) == 2
        change()


def test_a_memory_of_another_ensemble_is_refused():
    kept = started(Sure(0.5), Sure(0.25), Sure(0.1)).snapshot()
    with pytest.raises(LazyVosError, match="one of 3 trackers, and the ensemble has 2"):
        started(Sure(0.5), Sure(0.25)).restore(kept)


@pytest.mark.parametrize("weights", [[], [None]])
def test_an_ensemble_of_fewer_than_two_is_refused(weights):
    with pytest.raises(LazyVosError, match=f"ensemble of {len(weights)} has nothing to compare"):
        trackers.load("compact", weights=weights, device="cpu")


def untrained(seed):
    torch.manual_seed(seed)
    return XMemNet().state_dict()


@pytest.fixture(scope="module")
def two_weights():
    return [untrained(0), untrained(1)]


def picture(t):
    return np.random.default_rng(t).random((3, 48, 64), dtype=np.float32)


def square():
    masks = torch.zeros(2, 48, 64)
    masks[1, 10:30, 12:40] = 1
    masks[0] = 1 - masks[1]
    return masks


def run(tracker, times):
    for t in times:
        frame = picture(t)
        tracker.commit(t, frame, found := tracker.step(frame), tracker.labels)
    return found


def test_a_list_of_weights_makes_one_that_keeps_the_cadence_of_its_members(two_weights):
    ensemble = trackers.load("xmem", weights=two_weights, device="cpu", mem_every=3)
    ensemble.commit(0, picture(0), square(), (1,), permanent=True)
    run(ensemble, range(1, 8))
    # The mean is a prediction as well: it does not count as a mask that somebody gave.
    assert [member.memory_frames for member in ensemble.members] == [(0, 3, 6)] * 2
    frame = picture(8)
    ensemble.step(frame)
    ensemble.commit(8, frame, square(), (1,))
    assert ensemble.memory_frames == (0, 3, 6, 8)


def test_its_memory_survives_a_file_and_a_new_ensemble(two_weights):
    one, other = (trackers.load("xmem", weights=two_weights, device="cpu") for _ in range(2))
    one.commit(0, picture(0), square(), (1,), permanent=True)
    run(one, range(1, 4))
    file = io.BytesIO()
    torch.save(one.snapshot(), file)
    file.seek(0)
    other.restore(torch.load(file, weights_only=True))
    assert torch.equal(run(one, range(4, 6)), run(other, range(4, 6)))
    total, epistemic = spread(_sampled(one))
    assert 0 < float(epistemic.mean()) < float(total.mean())


def _sampled(tracker):
    tracker.step(picture(9))
    return tracker.samples()


def test_equal_members_are_one_tracker_and_agree(two_weights):
    alone = trackers.load("xmem", weights=two_weights[0], device="cpu")
    twice = trackers.load("xmem", weights=[two_weights[0]] * 2, device="cpu")
    for tracker in (alone, twice):
        tracker.commit(0, picture(0), square(), (1,), permanent=True)
    assert torch.equal(run(alone, range(1, 4)), run(twice, range(1, 4)))
    assert not spread(_sampled(twice))[1].any()
