"""The network of the bundled tracker."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_lazyvos.models import bundled
from napari_lazyvos.nets.compact import CompactNet, Witnesses
from napari_lazyvos.nets.weights import fill


@pytest.fixture(scope="module")
def net() -> CompactNet:
    return fill(CompactNet(), bundled("tracker"), "tracker")


def squares(*corners, side=32, size=128):
    masks = torch.zeros(1, 1 + len(corners), size, size)
    for k, (y, x) in enumerate(corners, start=1):
        masks[:, k, y : y + side, x : x + side] = 1
    masks[:, 0] = 1 - masks[:, 1:].sum(1)
    return masks


def witnesses(net, looks, masks):
    at4, at8 = (torch.nn.functional.avg_pool2d(masks, step) for step in (4, 8))
    last, sure_last = net.read_last(looks.near, looks.near, at4)
    kept, sure_kept = net.read_kept(looks.near, looks.near, at4)
    far, sure_far = net.read_far(looks.far, looks.far.flatten(2), at8.flatten(2))
    return Witnesses(
        masks, torch.ones_like(masks[:, :1]), last, kept, far, (sure_last, sure_kept, sure_far)
    )


def image(size=128):
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_an_untrained_decoder_says_what_the_witnesses_say():
    torch.manual_seed(0)
    net = CompactNet()
    masks = squares((20, 30), (70, 60))
    looks = net.look(image())
    found = net.decode(looks, witnesses(net, looks, masks)).argmax(1)
    assert (found == masks.argmax(1)).float().mean() > 0.97


@torch.inference_mode()
def test_objects_decoded_apart_are_nearly_as_if_decoded_together(net):
    masks = squares((12, 12), (80, 70))
    looks = net.look(image())
    said = witnesses(net, looks, masks)
    together, apart = net.decode(looks, said), net.decode(looks, said, apart=True)
    assert (together.argmax(1) == apart.argmax(1)).float().mean() > 0.99
    assert (together.softmax(1) - apart.softmax(1)).abs().mean() < 0.01


@torch.inference_mode()
def test_an_object_that_nobody_sees_is_decoded_too(net):
    masks = torch.cat([squares((20, 30)), torch.zeros(1, 1, 128, 128)], 1)
    looks = net.look(image())
    found = net.decode(looks, witnesses(net, looks, masks), apart=True).argmax(1)
    assert (found != 2).all()


@torch.inference_mode()
def test_the_order_of_objects_does_not_matter(net):
    looks = net.look(image())
    one = net.decode(looks, witnesses(net, looks, squares((12, 12), (80, 70))))
    other = net.decode(looks, witnesses(net, looks, squares((80, 70), (12, 12))))
    torch.testing.assert_close(one, other[:, [0, 2, 1]], rtol=1e-3, atol=1e-3)


def test_it_is_small():
    assert sum(p.numel() for p in CompactNet().parameters()) < 2e6


@torch.inference_mode()
def test_what_is_read_anywhere_is_a_hint_for_the_decoder_alone(net):
    looks = net.look(image())
    said = witnesses(net, looks, squares((20, 30)))
    nowhere = torch.zeros_like(said.far)
    nowhere[:, 0] = 1
    other = replace(said, far=nowhere)
    undecoded = [net.decode(looks, each, belief=0.0) for each in (said, other)]
    assert torch.equal(*undecoded)
    assert not torch.equal(net.decode(looks, said), net.decode(looks, other))


@torch.inference_mode()
def test_belief_is_how_much_of_the_decoder_counts(net):
    looks = net.look(image())
    said = witnesses(net, looks, squares((20, 30)))
    none, half, whole = (net.decode(looks, said, belief=b) for b in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (none + whole) / 2, atol=1e-4, rtol=1e-4)
    assert not torch.equal(none, whole)
