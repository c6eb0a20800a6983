"""Rises of the score beside what they should tell of."""

from __future__ import annotations

import numpy as np

from training import calibrate


def test_every_object_has_a_rise_and_may_slip_in_each_frame(shared, monkeypatch):
    monkeypatch.setattr(calibrate, "FRAMES", 5)
    monkeypatch.setattr(calibrate, "SIDE", 96)
    monkeypatch.setattr(calibrate, "SHARED", shared)
    rises, slips = calibrate.measure("handcrafted", clips=2)
    assert rises.shape == slips.shape
    assert len(rises) % 3 == 0  # of 5 frames one is given, and one has none before it
    assert np.isfinite(rises).all()
    assert slips.dtype == bool
