"""What a mask that is to be corrected says, said by clicks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lazyvos import refine
from napari_lazyvos.refine.anchors import anchors
from napari_lazyvos.refine.protocol import Click

SIZE = (12, 15)
masks = arrays(bool, SIZE)
clicks = st.lists(
    st.builds(
        Click,
        st.integers(0, SIZE[0] - 1).map(float),
        st.integers(0, SIZE[1] - 1).map(float),
        st.booleans(),
    ),
    max_size=4,
)


@given(masks, clicks)
def test_anchors_lie_inside_of_the_mask_and_away_from_negative_clicks(mask, given_clicks):
    found = anchors(mask, given_clicks)
    assert len(found) <= 3
    assert len({(each.y, each.x) for each in found}) == len(found)
    for each in found:
        assert each.positive
        assert mask[int(each.y), int(each.x)]
        for click in given_clicks:
            if not click.positive:
                assert np.hypot(each.y - click.y, each.x - click.x) > 1


def test_the_first_anchor_is_the_deepest_place():
    mask = np.zeros((21, 40), bool)
    mask[5:16, 10:21] = True
    assert anchors(mask, [], most=1) == [Click(10.0, 15.0)]
    far = anchors(mask, [Click(10.0, 12.0, positive=False)], most=1)[0]
    assert far.x > 15


def test_a_click_on_what_is_missing_adds_to_a_mask_and_takes_nothing_away():
    """Two bright discs on one dark body: the tracker's mask has the body and one of them."""
    y, x = np.mgrid[:96, :128]
    body = (np.abs(y - 48) < 20) & (np.abs(x - 64) < 40)
    frame = np.full((3, 96, 128), 0.6, np.float32)
    frame[:, body] = 0.2
    before = body & (x < 80)
    refiner = refine.load("compact", device="cpu")
    click = Click(48.0, 94.0)
    after = refiner.refine(refiner.embed(frame), [click], before).mask
    assert after[before].all()
    assert after[48, 94]
    assert (after & body).sum() / (after | body).sum() > (before & body).sum() / body.sum()


def test_a_click_on_what_is_too_much_takes_that_away_and_leaves_the_rest():
    y, x = np.mgrid[:96, :128]
    one, other = (np.hypot(y - 48, x - centre) < 18 for centre in (35, 93))
    frame = np.full((3, 96, 128), 0.2, np.float32)
    frame[:, one | other] = 0.7
    refiner = refine.load("compact", device="cpu")
    clicked = [Click(48.0, 35.0), Click(48.0, 93.0, positive=False)]
    after = refiner.refine(refiner.embed(frame), clicked, one | other).mask
    assert after[one].mean() > 0.95
    assert after[other].mean() < 0.1
