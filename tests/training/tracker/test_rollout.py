"""Learning to track: on a few clips the loss falls, and the first masks may be coarse."""

from __future__ import annotations

import torch

from napari_lazyvos.nets.compact import CompactNet
from training.tracker.loader import Stage, batches
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
