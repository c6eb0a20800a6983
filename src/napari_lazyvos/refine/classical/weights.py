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

TABLE = (  # name, mean and deviation over the training regions, weight, of square
    ("edge", 0.4350, 0.2158, 0.074, 0.796),
    ("edge_strong", 0.3884, 0.2829, -0.054, -0.060),
    ("edge_weak", 0.2943, 0.3133, -0.816, -0.610),
    ("inner_edge", 0.3849, 0.1901, -0.145, -0.258),
    ("inner_strong", 0.3099, 0.2463, 0.255, 0.291),
    ("ring_edge", 0.3420, 0.1985, -0.617, -0.102),
    ("contrast", 0.9058, 0.6007, -0.424, -0.294),
    ("fisher", 0.6621, 0.4762, 0.021, 0.069),
    ("spread_inside", 0.6959, 0.3991, 0.476, -0.269),
    ("spread_ring", 0.5942, 0.3547, 0.075, -0.301),
    ("histogram", 2.4555, 1.1354, 0.196, -0.005),
    ("click_likeness", 0.6687, 0.6870, -0.413, 0.180),
    ("roundness", 0.3635, 0.2149, 0.173, -0.086),
    ("centrality", 0.3794, 0.2306, 1.380, -0.217),
    ("off_centre", 0.2951, 0.1944, -0.479, 0.022),
    ("log_area", -1.7809, 0.9481, -0.057, -0.211),
    ("log_size", 3.8278, 1.3134, -0.777, -0.289),
    ("log_share", -2.0326, 1.2955, -0.777, -1.409),
    ("touching", 0.1068, 0.1670, -0.680, 0.128),
    ("log_contrast", 2.3883, 0.7856, 1.499, 0.157),
    ("ridge", -0.0107, 0.2279, 0.022, 0.146),
    ("texture", 0.2455, 0.8143, -0.211, -0.147),
    ("contrast_far", 0.9844, 0.6602, 0.016, 0.133),
    ("colour_share", -0.4490, 0.7874, 1.440, 0.413),
    ("colour_edge", 0.0852, 0.1356, 1.016, -0.118),
    ("agreement", 0.1639, 0.0616, 0.995, -0.321),
    ("alike", 1.9790, 0.8854, 0.052, -0.019),
    ("nearest", 0.7317, 0.1371, 1.277, 0.155),
)
KIND = (-0.107, -0.271, -0.181, 0.519, -0.249, 0.063, -0.038, 0.128, 0.135)
_MEAN, _DEVIATION, _LINEAR, _SQUARE = np.array([row[1:] for row in TABLE], np.float32).T


def score(features: np.ndarray) -> np.ndarray:
    """Return (n,) float32 scores of (n, len(TABLE) + len(KIND)) features."""
    split = len(TABLE)
    unit = np.clip((features[:, :split] - _MEAN) / _DEVIATION, -CLIP, CLIP)
    parts = unit * _LINEAR + unit**2 * _SQUARE
    return np.asarray(
        (parts.sum(axis=1) + features[:, split:] @ np.array(KIND, np.float32)).astype(np.float32)
    )
