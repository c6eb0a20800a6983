"""Synthetic clips with exact masks; see README.md in this folder."""

from training.data.clips import FAMILIES, SPANS, Clips, Generator

__all__ = ["FAMILIES", "SPANS", "Clips", "Generator"]
