"""Weights: those that come with the package."""

from napari_lazyvos.models.bundled import BundledWeightsError, bundled

__all__ = ["BundledWeightsError", "bundled"]
