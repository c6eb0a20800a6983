"""A GPU whose memory is full: nothing is lost. No GPU is needed to say that one is full."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos.nets.livos import LivosNet
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.simvos import SimVosNet, Sizes
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers.livos import LivosTracker
from napari_lazyvos.trackers.mivos import MivosTracker
from napari_lazyvos.trackers.protocol import RatingTracker, RememberingTracker, SamplingTracker
from napari_lazyvos.trackers.qdmn import QdmnTracker
from napari_lazyvos.trackers.simvos import SimVosTracker
from napari_lazyvos.trackers.sparing import (
    PlainSparingTracker,
    SparingRatingTracker,
    SparingTracker,
    spare,
)
from napari_lazyvos.trackers.xmem import XMemTracker

HEIGHT, WIDTH = 64, 96


class Greedy(XMemTracker):
    """Needs more than there is, until it is asked for little enough."""

    enough = 0  # how many things must have been given up

    def __init__(self, *, memory_device, size, device, **options):
        given_up = (memory_device == "cpu") + (size < HEIGHT) + (device is not None)
        self.full = given_up < self.enough
        self.full_from_now = False
        self.given = {"memory_device": memory_device, "size": size, "device": device}
        super().__init__(memory_device=memory_device, size=size, device=device, **options)

    def step(self, frame):
        if self.full:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().step(frame)

    def _predict(self, state, view, kept=None):
        if self.full_from_now:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super()._predict(state, view, kept)


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    return XMemNet().state_dict()


def frame(t):
    return np.random.default_rng(t).random((3, HEIGHT, WIDTH), dtype=np.float32)


def masks():
    found = torch.zeros(3, HEIGHT, WIDTH)
    found[1, 10:30, 10:40] = found[2, 40:60, 50:90] = 1
    found[0] = 1 - found[1] - found[2]
    return found


def started(make, weights):
    tracker = SparingTracker(make, weights=weights, memory_device="same", size=480, device=None)
    tracker.commit(0, frame(0), masks(), (1, 4), permanent=True)
    for t in range(1, 4):
        tracker.commit(t, frame(t), tracker.step(frame(t)), tracker.labels)
    return tracker


@pytest.mark.parametrize("enough", [1, 2])
def test_it_gives_up_one_thing_after_the_other_and_loses_nothing(weights, enough, monkeypatch):
    tracker = started(Greedy, weights)
    before = tracker.memory_frames
    monkeypatch.setattr(Greedy, "enough", enough)
    tracker._inner.full = True
    with pytest.warns(UserWarning, match="memory of the GPU is full") as told:
        found = tracker.step(frame(4))
    assert len(told) == enough
    assert found.shape == (3, HEIGHT, WIDTH)
    torch.testing.assert_close(found.sum(0), torch.ones(HEIGHT, WIDTH))
    assert tracker.labels == (1, 4)
    assert tracker.memory_frames == before
    assert tracker._inner.given["size"] == (480 if enough == 1 else 43)
    tracker.commit(4, frame(4), found, tracker.labels)
    tracker.step(frame(5))  # and says nothing more


def test_memory_elsewhere_changes_no_mask(weights, monkeypatch):
    spared, plain = started(Greedy, weights), started(XMemTracker, weights)
    monkeypatch.setattr(Greedy, "enough", 1)
    spared._inner.full = True
    with pytest.warns(UserWarning, match="CPU's memory holds"):
        found = spared.step(frame(4))
    assert torch.equal(found, plain.step(frame(4)))


def test_samples_go_on_where_the_memory_was_full(weights, monkeypatch):
    """The draws are the same then: none is lost, and none comes twice."""
    spared, plain = (started(make, weights) for make in (Greedy, XMemTracker))
    spared.step(frame(4))
    plain.step(frame(4))
    monkeypatch.setattr(Greedy, "enough", 1)
    expected, given = list(plain.samples()), []

    def ask_for_all():
        for sample in spared.samples():
            given.append(sample)
            spared._inner.full_from_now = len(given) == 3

    with pytest.warns(UserWarning, match="CPU's memory holds"):
        ask_for_all()
    assert len(given) == len(expected) == 20
    assert all(torch.equal(a, b) for a, b in zip(given, expected, strict=True))


def test_a_memory_of_each_objects_own_keys_is_spared_too():
    """The frame that was passed last, which has a slot of its own, is not lost either."""

    class Full(MivosTracker):
        """Has no room on the GPU for what it remembers."""

        def __init__(self, *, memory_device, **options):
            self.full, self.told = memory_device != "cpu", False
            super().__init__(memory_device=memory_device, **options)

        def step(self, frame):
            if self.full and self.told:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return super().step(frame)

    torch.manual_seed(0)
    weights = MivosNet().state_dict()
    spared, plain = started(Full, weights), started(MivosTracker, weights)
    spared._inner.told = True
    with pytest.warns(UserWarning, match="CPU's memory holds"):
        found = spared.step(frame(4))
    assert torch.equal(found, plain.step(frame(4)))


def test_a_state_of_constant_size_goes_on_in_smaller_frames():
    """It has no memory that could move elsewhere."""

    class Full(LivosTracker):
        """Has no room for frames of this size, as soon as it is told."""

        told = False

        def step(self, frame):
            if self.told and self._size == HEIGHT:
                _raise()
            return super().step(frame)

    torch.manual_seed(0)
    tracker = spare(Full, weights=LivosNet().state_dict(), size=HEIGHT, device=None)
    tracker.commit(0, frame(0), masks(), (1, 4), permanent=True)
    tracker.commit(1, frame(1), tracker.step(frame(1)), tracker.labels)
    tracker._inner.told = True
    with pytest.warns(UserWarning, match="a short side of 43 pixels from now on") as told:
        found = tracker.step(frame(2))
    assert len(told) == 1
    assert found.shape == (3, HEIGHT, WIDTH)
    assert tracker.memory_frames == (0, 1)
    assert tracker._inner._size == 43


def test_what_cannot_be_read_in_another_size_is_not_lost():
    """Then the CPU computes, in the size that was asked for."""

    class Full(SimVosTracker):
        """Has no room on the device of a GPU, as soon as it is told."""

        told = False

        def __init__(self, *, device=None, **options):
            self.full = device is None
            super().__init__(device=device, **options)

        def step(self, frame):
            if self.told and self.full:
                _raise()
            return super().step(frame)

    torch.manual_seed(0)
    weights = SimVosNet(Sizes(width=64, depth=2)).state_dict()
    spared = spare(Full, weights=weights, size=480, device=None)
    plain = SimVosTracker(weights=weights)
    for each in (spared, plain):
        each.commit(0, frame(0), masks(), (1, 4), permanent=True)
    spared._inner.told = True
    with pytest.warns(UserWarning, match="the CPU computes from now on") as told:
        found = spared.step(frame(1))
    assert len(told) == 1
    assert torch.equal(found, plain.step(frame(1)))


def test_a_spared_tracker_can_do_what_it_could_before(weights):
    """Else a panel would wait for frames that are never told, or every frame be an error."""
    torch.manual_seed(0)
    small = SimVosNet(Sizes(width=64, depth=2)).state_dict()
    for make, its, kind in (
        (XMemTracker, weights, SparingTracker),
        (QdmnTracker, MivosNet().state_dict(), SparingRatingTracker),
        (SimVosTracker, small, PlainSparingTracker),
    ):
        plain, spared = make(weights=its), spare(make, weights=its, device=None)
        assert type(spared) is kind
        for ability in (RememberingTracker, SamplingTracker, RatingTracker):
            assert isinstance(spared, ability) == isinstance(plain, ability)


def test_only_of_a_tracker_that_rates_its_masks_is_the_quality_known():
    torch.manual_seed(0)
    options = {"memory_device": "same", "size": 480, "device": None}
    spared = SparingRatingTracker(QdmnTracker, weights=MivosNet().state_dict(), **options)
    spared.commit(0, frame(0), masks(), (1, 4), permanent=True)
    spared.step(frame(1))
    quality = spared.quality()
    assert quality.keys() == {1, 4}
    assert all(0 <= each <= 1 for each in quality.values())
    assert isinstance(spared, RatingTracker)
    assert not hasattr(SparingTracker, "quality")


def test_at_last_the_cpu_computes(weights, monkeypatch):
    tracker = started(Greedy, weights)
    monkeypatch.setattr(Greedy, "enough", 2.5)  # more than can be given up on the GPU
    tracker._inner.full = True
    monkeypatch.setattr(
        Greedy, "step", lambda self, frame: XMemTracker.step(self, frame)
        if self.given["device"] == torch.device("cpu") else _raise(),
    )  # fmt: skip
    with pytest.warns(UserWarning, match="memory of the GPU is full") as told:
        assert tracker.step(frame(4)).shape == (3, HEIGHT, WIDTH)
    assert len(told) == 3
    assert "the CPU computes" in str(told[-1].message)


def test_what_no_sparing_helps_against_is_raised(weights, monkeypatch):
    tracker = started(Greedy, weights)
    monkeypatch.setattr(Greedy, "step", lambda self, frame: _raise())
    with pytest.warns(UserWarning, match="full"), pytest.raises(torch.cuda.OutOfMemoryError):
        tracker.step(frame(4))
    assert tracker.labels == (1, 4)


def _raise():
    raise torch.cuda.OutOfMemoryError("CUDA out of memory")
