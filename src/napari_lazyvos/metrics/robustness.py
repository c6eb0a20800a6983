"""R@tau: in how many frames an object is not lost (Lazy-XMem)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.errors import LazyVosError

__all__ = ["TAUS", "robustness"]

TAUS = (0.1, 0.25, 0.5)  # Lazy-XMem, as reported


def robustness(
    overlaps: Sequence[ArrayLike],
    tau: float,
    *,
    present: Sequence[ArrayLike] | None = None,
    skip_ends: bool = False,
    script: bool = False,
) -> float:
    """Return R@tau: the share of an object's frames with an overlap of tau or more (Eq. 6.6).

    The mean over objects, each of which weighs the same.

    Two points are open in the text. Which frames are meant: here those that are given, which
    should be all of the object's annotated range, the ones without it included; over frames with
    the object alone, the rule of absence would say nothing. And what a correctly predicted absence
    counts: by the text 1, which is what `jaccard` gives; in the published script, whose test for
    it never holds, 0.

    Parameters
    ----------
    overlaps : for each object, (T,) float in [0, 1], from `jaccard`
    tau : float in (0, 1]
    present : for each object, (T,) bool, whether the reference has it in that frame
        Asked for by ``script`` alone.
    skip_ends : bool
        Leave out the first and the last frame of each object, as the published script does.
    script : bool
        Count 0 for a correctly predicted absence, to compare with figures of the script.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    LazyVosError
        If there is no object or no frame, tau is out of range, or ``present`` is missing.

    Examples
    --------
    Three frames found more or less well, one missed, and one correctly left empty:

    >>> overlaps = [[0.9, 0.6, 0.3, 0.0, 1.0]]
    >>> [robustness(overlaps, tau) for tau in TAUS]
    [0.8, 0.8, 0.6]
    >>> present = [[True, True, True, True, False]]
    >>> [robustness(overlaps, tau, present=present, script=True) for tau in TAUS]
    [0.6, 0.6, 0.4]
    """
    if not 0 < tau <= 1:
        raise LazyVosError(f"tau of R@tau must be above 0 and at most 1, not {tau}.")
    if script and present is None:
        raise LazyVosError(
            "script=True counts absences anew: say in `present` which frames hold each object."
        )
    rows = [np.asarray(row, float) for row in overlaps]
    if script and present is not None:
        rows = [row * np.asarray(there, bool) for row, there in zip(rows, present, strict=True)]
    if skip_ends:
        rows = [row[1:-1] for row in rows]
    if not rows or not all(row.size for row in rows):
        raise LazyVosError("R@tau needs at least one object, and a frame of each that counts.")
    return float(np.mean([np.mean(row >= tau) for row in rows]))
