"""Reading a memory, against the equations written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.memory import reading
from napari_lazyvos.memory.reading import Query, Weights, similarity, weigh


def drawn(seed, *shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def by_hand(keys, shrinkage, query, selection):
    """Equation 5 of XMem, one pair of places at a time."""
    table = torch.empty(len(query), len(keys))
    for i, asked in enumerate(query):
        for j, key in enumerate(keys):
            far = (selection[i] * (key - asked) ** 2).sum()
            table[i, j] = -far * shrinkage[j] / keys.shape[1] ** 0.5
    return table


def test_similarity_is_the_weighted_distance():
    keys, shrinkage = drawn(0, 5, 4), 1 + drawn(1, 5)
    asked, selection = drawn(2, 3, 4), drawn(3, 3, 4)
    expected = by_hand(keys, shrinkage, asked, selection)
    torch.testing.assert_close(similarity(keys, shrinkage, Query(asked, selection)), expected)


def test_without_selection_and_shrinkage_all_counts_alike():
    keys, asked = drawn(0, 5, 4), drawn(2, 3, 4)
    expected = by_hand(keys, torch.ones(5), asked, torch.ones(3, 4))
    torch.testing.assert_close(similarity(keys, None, Query(asked, None)), expected)


def test_dot_products_are_scaled_alone():
    keys, asked = drawn(0, 5, 4), drawn(2, 3, 4)
    torch.testing.assert_close(
        similarity(keys, None, Query(asked, None), dot=True), asked @ keys.T / 2
    )
    (weights,) = weigh(keys, None, Query(asked, None), [None], None, dot=True)
    shares = torch.zeros(3, 5).scatter_(1, weights.rows, weights.shares)
    torch.testing.assert_close(shares, (asked @ keys.T / 2).softmax(1))


@given(
    places=st.integers(1, 40),
    queries=st.integers(1, 30),
    top_k=st.none() | st.integers(1, 60),
    piece=st.integers(1, 40),
)
def test_pieces_and_subsets_change_nothing(places, queries, top_k, piece):
    keys, shrinkage = drawn(0, places, 4), 1 + drawn(1, places)
    query = Query(4 * drawn(2, queries, 4), drawn(3, queries, 4))
    values = drawn(4, places, 6)
    subset = torch.arange(places)[places // 2 :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "QUERIES", piece)
        whole, part = weigh(keys, shrinkage, query, [None, subset], top_k)
    for weights, rows in ((whole, torch.arange(places)), (part, subset)):
        table = similarity(keys, shrinkage, query)[:, rows]
        least = table.topk(min(top_k or places, len(rows)), 1).values[:, -1:]
        shares = table.masked_fill(table < least, -torch.inf).softmax(1)
        torch.testing.assert_close(weights.take(values[rows]), shares @ values[rows])
        torch.testing.assert_close(weights.usage(len(rows)), shares.sum(0))


def test_what_is_far_from_everything_is_still_read():
    """The exponentials of all similarities are zero, but their shares are not."""
    keys = torch.zeros(3, 4)
    (weights,) = weigh(
        keys, torch.full((3,), 50.0), Query(torch.full((1, 4), 9.0), None), [None], 2
    )
    torch.testing.assert_close(weights.shares, torch.full((1, 2), 0.5))


def test_values_of_half_precision_are_read_in_it():
    weights = Weights(torch.tensor([[0, 1]]), torch.tensor([[0.25, 0.75]]))
    assert weights.take(torch.eye(2).to(torch.float16)).tolist() == [[0.25, 0.75]]
