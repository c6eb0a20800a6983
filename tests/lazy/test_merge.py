"""What is fixed wins, and probabilities stay probabilities."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.label_maps import label_map
from napari_lazyvos.lazy.merge import merge

LABELS = (3, 7, 9)


@given(st.integers(0, 2**32 - 1), st.sets(st.sampled_from([3, 7, 9, 12])))
def test_fixed_masks_win_and_the_rest_sums_to_one(seed, fixed_labels):
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.randn(4, 5, 6, generator=generator).mul(4).softmax(dim=0)
    drawn = np.random.default_rng(seed).choice([0, *fixed_labels], (5, 6))
    fixed = {label: drawn == label for label in sorted(fixed_labels)}
    merged, labels = merge(probabilities, LABELS, fixed)
    assert labels == LABELS + ((12,) if 12 in fixed else ())
    torch.testing.assert_close(merged.sum(dim=0), torch.ones(5, 6))
    result = label_map(merged, labels, np.dtype(np.uint8))
    for label, mask in fixed.items():
        assert np.array_equal(result == label, mask)
    # Among the labels that are free, the proportions are as predicted.
    free = torch.from_numpy(drawn == 0)
    rows = [0] + [1 + i for i, label in enumerate(LABELS) if label not in fixed]
    share = probabilities[rows][:, free]
    torch.testing.assert_close(merged[rows][:, free], share / share.sum(dim=0))


def test_where_only_a_fixed_label_was_predicted_there_is_background():
    probabilities = torch.tensor([[[0.0, 0.0]], [[1.0, 1.0]]])
    merged, _ = merge(probabilities, (1,), {1: np.array([[True, False]])})
    assert merged.tolist() == [[[0.0, 1.0]], [[1.0, 0.0]]]
