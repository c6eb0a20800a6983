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
    ("edge", 0.4384, 0.2093, 0.006, 0.788),
    ("edge_strong", 0.3904, 0.2774, -0.293, 0.022),
    ("edge_weak", 0.2846, 0.3049, -0.746, -0.552),
    ("inner_edge", 0.3853, 0.1856, 0.075, -0.240),
    ("inner_strong", 0.3078, 0.2427, 0.153, 0.218),
    ("ring_edge", 0.3465, 0.1946, -0.352, -0.117),
    ("contrast", 0.9004, 0.5833, -0.247, -0.182),
    ("fisher", 0.6548, 0.4604, -0.116, 0.071),
    ("spread_inside", 0.6902, 0.3876, 0.161, -0.200),
    ("spread_ring", 0.6056, 0.3470, 0.082, -0.316),
    ("histogram", 2.4656, 1.1185, 0.197, 0.039),
    ("click_likeness", 0.6617, 0.6713, -0.458, 0.140),
    ("roundness", 0.3581, 0.2135, 0.180, -0.058),
    ("centrality", 0.3717, 0.2261, 1.403, -0.112),
    ("off_centre", 0.2977, 0.1948, -0.467, 0.043),
    ("log_area", -1.7808, 0.9429, -0.096, -0.292),
    ("log_size", 3.8382, 1.3216, -0.669, -0.155),
    ("log_share", -2.0372, 1.3047, -0.648, -1.445),
    ("touching", 0.1068, 0.1660, -0.686, 0.137),
    ("log_contrast", 2.5653, 0.6821, 1.276, 0.141),
    ("ridge", -0.0144, 0.2195, 0.018, 0.165),
    ("texture", 0.2282, 0.7941, 0.020, -0.269),
    ("contrast_far", 0.9766, 0.6394, -0.052, 0.078),
    ("colour_share", -0.5082, 0.8221, 1.046, 0.371),
    ("colour_edge", 0.0956, 0.1388, 1.130, -0.149),
    ("agreement", 0.1622, 0.0604, 1.145, -0.333),
    ("alike", 1.9664, 0.8805, 0.285, -0.095),
    ("nearest", 0.7303, 0.1369, 0.946, 0.161),
)
KIND = (
    0.128,
    -0.408,
    0.020,
    0.672,
    -0.440,
    -0.074,
    -0.239,
    0.029,
    0.312,
)  # contours by edge, then floods
_MEAN, _DEVIATION, _LINEAR, _SQUARE = np.array([row[1:] for row in TABLE], np.float32).T


def score(features: np.ndarray) -> np.ndarray:
    """Return (n,) float32 scores of (n, len(TABLE) + len(KIND)) features."""
    split = len(TABLE)
    unit = np.clip((features[:, :split] - _MEAN) / _DEVIATION, -CLIP, CLIP)
    parts = unit * _LINEAR + unit**2 * _SQUARE
    return np.asarray(
        (parts.sum(axis=1) + features[:, split:] @ np.array(KIND, np.float32)).astype(np.float32)
    )
