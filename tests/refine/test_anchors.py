"""What a mask that is to be corrected says, said by clicks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

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
    assert anchors(mask, [], most=1) == [Click(10.0, 15.0, implied=True)]
    far = anchors(mask, [Click(10.0, 12.0, positive=False)], most=1)[0]
    assert far.x > 15


def test_a_click_far_from_the_mask_says_that_the_object_is_elsewhere():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:20] = True  # a disc of its area has a radius of 5.6 pixels
    assert anchors(mask, [Click(15.0, 23.0)])
    assert not anchors(mask, [Click(15.0, 25.0)])
    assert anchors(mask, [Click(15.0, 50.0, positive=False)])


def test_of_an_empty_mask_there_is_nothing_to_say():
    assert anchors(np.zeros((8, 8), bool), [Click(1.0, 1.0)]) == []
