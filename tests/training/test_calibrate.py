"""Rises of the score beside what they should tell of."""

from __future__ import annotations

import numpy as np

from training import calibrate


def test_every_object_has_a_rise_and_may_slip_in_each_frame(shared, monkeypatch):
    monkeypatch.setattr(calibrate, "FRAMES", 5)
    monkeypatch.setattr(calibrate, "SIDE", 96)
    monkeypatch.setattr(calibrate, "SHARED", shared)
    observed = calibrate.measure("handcrafted", clips=2)
    assert observed.frames == 2 * 4  # of 5 frames one is given
    assert np.isfinite(observed.overlaps).all()
    assert np.array_equal(observed.judged, np.isfinite(observed.rises))
    assert np.isnan(observed.rises).sum() * 4 == len(observed.rises)  # one has none before it
