"""What a result cost the person: NoC, IDI and ACI (Lazy-XMem, sec. 6.7).

No code was published for these. What the text leaves open was decided by what gives the figures
of its tables, and is said at each measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_lazyvos.errors import LazyVosError

__all__ = ["Interactions", "aci", "aci_sum", "aci_without_end", "idi", "noc"]


@dataclass(frozen=True, slots=True)
class Interactions:
    """When a person corrected one object.

    Frames are counted from that of the initialisation, which is 0 and no correction.

    Raises
    ------
    LazyVosError
        If there is no frame, or the corrections are not in it, in order and each once.
    """

    frames: int  # |T_o|, from the initialisation to the end of the object's range, both counted
    corrections: tuple[int, ...] = ()  # frames of the person's corrections; no pseudo-corrections

    def __post_init__(self) -> None:
        steps = np.diff((0, *self.corrections, self.frames))
        if (steps < 1).any():
            raise LazyVosError(
                f"corrections must be frames from 1 to {self.frames - 1}, in order and each once, "
                f"and these are {list(self.corrections)} in {self.frames} frames."
            )

    @property
    def gaps(self) -> list[int]:
        """Frames from each interaction to the next, the initialisation and the end included.

        A correction in the very last frame leaves no gap after it.
        """
        return [int(gap) for gap in np.diff((0, *self.corrections, self.frames - 1)) if gap]


def noc(objects: Sequence[Interactions]) -> int:
    """Return NoC: how many corrections a person made, over all objects of the data set.

    Neither the initialisation nor pseudo-corrections count.
    """
    return sum(len(each.corrections) for each in objects)


def idi(objects: Sequence[Interactions], *, fps: float) -> float:
    """Return IDI, in seconds: the mean time from one interaction to the next.

    The initialisation and the end of an object's range count as interactions, and the gaps of all
    objects are pooled: the time of all of them, divided by NoC and the number of objects.

    Parameters
    ----------
    objects : at least one
    fps : float
        Annotated frames per second: 6 for LVOS v1, whose images are every 5th of 30 per second.
        It has no default, since a wrong one goes unnoticed.

    Raises
    ------
    LazyVosError
        If there is no object, or fps is not positive.

    Examples
    --------
    Gaps of 4, 3 and 5 frames, and one of 24, are 9 frames on average, or 1.5 s:

    >>> idi([Interactions(13, (4, 7)), Interactions(25)], fps=6)
    1.5
    """
    _check(objects)
    if not fps > 0:
        raise LazyVosError(f"frames per second must be above 0, not {fps}.")
    frames = sum(each.frames - 1 for each in objects)
    return frames / (noc(objects) + len(objects)) / fps


def aci(objects: Sequence[Interactions]) -> float:
    """Return ACI (Eq. 6.7), as the mean over objects, which is what the tables report.

    For one object the mean over i = 1..|T_o| of the number of gaps of at most i frames, where a
    gap lies between two interactions, the initialisation and the end among them. Since the gaps
    add up to |T_o| - 1, m corrections give m + (m + 2) / |T_o| wherever they are, or 1 + 1 / |T_o|
    less if one is in the last frame: ACI counts corrections per object. It does not say how they
    are spread, though the text presents it so; `aci_without_end` does in part.

    Raises
    ------
    LazyVosError
        If there is no object.

    Examples
    --------
    The first object has the gaps 4, 3 and 5: (10 + 11 + 9) / 13 = 2.3077; the second one of 24:
    2 / 25.

    >>> round(aci([Interactions(13, (4, 7)), Interactions(25)]), 4)
    1.1938
    """
    return aci_sum(objects) / len(objects)


def aci_sum(objects: Sequence[Interactions]) -> float:
    """Return ACI summed over objects, as Eq. 6.7 is written; see `aci`, the mean.

    Raises
    ------
    LazyVosError
        If there is no object.
    """
    _check(objects)
    return sum(_short_gaps(each.gaps, each.frames) for each in objects)


def aci_without_end(objects: Sequence[Interactions]) -> float:
    """Return ACI without the gap from the last interaction to the end: no published measure.

    Of two objects with as many corrections, the one that was quiet for longer after the last of
    them has the higher value, since its gaps are shorter; one that needed none has 0.

    Raises
    ------
    LazyVosError
        If there is no object.

    Examples
    --------
    The gaps are 4 and 3, and none: ((10 + 11) / 13 + 0) / 2.

    >>> round(aci_without_end([Interactions(13, (4, 7)), Interactions(25)]), 4)
    0.8077
    """
    _check(objects)
    starts = [[int(gap) for gap in np.diff((0, *each.corrections))] for each in objects]
    values = [_short_gaps(gaps, each.frames) for gaps, each in zip(starts, objects, strict=True)]
    return sum(values) / len(values)


def _short_gaps(gaps: Sequence[int], frames: int) -> float:
    """Return the mean over i = 1..frames of how many gaps are i or shorter."""
    return sum(frames - gap + 1 for gap in gaps) / frames


def _check(objects: Sequence[Interactions]) -> None:
    if not objects:
        raise LazyVosError("measures of interactions need at least one object, and got none.")
