"""Which dimension of an array is time, and what happens to the others.

An axis is a letter, as in TIFF and OME-Zarr: Y and X are the picture; S are the red, green and
blue samples of a colour picture; C are channels; T is time. Any other letter (Z, I, ...) is an
axis of its own, and any axis but Y, X and S may be read as time: a CT volume slice by slice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from warnings import warn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.layout import Layout, Pick

__all__ = ["axis_letters", "guess_axes", "resolve"]

# axis names of files and viewers that are words
WORDS = {"TIME": "T", "FRAME": "T", "CHANNEL": "C", "PLANE": "Z", "DEPTH": "Z"}


def axis_letters(names: Sequence[str | None]) -> str | None:
    """Return the axes that names such as ("time", "y", "x") stand for; None if they are no names.

    Names that are letters already stay; Y and X must be among them.
    """
    letters = [WORDS.get(str(name).upper(), str(name).upper()) for name in names]
    single = all(len(letter) == 1 and letter.isalpha() for letter in letters)
    if not single or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        return None
    return "".join(letters)


def guess_axes(shape: tuple[int, ...]) -> str:
    """Name the axes of an array that says nothing of them.

    Three axes are TYX. Four are TYXS if the last has length 3 or 4. All else is for the user to
    say.

    Raises
    ------
    LazyVosError
        For a 2-D image, one colour picture, and shapes that can be read in several ways.
    """
    colour = len(shape) > 2 and shape[-1] in (3, 4)
    if len(shape) < 3:
        raise LazyVosError(
            f"an array of shape {shape} is one image, not a video: a video has a time axis, "
            "as in (T, Y, X)"
        )
    if len(shape) == 3 and not colour:
        return "TYX"
    if len(shape) == 3:
        raise LazyVosError(
            f"an array of shape {shape} looks like one colour picture, not a video: pass "
            "axes='TYX' if its first axis is time"
        )
    if len(shape) == 4 and colour:
        return "TYXS"
    raise LazyVosError(
        f"an array of shape {shape} can be read in several ways: say which axis is which, such as "
        f"axes={'TZYX' if len(shape) == 4 else 'TCZYX'!r}"
    )


def resolve(
    shape: tuple[int, ...],
    axes: str,
    *,
    time: str | int | None = None,
    others: Mapping[str | int, Pick] | None = None,
) -> Layout:
    """Decide how frames are cut out of an array.

    Parameters
    ----------
    shape : tuple of int
    axes : str
        One letter per dimension, such as "TZYX" or "CTYX"; a C that comes last and has length 3
        or 4, as in "TYXC", is read as S, the samples of a colour picture.
    time : str or int, optional
        The letter, or the number of the dimension, of the axis that is time. Without it: T; where
        there is no T, or it has one frame only, the one other axis that is longer than one.
    others : mapping, optional
        What is read of the axes that are neither time nor Y nor X: an index, "max", or for
        channels a list of indices. Without it all channels are read, and the middle of any other
        axis, with a warning.

    Raises
    ------
    LazyVosError
        If the axes do not fit the shape, or name no picture; if there is no such axis or index;
        if there are zero frames; if it is not clear which axis is time.
    """
    axes = _check_axes(axes.upper(), shape)
    if axes.endswith("YXC") and shape[-1] in (3, 4):
        axes = axes[:-1] + "S"
    length = dict(zip(axes, shape, strict=True))
    time_axis = _axis(time, axes) if time is not None else _guess_time(axes, length)
    if time_axis in "YXS":
        raise LazyVosError(f"axis {time_axis} is part of the picture and cannot be time")
    if 0 in shape:
        raise LazyVosError(f"an array of shape {shape} (axes {axes}) has zero frames or pixels")
    channel = next((a for a in "SC" if a in axes and a != time_axis), None)
    picks = {_axis(a, axes): pick for a, pick in (others or {}).items()}
    for axis, pick in picks.items():
        _check_pick(axis, pick, length[axis], time_axis, channel)
    for axis in axes:
        if axis not in picks and axis not in ("Y", "X", time_axis, channel):
            picks[axis] = length[axis] // 2
            if length[axis] > 1:
                warn(
                    f"axis {axis} has {length[axis]} planes: plane {picks[axis]} is read; pass "
                    f"others={{'{axis}': index}}, or 'max' for a maximum projection",
                    stacklevel=2,
                )
    return Layout(axes, tuple(shape), time_axis, channel, picks)


def _check_axes(axes: str, shape: tuple[int, ...]) -> str:
    if len(axes) != len(shape):
        raise LazyVosError(
            f"axes {axes!r} name {len(axes)} axes, but the array has {len(shape)}: {shape}"
        )
    if len(set(axes)) != len(axes) or not {"Y", "X"} <= set(axes):
        raise LazyVosError(f"axes {axes!r} must name Y, X and each other axis once, as in 'TYX'")
    if len(axes) == 2:
        raise LazyVosError(f"an array of shape {shape} is one image, not a video")
    return axes


def _axis(axis: str | int, axes: str) -> str:
    """Return the letter of an axis given as a letter or as the number of a dimension."""
    if isinstance(axis, int) and -len(axes) <= axis < len(axes):
        return axes[axis]
    name = str(axis).upper()
    if name == "C" and "C" not in axes:
        name = "S"
    if len(name) != 1 or name not in axes:
        raise LazyVosError(f"there is no axis {axis!r}: the axes are {', '.join(axes)}")
    return name


def _guess_time(axes: str, length: Mapping[str, int]) -> str:
    candidates = [a for a in axes if a not in "YXSC"]
    longer = [a for a in candidates if length[a] > 1]
    if "T" in axes and (length["T"] > 1 or len(longer) != 1):
        return "T"
    if len(longer) == 1 or len(candidates) == 1:
        return (longer or candidates)[0]
    if not candidates:
        raise LazyVosError(
            f"axes {axes!r} hold one image, not a video: pass time='C' if its channels are frames"
            if "C" in axes
            else f"axes {axes!r} hold one image, not a video"
        )
    raise LazyVosError(
        f"axes {axes!r} do not say which of {', '.join(candidates)} is time: pass time=, such as "
        f"time={candidates[0]!r}"
    )


def _check_pick(axis: str, pick: Pick, length: int, time: str, channel: str | None) -> None:
    if axis in ("Y", "X", time):
        raise LazyVosError(f"others names axis {axis}, which is time or part of the picture")
    if pick == "max":
        return
    indices = [pick] if isinstance(pick, int) else pick
    if isinstance(indices, str) or not indices or (indices is pick and axis != channel):
        raise LazyVosError(f"others[{axis!r}] is {pick!r}: pass an index or 'max'")
    for index in indices:
        if not 0 <= index < length:
            raise LazyVosError(f"others[{axis!r}] is {index}: axis {axis} has 0 to {length - 1}")
