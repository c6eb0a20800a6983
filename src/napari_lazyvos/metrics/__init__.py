"""How good a result is: published measures, as pure functions on arrays of numpy."""

from napari_lazyvos.metrics.auc import r_auc, score_at, time_auc
from napari_lazyvos.metrics.cells import CellTracking, cell_tracking
from napari_lazyvos.metrics.contour import boundary, contour_accuracy
from napari_lazyvos.metrics.correlation import spearman
from napari_lazyvos.metrics.interactions import (
    Interactions,
    aci,
    aci_sum,
    aci_without_end,
    idi,
    noc,
)
from napari_lazyvos.metrics.lvos import lvos_mean, lvos_variability
from napari_lazyvos.metrics.region import jaccard
from napari_lazyvos.metrics.robustness import robustness
from napari_lazyvos.metrics.statistics import Statistics, j_and_f, statistics
from napari_lazyvos.metrics.vots import ObjectFrames, Vots, vots

__all__ = [
    "CellTracking",
    "Interactions",
    "ObjectFrames",
    "Statistics",
    "Vots",
    "aci",
    "aci_sum",
    "aci_without_end",
    "boundary",
    "cell_tracking",
    "contour_accuracy",
    "idi",
    "j_and_f",
    "jaccard",
    "lvos_mean",
    "lvos_variability",
    "noc",
    "r_auc",
    "robustness",
    "score_at",
    "spearman",
    "statistics",
    "time_auc",
    "vots",
]
