"""Synthetic clips with exact masks; see README.md in this folder."""

from training.data.clips import FAMILIES, Clips, Generator

__all__ = ["FAMILIES", "Clips", "Generator"]
