"""The network of the bundled refiner."""

from __future__ import annotations

import torch

from napari_lazyvos.nets.clicks import RADIUS, ClickNet, discs


def test_discs_are_where_the_clicks_are():
    drawn = discs(torch.tensor([[[10.0, 20.0, 1.0], [40.0, 50.0, -1.0], [5.0, 5.0, 0.0]]]), 64, 96)
    assert drawn.shape == (1, 2, 64, 96)
    rows, columns = torch.where(drawn[0, 0] > 0)
    assert (rows.float().mean(), columns.float().mean()) == (10, 20)
    assert rows.max() - rows.min() == 2 * RADIUS
    rows, columns = torch.where(drawn[0, 1] > 0)
    assert (rows.float().mean(), columns.float().mean()) == (40, 50)


@torch.inference_mode()
def test_answers_have_the_size_of_the_crops():
    torch.manual_seed(0)
    clicks = discs(torch.tensor([[[30.0, 30.0, 1.0]]]).expand(2, -1, -1), 64, 96)
    logits, quality = ClickNet()(torch.randn(2, 3, 64, 96), clicks, torch.zeros(2, 1, 64, 96))
    assert logits.shape == (2, 1, 64, 96)
    assert quality.shape == (2,)
    assert ((quality >= 0) & (quality <= 1)).all()


def test_it_is_small():
    assert sum(p.numel() for p in ClickNet().parameters()) < 2.5e6
