"""Which channels are dropped."""

from __future__ import annotations

import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.dropout import Dropout

CPU = torch.device("cpu")


def test_whole_channels_are_dropped_and_the_others_make_up_for_them():
    draws = torch.stack(list(Dropout(0.2, 200).draws(64, CPU)))
    assert draws.shape == (200, 64)
    assert draws.unique().tolist() == [0.0, 1.25]
    assert float((draws == 0).float().mean()) == pytest.approx(0.2, abs=0.02)
    assert float(draws.mean()) == pytest.approx(1, abs=0.02)


def test_draws_depend_on_the_seed_alone():
    one, again, other = (torch.stack(list(Dropout(seed=s).draws(8, CPU))) for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert len(one.unique(dim=0)) > 10  # the passes differ


def test_nothing_is_dropped_at_a_share_of_zero():
    assert all((kept == 1).all() for kept in Dropout(0).draws(64, CPU))


@pytest.mark.parametrize("option", [{"dropout": 1}, {"dropout": -0.1}, {"passes": 1}])
def test_what_is_out_of_range_is_named(option):
    ((name, value),) = option.items()
    with pytest.raises(LazyVosError, match=f"{name} is {value}: give"):
        Dropout(**option)
