"""The eyes of the bundled networks."""

from __future__ import annotations

import torch

from napari_lazyvos.nets.lite import WIDTHS, Lite


@torch.inference_mode()
def test_features_have_the_stated_sizes():
    torch.manual_seed(0)
    seen = Lite()(torch.randn(2, 3, 64, 96))
    sizes = [tuple(feature.shape) for feature in seen]
    assert sizes == [
        (2, width, 64 // stride, 96 // stride)
        for width, stride in zip(WIDTHS, (2, 4, 8, 16, 32), strict=True)
    ]


@torch.inference_mode()
def test_one_image_does_not_change_what_is_seen_in_another():
    torch.manual_seed(0)
    eyes, images = Lite(), torch.randn(2, 3, 64, 64)
    both, alone = eyes(images), eyes(images[:1])
    for one, other in zip(both, alone, strict=True):
        torch.testing.assert_close(one[:1], other, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_what_is_told_beside_the_image_is_seen():
    torch.manual_seed(0)
    eyes, image = Lite(beside=1), torch.randn(1, 3, 64, 64)
    mark = torch.zeros(1, 1, 64, 64)
    mark[..., 30:34, 30:34] = 1
    change = [
        (one - other).abs().amax(1)[0]
        for one, other in zip(eyes(image, mark), eyes(image, torch.zeros_like(mark)), strict=True)
    ]
    assert change[0][14:18, 14:18].max() > 1e-4
    assert change[0][:8].max() < 1e-6  # far from the mark, at stride 2
