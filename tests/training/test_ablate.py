"""What is left out when the tracker is trained without a part."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training import ablate
from training.data import Generator
from training.tracker.loader import batch_of
from training.tracker.rollout import rollout


def stepped(name):
    torch.manual_seed(0)
    variant = ablate.VARIANTS[name]
    torch.manual_seed(1)
    net = variant()
    for weight in (net.coarse.weight, net.last.weight):
        torch.nn.init.normal_(weight, std=0.1)  # a decoder that has learned to say something
    tracker = ablate._tracker(variant, net.state_dict())
    rng = np.random.default_rng(0)
    first, second = (rng.random((3, 64, 64), dtype=np.float32) for _ in range(2))
    masks = torch.zeros(2, 64, 64)
    masks[1, 20:40, 20:44] = 1
    masks[0] = 1 - masks[1]
    tracker.commit(0, first, masks, (1,), permanent=True)
    return tracker.step(second)


@pytest.mark.parametrize("name", sorted(ablate.VARIANTS.keys() - {"nothing", "imagenet"}))
def test_every_part_that_is_missing_makes_a_difference(name):
    found = stepped(name)
    assert found.shape == (2, 64, 64)
    torch.testing.assert_close(found.sum(0), torch.ones(64, 64))
    assert not torch.allclose(found, stepped("nothing"), atol=1e-3)


@pytest.mark.parametrize("name", sorted(ablate.VARIANTS))
def test_every_variant_can_learn(name, tmp_path):
    clips = Generator(tmp_path, seed=0, size=64, frames=4, families=["crowd"]).batch(1)
    net = ablate.VARIANTS[name]()
    scores = rollout(net, batch_of(clips, np.random.default_rng(0), 3))
    scores.loss.backward()
    assert scores.loss.isfinite()
    assert net.key_near.weight.grad.abs().sum() > 0
