"""The simulated person, and a training step of the click network."""

from __future__ import annotations

import numpy as np
import torch

from napari_lazyvos.nets.clicks import ClickNet
from training.clicks.loader import Stage, stills
from training.clicks.person import first_click, next_click
from training.clicks.session import work
from training.pretrained import open_eyes


def disc(radius, centre=(32, 32)):
    rows, columns = np.mgrid[:64, :64]
    return np.hypot(rows - centre[0], columns - centre[1]) <= radius


def test_the_first_click_hits_the_object():
    truth = disc(6, (20, 45))
    for seed in range(20):
        y, x, sign = first_click(truth, np.random.default_rng(seed))
        assert truth[int(y), int(x)]
        assert sign == 1


def test_the_next_click_goes_to_the_larger_error():
    rng = np.random.default_rng(0)
    y, x, sign = next_click(disc(20), disc(20) & ~disc(8), rng)
    assert sign == 1
    assert disc(8)[int(y), int(x)]
    y, x, sign = next_click(disc(10), disc(10) | disc(7, (52, 52)), rng)
    assert sign == -1
    assert disc(7, (52, 52))[int(y), int(x)]


def test_a_perfect_mask_needs_no_click():
    assert next_click(disc(9), disc(9), np.random.default_rng(0)) == (0, 0, 0)


def test_the_loss_of_one_batch_falls(shared):
    torch.manual_seed(0)
    net = ClickNet()
    open_eyes(net.eyes)
    batch = next(stills(shared, Stage(1.0, 3, 64), seed=3, start=0, workers=0))
    assert batch.truths.flatten(1).any(1).all()
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    losses = []
    for _ in range(25):
        scores = work(net, batch, clicks=1)
        optimizer.zero_grad()
        scores.loss.backward()
        optimizer.step()
        losses.append(scores.loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert len(work(net, batch, clicks=3).overlaps) == 3
