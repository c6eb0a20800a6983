"""The score of a region: a quadratic function of its measurements, one term for each.

The numbers were fitted so that the softmax of the scores gives most weight to the regions that
overlap the object best, on the training images (nuclei, cardiac MR, photographs) and on drawn
scenes (cells with membranes, phase contrast, lesions, speckle); none of the clips on which
`bench/clicks.py` measures was among them. `training/classical/fit.py` makes this table.
"""

from __future__ import annotations

import numpy as np

__all__ = ["score"]

CLIP = 4.0  # standard deviations; further out the fit knows nothing

TABLE = (  # name, mean and standard deviation over the training regions, weight, weight of square
    ("edge", 0.4618, 0.2074, 0.136, 0.619),
    ("edge_strong", 0.4211, 0.2760, -0.047, 0.007),
    ("edge_weak", 0.2578, 0.2936, -0.691, -0.626),
    ("inner_edge", 0.3516, 0.1733, 0.172, -0.268),
    ("inner_strong", 0.2622, 0.2203, -0.136, 0.286),
    ("ring_edge", 0.3749, 0.1920, -0.225, -0.256),
    ("contrast", 0.9363, 0.5956, -0.426, -0.032),
    ("fisher", 0.6988, 0.4716, -0.157, 0.032),
    ("spread_inside", 0.6221, 0.3818, 0.656, -0.410),
    ("spread_ring", 0.6104, 0.3439, -0.019, -0.161),
    ("histogram", 2.5892, 1.1299, 0.199, 0.004),
    ("click_likeness", 0.6999, 0.6673, -0.314, 0.085),
    ("roundness", 0.3510, 0.2090, 0.313, -0.076),
    ("centrality", 0.3855, 0.2306, 1.056, -0.025),
    ("off_centre", 0.2900, 0.1941, -0.458, -0.075),
    ("log_area", -1.8151, 0.9529, -0.198, -0.278),
    ("log_size", 3.7812, 1.3270, -0.615, 0.102),
    ("log_share", -2.1118, 1.3081, -0.587, -1.241),
    ("touching", 0.0994, 0.1633, -0.432, 0.144),
    ("log_contrast", 2.5958, 0.6857, 1.028, -0.062),
    ("agreement", 0.1700, 0.0663, 1.131, -0.347),
    ("alike", 1.7394, 1.0791, 0.286, -0.194),
    ("nearest", 0.7297, 0.1387, 1.082, 0.385),
)
KIND = (
    -0.052,
    -0.441,
    -0.123,
    1.083,
    0.046,
    -0.121,
    -0.361,
    -0.066,
    0.034,
)  # contours by edge, then floods
_MEAN, _DEVIATION, _LINEAR, _SQUARE = np.array([row[1:] for row in TABLE], np.float32).T


def score(features: np.ndarray) -> np.ndarray:
    """Return (n,) float32 scores of (n, len(TABLE) + len(KIND)) features."""
    split = len(TABLE)
    unit = np.clip((features[:, :split] - _MEAN) / _DEVIATION, -CLIP, CLIP)
    parts = unit * _LINEAR + unit**2 * _SQUARE
    return (parts.sum(axis=1) + features[:, split:] @ np.array(KIND, np.float32)).astype(np.float32)
