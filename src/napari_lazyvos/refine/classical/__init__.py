"""A refiner without a network.

From the click outwards, through windows of every scale, it collects regions that the click could
mean (`floods`, `contours`), measures how much each looks like an object (`score`, `weights`), and
answers with the region on which the likely ones agree most. Further clicks, and a previous mask,
add edited masks to what can be chosen (`edits`).
"""

from __future__ import annotations

from napari_lazyvos.refine.classical.refiner import ClassicalRefiner

__all__ = ["ClassicalRefiner"]
