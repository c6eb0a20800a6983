"""Learning to track: on a few clips the loss falls, and the first masks may be coarse."""

from __future__ import annotations

import numpy as np
import torch

from napari_lazyvos.nets.compact import CompactNet
from training.data import Clips
from training.tracker import loader
from training.tracker.loader import Stage, batch_of, batches
from training.tracker.rollout import flows, rollout

STAGE = Stage(until=1.0, clips=2, frames=3, size=64)


def test_the_loss_of_one_batch_falls(shared):
    torch.manual_seed(0)
    net = CompactNet()
    batch = next(batches(shared, STAGE, seed=3, start=0, workers=0))
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    losses = []
    for _ in range(8):
        scores = rollout(net, batch)
        optimizer.zero_grad()
        scores.loss.backward()
        optimizer.step()
        losses.append(scores.loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert 0 < scores.similarity <= 1


def test_every_weight_learns(shared):
    net = CompactNet()
    for convolution in (net.coarse, net.last):  # they begin at zero, and so block what is before
        torch.nn.init.normal_(convolution.weight, std=0.1)
    rollout(net, next(batches(shared, STAGE, seed=5, start=0, workers=0))).loss.backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def _gliding(frames: int) -> Clips:
    """Return a clip of a square that goes 2 pixels to the right in each frame, as all does."""
    texture = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16), (64, 64), mode="bicubic")
    square = torch.zeros(64, 64, dtype=torch.uint8)
    square[24:40, 8:24] = 1
    film = torch.stack([texture[0].roll(2 * t, dims=2) for t in range(frames)]).clamp(0, 1)
    labels = torch.stack([square.roll(2 * t, dims=1) for t in range(frames)])
    return Clips(film[None], labels[None], ("squares",))


def test_clips_begin_long_after_their_first_frame():
    made, starts, wrong = _gliding(12), set(), 0
    for seed in range(20):
        batch = batch_of(made, np.random.default_rng(seed), 4)
        assert batch.frames.shape[1] == 5
        assert torch.equal(batch.frames[0, 0], made.frames[0, 0])
        start = next(t for t in range(9) if torch.equal(made.frames[0, t], batch.frames[0, 1]))
        starts.add(start)
        wrong += not torch.equal(batch.begun[0], made.labels[0, start])
        assert torch.equal(batch.labels[0, 1:], made.labels[0, start : start + 4])
        assert batch.back.shape[1] == batch.forth.shape[1] == 3
    assert len(starts) > 4
    assert 3 <= wrong <= 17


def test_the_drift_leads_back_to_the_first_frame(monkeypatch):
    monkeypatch.setattr(loader, "ASTRAY", 0.0)
    monkeypatch.setattr(loader, "LONG_AGO", 1.0)
    made = _gliding(12)
    for seed in range(5):
        batch = batch_of(made, np.random.default_rng(seed), 4)
        start = next(t for t in range(9) if torch.equal(made.frames[0, t], batch.frames[0, 1]))
        there = batch.drift[0, 0][made.labels[0, start] == 1]
        assert abs(float(there.median()) + 2 * start) < 1


def test_workers_share_the_batches_and_a_start_skips(shared):
    alone = batches(shared, STAGE, seed=1, start=0, workers=0)
    first, second = next(alone), next(alone)
    later = next(batches(shared, STAGE, seed=1, start=1, workers=0))
    assert torch.equal(later.frames, second.frames)
    assert torch.equal(later.first, second.first)
    shared_work = batches(shared, STAGE, seed=1, start=0, workers=2)
    assert torch.equal(next(shared_work).frames, first.frames)
    assert torch.equal(next(shared_work).frames, second.frames)


def test_flow_points_to_where_it_came_from():
    texture = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16), (64, 64), mode="bicubic")
    clip = torch.stack([texture[0], texture[0].roll(3, dims=2)]).clamp(0, 1)[None]
    back, forth = flows(clip)
    assert abs(float(back[0, 0, 0, 16:48, 16:48].median()) + 3) < 0.5
    assert abs(float(forth[0, 0, 0, 16:48, 16:48].median()) - 3) < 0.5
