"""The bundled tracker: what is its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lazyvos import trackers
from napari_lazyvos.trackers.compact import tracker as compact


def frames(*, tint):
    """Return two (3, 96, 96) frames of a textured square that moves; grey but for the tint."""
    rng = np.random.default_rng(0)
    ground, square = rng.random((96, 96)) * 0.4, 0.6 + rng.random((32, 32)) * 0.4
    made = []
    for left in (30, 33):
        grey = ground.copy()
        grey[30:62, left : left + 32] = square
        made.append(np.stack([grey, grey, np.clip(grey + tint, 0, 1)]).astype(np.float32))
    return made


def tracked(tint):
    first, second = frames(tint=tint)
    tracker = trackers.load("compact", device="cpu")
    masks = torch.zeros(2, 96, 96)
    masks[1, 30:62, 30:62] = 1
    masks[0] = 1 - masks[1]
    tracker.commit(0, first, masks, (1,), permanent=True)
    return tracker.step(second)


@pytest.mark.parametrize(("tint", "which"), [(0.0, "GREY"), (0.005, "GREY"), (0.1, "COLOUR")])
def test_grey_films_have_a_belief_of_their_own(monkeypatch, tint, which):
    before = tracked(tint)
    other = "COLOUR" if which == "GREY" else "GREY"
    monkeypatch.setattr(compact, f"BELIEF_IN_{other}", 0.0)
    assert torch.equal(tracked(tint), before)
    monkeypatch.setattr(compact, f"BELIEF_IN_{which}", 0.0)
    assert not torch.equal(tracked(tint), before)


def test_it_follows_what_moves():
    found = tracked(0.0).argmax(0) == 1
    truth = torch.zeros(96, 96, dtype=torch.bool)
    truth[30:62, 33:65] = True
    assert (found & truth).sum() / (found | truth).sum() > 0.85


def test_in_doubt_a_pixel_is_the_objects(monkeypatch):
    leaning = tracked(0.1)[1]
    monkeypatch.setattr(compact, "LEAN", 0.0)
    upright = tracked(0.1)[1]
    assert (leaning >= upright).all()
    in_doubt = (upright > 0.1) & (upright < 0.9)
    assert in_doubt.any()
    assert (leaning > upright)[in_doubt].all()
