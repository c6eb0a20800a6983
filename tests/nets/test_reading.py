"""Reading a memory, against sums written out place by place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.nets.reading import read_anywhere, read_nearby

SHARPNESS, REACH = torch.tensor(0.7), torch.tensor(2.0)
TILE = 8


def memory(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    query, keys = torch.randn(2, 2, 5, height, width, generator=generator)
    return query, keys, torch.rand(2, 3, height, width, generator=generator)


def similarity(query, key):
    return -SHARPNESS * (query - key).square().sum()


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 17), st.integers(1, 17), st.integers(0, 5))
def test_nearby_is_a_softmax_over_the_tiles_window(height, width, radius):
    query, keys, values = memory(height, width)
    readout, evidence = read_nearby(query, keys, values, SHARPNESS, REACH, radius)
    assert readout.shape == (2, 3, height, width)
    for y, x in {(0, 0), (height - 1, width - 1), (height // 2, width // 3)}:
        rows, columns = (
            range(max(0, at // TILE * TILE - radius), min(end, at // TILE * TILE + TILE + radius))
            for at, end in ((y, height), (x, width))
        )
        places = [(row, column) for row in rows for column in columns]
        logits = torch.stack(
            [
                similarity(query[1, :, y, x], keys[1, :, row, column])
                - ((row - y) ** 2 + (column - x) ** 2) / (2 * REACH**2)
                for row, column in places
            ]
        )
        told = torch.stack([values[1, :, row, column] for row, column in places])
        expected = logits.softmax(0) @ told
        torch.testing.assert_close(readout[1, :, y, x], expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(evidence[1, 0, y, x], logits.max(), rtol=1e-4, atol=1e-4)


def test_anywhere_is_a_softmax_over_all_cells():
    query, keys, values = memory(3, 4)
    keys, values = keys.flatten(2)[..., :7], values.flatten(2)[..., :7]
    readout, evidence = read_anywhere(query, keys, values, SHARPNESS)
    logits = torch.stack([similarity(query[1, :, 2, 3], keys[1, :, n]) for n in range(7)])
    torch.testing.assert_close(readout[1, :, 2, 3], values[1] @ logits.softmax(0))
    torch.testing.assert_close(evidence[1, 0, 2, 3], logits.max())


@pytest.mark.parametrize("read", ["nearby", "anywhere"])
def test_values_that_sum_to_one_still_do(read):
    query, keys, values = memory(11, 9)
    values = values / values.sum(1, keepdim=True)
    if read == "nearby":
        readout, _ = read_nearby(query, keys, values, SHARPNESS, REACH, 3)
    else:
        readout, _ = read_anywhere(query, keys.flatten(2), values.flatten(2), SHARPNESS)
    torch.testing.assert_close(readout.sum(1), torch.ones(2, 11, 9))
