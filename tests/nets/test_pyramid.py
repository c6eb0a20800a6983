"""Merging features of several strides."""

from __future__ import annotations

import pytest
import torch

from napari_lazyvos.nets.pyramid import Pyramid


@pytest.mark.parametrize("side", [64, 80, 112])
def test_any_size_is_merged_exactly_where_it_is(side):
    torch.manual_seed(0)
    pyramid = Pyramid((24, 16, 8), (16, 8))
    sides = [-(-side // stride) for stride in (32, 16, 8)]
    features = [torch.randn(1, c, n, n) for c, n in zip((24, 16, 8), sides, strict=True)]
    merged = pyramid(features)
    fine = side // 8
    assert [tuple(m.shape) for m in merged] == [(1, 16, sides[1], sides[1]), (1, 8, fine, fine)]


def test_what_is_coarse_informs_what_is_fine():
    torch.manual_seed(0)
    pyramid = Pyramid((8, 8, 8), (8, 8))
    features = [torch.randn(1, 8, n, n, requires_grad=True) for n in (2, 4, 8)]
    pyramid(features)[-1].square().sum().backward()
    assert all(feature.grad is not None and feature.grad.any() for feature in features)
