"""Lazy interactive video object segmentation, for napari and without it.

Conventions that hold everywhere in this package
------------------------------------------------
* A *frame* is one image of a video; frames are numbered from 0 by ``t``.
* A place in a video is ``(t, y, x)`` in data pixels: y down, x right, pixel centres at integers.
* A *label* is an object's integer id, 1 or more, the same through the whole video; 0 is background.
* A *mask* is one object's boolean image (H, W); a *label map* is the integer image of all objects.
* *Probabilities* are (1 + K, H, W) float32 that sum to 1 over axis 0; index 0 is background.
"""

from __future__ import annotations

__version__ = "0.1.0"
