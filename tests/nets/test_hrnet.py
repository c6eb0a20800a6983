"""HRNet's branches tell each other what they see, and its head what the object looks like."""

from __future__ import annotations

import pytest
import torch

from napari_lazyvos.nets.hrnet import STEM, Exchange, HrNetOcr


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return HrNetOcr(4, 6, small=True).eval().requires_grad_(False)


def beside(*sides):
    return torch.zeros(1, STEM, *sides)


def test_features_have_a_fourth_of_the_size_rounded_up(net):
    features = net.features(torch.rand(1, 3, 33, 50), beside(17, 25))
    assert features.shape == (1, 15 * 4, 9, 13)
    assert net.logits(features).shape == (1, 1, 9, 13)


def test_the_smallest_image_is_seen(net):
    assert net.features(torch.rand(1, 3, 1, 1), beside(1, 1)).shape == (1, 60, 1, 1)


def test_what_is_known_beside_the_image_is_seen(net):
    image = torch.rand(1, 3, 32, 32)
    one, other = net.features(image, beside(16, 16)), net.features(image, beside(16, 16) + 1)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    ("small", "blocks", "exchanges"), [(True, 2, [1, 3, 2]), (False, 4, [1, 4, 3])]
)
def test_the_small_network_has_fewer_blocks_and_exchanges(small, blocks, exchanges):
    with torch.device("meta"):
        net = HrNetOcr(18, 48, small=small)
    assert net.channels == 270
    assert len(net.layer1) == blocks
    assert [len(stage) for stage in (net.stage2, net.stage3, net.stage4)] == exchanges
    assert [len(stage[0].branches) for stage in (net.stage2, net.stage3, net.stage4)] == [2, 3, 4]
    assert all(len(branch) == blocks for branch in net.stage4[0].branches)


def test_each_branch_hears_of_all_others():
    torch.manual_seed(0)
    exchange = Exchange([4, 8, 16], 1).eval().requires_grad_(False)
    branches = [torch.rand(1, 4, 13, 10), torch.rand(1, 8, 7, 5), torch.rand(1, 16, 4, 3)]
    before = exchange(branches)
    assert [x.shape for x in before] == [x.shape for x in branches]
    for changed in range(3):
        others = [x + (number == changed) for number, x in enumerate(branches)]
        for one, other in zip(before, exchange(others), strict=True):
            assert not torch.allclose(one, other)


def test_places_see_what_the_whole_object_looks_like(net):
    features = torch.rand(1, 60, 9, 13)
    far = features.clone()
    far[..., 8, 12] += 5
    change = (net.logits(far) - net.logits(features)).abs()
    assert change[..., 0, 0] > 0  # a convolution of 3 x 3 alone would not reach so far


def test_of_one_object_no_place_has_to_choose(net):
    features = torch.rand(1, 60, 9, 13)
    before = net.logits(features)
    block = net.ocr_distri_head.object_context_block
    for name in ("f_pixel", "f_object"):
        for parameter in block[name].parameters():
            parameter.data.normal_()
    torch.testing.assert_close(net.logits(features), before, rtol=0, atol=0)
