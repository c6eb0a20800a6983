"""Weights: those that come with the package, and a catalogue of published ones."""

from napari_lazyvos.models.bundled import BundledWeightsError, bundled

__all__ = ["BundledWeightsError", "bundled"]
