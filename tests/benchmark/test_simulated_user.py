"""Where the simulated user clicks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.benchmark.simulated_user import SimulatedUser, centre, depth
from napari_lazyvos.errors import LazyVosError


def disc(radius: int, size: int = 41) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return y**2 + x**2 <= radius**2


@given(st.integers(0, 2**16 - 1))
def test_the_centre_is_farthest_from_the_outside(bits):
    region = np.array([bits >> i & 1 for i in range(16)], bool).reshape(4, 4)
    if not region.any():
        return
    outside = [(y, x) for y in range(-1, 5) for x in range(-1, 5)
               if not (0 <= y < 4 and 0 <= x < 4 and region[y, x])]  # fmt: skip
    far = {
        (y, x): min((y - b) ** 2 + (x - a) ** 2 for b, a in outside)
        for y, x in np.argwhere(region).tolist()
    }
    best = max(far.values())
    assert centre(region) == min(place for place, value in far.items() if value == best)


def test_the_edge_of_the_frame_is_outside():
    assert centre(np.ones((5, 9), bool)) == (2, 2)
    assert depth(np.ones((3, 3), bool)).tolist() == [[1, 1, 1], [1, 2, 1], [1, 1, 1]]


def test_what_is_not_there_has_no_centre():
    with pytest.raises(LazyVosError, match="not there has no centre"):
        centre(np.zeros((4, 4), bool))


def test_without_spread_it_is_the_centre():
    assert SimulatedUser(seed=3).point(disc(9)) == (20, 20)


def test_human_clicks_lie_about_the_centre():
    user, region = SimulatedUser(spread=0.5, seed=1), disc(15)
    points = np.array([user.point(region) for _ in range(400)])
    assert region[tuple(points.astype(int).T)].all()
    far = np.hypot(*(points - 20).T)
    # On a cone to the power of two the mean distance is 2/5 of the radius; uniform, it is 2/3.
    assert far.mean() == pytest.approx(0.4 * 15, abs=0.6)
    assert len(np.unique(points, axis=0)) > 100


def test_a_wide_spread_is_uniform():
    user, region = SimulatedUser(spread=100, seed=1), disc(15)
    far = np.hypot(*(np.array([user.point(region) for _ in range(400)]) - 20).T)
    assert far.mean() == pytest.approx(2 / 3 * 15, abs=0.6)


def test_clicks_come_again_with_the_seed_and_differ_between_videos():
    def points(**options) -> list[tuple[float, float]]:
        user = SimulatedUser(spread=0.5, **options)
        return [user.point(disc(15)) for _ in range(5)]

    assert points(seed=1, name="a") == points(seed=1, name="a")
    assert points(seed=1, name="a") != points(seed=1, name="b")
    assert points(seed=1, name="a") != points(seed=2, name="a")


def test_a_negative_spread_is_refused():
    with pytest.raises(LazyVosError, match="-1"):
        SimulatedUser(spread=-1)
