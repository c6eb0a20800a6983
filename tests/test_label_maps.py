"""Label maps become probabilities, and back."""

from __future__ import annotations

import numpy as np
import torch

from napari_lazyvos.label_maps import label_map, one_hot

LABELS, CPU = (3, 7, 9), torch.device("cpu")


def test_one_hot_is_the_inverse_of_label_map():
    drawn = np.random.default_rng(0).choice([0, 3, 7, 9], (5, 6)).astype(np.uint8)
    assert np.array_equal(label_map(one_hot(drawn, LABELS, CPU), LABELS, drawn.dtype), drawn)
    only = label_map(one_hot(drawn, (7,), CPU), (7,), drawn.dtype)
    assert np.array_equal(only, drawn * (drawn == 7))


def test_the_most_probable_label_wins_and_background_wins_ties():
    probabilities = torch.rand(4, 9, 11, generator=torch.Generator().manual_seed(0))
    found = label_map(probabilities, LABELS, np.dtype(np.uint16))
    assert np.array_equal(found, np.array((0, *LABELS))[probabilities.argmax(0).numpy()])
    assert not label_map(torch.full((4, 2, 2), 0.25), LABELS, np.dtype(np.uint8)).any()
