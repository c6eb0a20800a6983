"""Learning from one annotated frame."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from napari_lazyvos.models import bundled
from training.adapt import adapted


def test_a_few_steps_on_one_frame_change_the_weights():
    rng = np.random.default_rng(0)
    frame = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (160, 120))
    labels = np.zeros((120, 160), np.uint8)
    labels[40:80, 50:100] = 3
    frame[labels > 0] //= 3
    weights, before = adapted(frame, labels, steps=2), bundled("tracker")
    assert weights.keys() == before.keys()
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert not torch.equal(weights["key_near.weight"], before["key_near.weight"])
