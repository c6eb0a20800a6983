"""Which frames an answer can change, and where in a frame a call is about."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.lazy.calls import most_unsure
from napari_lazyvos.lazy.session import Session


@pytest.mark.parametrize("t", [0, 1, 4, 6, 7, 9, 11])
@pytest.mark.parametrize("clicked", [(0,), (4,), (2, 8), (0, 5, 11)])
def test_the_reach_is_what_a_correction_makes_stale(movie, tracker, refiner, clicked, t):
    """Clicked in these frames and tracked both ways; then corrected in frame `t`."""
    with Session(movie, tracker=tracker, refiner=refiner) as session:
        for frame in clicked:
            session.click(frame, 10, 4 + frame)
        session.track(direction="both")
        start, stop = session.reach(1, t)
        mask = np.zeros((24, 24), bool)
        mask[9:12, 6:9] = True
        session.set_mask(t, mask, label=1)
        changed = {t, *map(int, np.flatnonzero(session.store.ledger.stale(1)))}
        assert (start, stop) == (min(changed), max(changed) + 1)


def test_the_most_unsure_place_is_in_the_object_if_there_is_one():
    doubt = np.zeros((6, 8), np.uint8)
    doubt[1, 1], doubt[4, 5], doubt[4, 6] = 250, 90, 70
    mask = np.zeros(doubt.shape, bool)
    assert most_unsure(doubt, mask) == (1, 1)
    mask[3:, 4:] = True
    assert most_unsure(doubt, mask) == (4, 5)
