"""The plain vision transformer."""

from __future__ import annotations

import pytest
import torch

from napari_lazyvos.nets.vit import Attention, Block, Patches, positions


def filled(net):
    torch.manual_seed(0)
    for each in net.parameters():
        torch.nn.init.normal_(each, std=0.1)
    return net.requires_grad_(False)


def test_a_token_is_made_of_its_own_patch_in_row_major_order():
    net = filled(Patches(3, 8))
    picture = torch.rand(2, 3, 32, 48)
    before = net(picture)
    assert before.shape == (2, 6, 8)
    picture[1, :, 20:24, 16:32] += 1  # the second row, the second column
    changed = (net(picture) != before).any(2)
    assert changed.nonzero().tolist() == [[1, 4]]


def test_attention_is_the_softmax_of_the_products_in_each_head():
    net, x = filled(Attention(128)), torch.randn(1, 5, 128)
    query, key, value = net.qkv(x)[0].chunk(3, 1)
    heads = []
    for head in (slice(0, 64), slice(64, 128)):
        shares = (query[:, head] @ key[:, head].T / 8).softmax(1)
        heads.append(shares @ value[:, head])
    torch.testing.assert_close(net(x)[0], net.proj(torch.cat(heads, 1)))


def test_a_block_does_not_know_the_order_of_its_tokens():
    net, x = filled(Block(64)), torch.randn(1, 7, 64)
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    torch.testing.assert_close(net(x[:, order]), net(x)[:, order])


def test_positions_of_the_trained_grid_stay_as_they_are():
    embedding = torch.randn(1, 1 + 9, 4)
    assert torch.equal(positions(embedding, (3, 3)), embedding[:, 1:])


@pytest.mark.parametrize("grid", [(2, 5), (7, 3), (1, 1)])
def test_positions_of_another_grid_lie_between_those_of_the_trained_one(grid):
    rows = torch.arange(8.0)[:, None].expand(8, 8).reshape(1, 64, 1)
    embedding = torch.cat([torch.full((1, 1, 1), 99.0), rows], 1)  # the class token is left out
    fitted = positions(embedding, grid).reshape(grid)
    between = (torch.arange(grid[0]) + 0.5) * 8 / grid[0] - 0.5
    assert (fitted - between[:, None]).abs().max() < 0.2
