"""How unsure a prediction is: per pixel, and per object.

Lazy-XMem measures uncertainty as the entropy of the predicted label of each pixel, and condenses
it to one number per object; a sudden rise of that number is what the lazy loop reacts to. From
several predictions of one frame there is more to measure: see `spread`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError

__all__ = [
    "MEASURES",
    "dilate",
    "entropy",
    "measure",
    "region_radius",
    "region_score",
    "region_scores",
    "spread",
]

REGION_SHARE = 0.05  # Lazy-XMem: the kernel's area is 5 % of the object's
_NORMALISERS = ("original", "dilated")

Window: TypeAlias = tuple[slice, slice]


def entropy(probabilities: Tensor) -> Tensor:
    """Return the normalised Shannon entropy of each pixel's label (Lazy-XMem, Eq. 6.2).

    Parameters
    ----------
    probabilities : (1 + K, H, W) float tensor that sums to 1 over axis 0; K >= 1
        Axis 0 counts the background.

    Returns
    -------
    (H, W) float32 tensor in [0, 1]: nats divided by log(1 + K)

    Examples
    --------
    >>> entropy(torch.tensor([[[1.0, 0.5]], [[0.0, 0.5]]]))
    tensor([[0., 1.]])
    """
    count = probabilities.shape[0]
    if count < 2:
        raise ValueError(f"entropy needs at least one object besides background, got {count - 1}")
    p = probabilities.float()
    # Where all is certainly background there is nothing to compute.
    unsure = p[0] < 1
    window = _window(unsure.numpy()) if p.device.type == "cpu" else _everything(unsure.shape)
    result = torch.zeros_like(p[0])
    if window is None:
        return result
    inside = result[window]
    # Channel by channel, which fits into a cache. xlogy would take four times as long.
    for channel in p:
        part = channel[window]
        inside.addcmul_(part, part.clamp(min=torch.finfo(p.dtype).tiny).log_())
    inside.div_(-math.log(count)).clamp_(0.0, 1.0)
    return result


def spread(samples: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return what several predictions of one frame say: total and epistemic uncertainty.

    The total is the entropy of the mean prediction, S(E[p]). The epistemic part of it is what the
    predictions do not agree on, V = S(E[p]) - E[S(p)] (Lazy-XMem, thesis sec. 6.8.3): the mutual
    information of label and prediction. The samples are gone through once, and none is kept.

    Parameters
    ----------
    samples : two or more (1 + K, H, W) float tensors that sum to 1 over axis 0; K >= 1

    Returns
    -------
    two (H, W) float32 tensors in [0, 1], nats divided by log(1 + K): the total, and V <= total

    Raises
    ------
    LazyVosError
        If there are fewer than two samples.

    Examples
    --------
    >>> one, other = torch.tensor([[[1.0]], [[0.0]]]), torch.tensor([[[0.0]], [[1.0]]])
    >>> spread([one, other])
    (tensor([[1.]]), tensor([[1.]]))
    """
    count, mean, inner = 0, torch.empty(0), torch.empty(0)
    for count, sample in enumerate(samples, start=1):
        own = entropy(sample)
        if count == 1:
            mean, inner = sample.float().clone(), own
        else:
            # Not sums: means of equal samples are exactly those, and V is exactly 0.
            mean += (sample - mean) / count
            inner += (own - inner) / count
    if count < 2:
        raise LazyVosError(
            f"The spread of {count} predictions is not known: ask two or more of the tracker."
        )
    total = entropy(mean)
    # Less than 0 by rounding only: entropy is concave.
    return total, (total - inner).clamp_(min=0.0)


Measure: TypeAlias = Callable[[Tensor, Iterable[Tensor] | None], Tensor]


def _of_samples(which: int, name: str) -> Measure:
    def measured(_: Tensor, samples: Iterable[Tensor] | None) -> Tensor:
        if samples is None:
            raise LazyVosError(
                f"The uncertainty {name!r} needs several predictions of a frame, and this tracker "
                "gives one: choose the uncertainty entropy, or an ensemble or xmem as tracker."
            )
        return spread(samples)[which]

    return measured


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "entropy": lambda probabilities, _: entropy(probabilities),
        "total": _of_samples(0, "total"),
        "epistemic": _of_samples(1, "epistemic"),
        "quality": lambda probabilities, _: entropy(probabilities),
    }
)
"""By name, what makes an (H, W) map in [0, 1] of a prediction and, where it has any, samples.

``entropy`` is that of the plain prediction; ``total`` and ``epistemic`` are those of `spread`.
``quality`` is one number for each object, which the tracker gives; see `RatingTracker`. Of a pixel
it says nothing: its map is the entropy.
"""


def measure(kind: str, probabilities: Tensor, samples: Iterable[Tensor] | None = None) -> Tensor:
    """Return how unsure a prediction is, pixel by pixel.

    Parameters
    ----------
    kind : one of `MEASURES`
    probabilities : (1 + K, H, W) float tensor that sums to 1 over axis 0; K >= 1
    samples : several predictions of the same frame, of the same shape
        What ``samples()`` of a `SamplingTracker` returns; None of any other tracker. They are
        computed only if the kind needs them.

    Returns
    -------
    (H, W) float32 tensor in [0, 1]

    Raises
    ------
    LazyVosError
        If there is no such kind, or it needs several predictions and there are none.
    """
    if kind not in MEASURES:
        raise LazyVosError(
            f"There is no uncertainty {kind!r}: choose one of {', '.join(MEASURES)}."
        )
    return MEASURES[kind](probabilities, samples)


def region_radius(area: int) -> int:
    """Return by how many pixels an object of this area is dilated to give its region.

    A kernel of about 5 % of the object's area, and a disc in it: ``max(0, side / 2 - 1)`` with
    ``side`` the even number at or above ``sqrt(0.05 * area)`` (Lazy-XMem's published script).
    """
    side = int(math.sqrt(REGION_SHARE * area))
    side = max(2, side + side % 2)
    return max(0, side // 2 - 1)


def dilate(mask: Tensor, radius: int, *, compat: bool = False) -> Tensor:
    """Grow a mask by a disc, the pixels within `radius` of it.

    Parameters
    ----------
    mask : (H, W) bool tensor
    radius : int, in pixels
    compat : bool
        Grow it as Lazy-XMem's published script does: with a kernel of an even side, which reaches
        one pixel further right and down than left and up, and which for a radius of 0 is empty
        and moves the mask by one pixel right and down.

    Returns
    -------
    (H, W) bool tensor
    """
    pixels = mask.cpu().numpy()
    window = _window(pixels, margin=radius + compat)
    if window is None:
        return mask.clone()
    result = np.zeros(pixels.shape, bool)
    result[window] = _grown(pixels[window], radius, compat=compat)
    return torch.from_numpy(result).to(mask.device)


def region_score(
    uncertainty: Tensor, mask: Tensor, *, normaliser: str = "original", compat: bool = False
) -> float:
    """Return an object's score: entropy summed over its region, by size (Lazy-XMem, Eq. 6.3).

    Parameters
    ----------
    uncertainty : (H, W) float tensor in [0, 1], from `entropy`, or `measure`
    mask : (H, W) bool tensor
    normaliser : {"original", "dilated"}
        What the sum is divided by: the area of the mask, as the published thresholds were tuned
        (the score of a small object can then exceed 1), or that of the dilated region, as in the
        text of the thesis.
    compat : see `dilate`

    Returns
    -------
    float, 0 or more; 0 for an empty mask
    """
    label_map = mask.cpu().numpy().view(np.uint8)
    return region_scores(uncertainty, label_map, (1,), normaliser=normaliser, compat=compat)[0]


def region_scores(
    uncertainty: Tensor,
    label_map: np.ndarray,
    labels: Sequence[int],
    *,
    normaliser: str = "original",
    compat: bool = False,
) -> tuple[float, ...]:
    """Return the `region_score` of each object of a label map.

    Parameters
    ----------
    uncertainty : (H, W) float tensor in [0, 1]
    label_map : (H, W) integer array
    labels : those whose scores are wanted
    normaliser, compat : see `region_score`
    """
    if normaliser not in _NORMALISERS:
        raise ValueError(f"normaliser is {normaliser!r}: choose one of {', '.join(_NORMALISERS)}")
    values = uncertainty.float().cpu().numpy()
    scores = []
    for label in labels:
        mask = label_map == label
        box = _window(mask)
        area = 0 if box is None else cv2.countNonZero(_bytes(mask[box]))
        if box is None:
            scores.append(0.0)
            continue
        radius = region_radius(area)
        window = _widened(box, radius + compat, mask.shape)
        region = _bytes(_grown(mask[window], radius, compat=compat))
        mean = cv2.mean(values[window], region)[0]  # summed in double precision
        size = cv2.countNonZero(region)
        scores.append(mean if normaliser == "dilated" else mean * size / area)
    return tuple(scores)


def _grown(mask: np.ndarray, radius: int, *, compat: bool) -> np.ndarray:
    """Return an (h, w) bool mask that holds something, dilated; see `dilate`."""
    if compat and radius == 0:
        return _moved(mask, 1, 1)
    if radius <= 0:
        return mask
    far = cv2.distanceTransform(_bytes(~mask), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    if not compat:
        within: np.ndarray = far <= radius
        return within
    # A quarter of an open disc, four times around the corner of a pixel: that is the whole disc
    # around each of the four pixels that meet there.
    near: np.ndarray = far < radius
    near |= _moved(near, 0, 1)
    near |= _moved(near, 1, 0)
    return near


def _moved(mask: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return an (h, w) mask moved by whole pixels; what leaves it is gone."""
    height, width = mask.shape
    moved = np.zeros_like(mask)
    moved[down:, right:] = mask[: height - down, : width - right]
    return moved


def _bytes(mask: np.ndarray) -> np.ndarray:
    """Return a bool array as OpenCV wants it, uint8 of 0 and 1."""
    return np.ascontiguousarray(mask).view(np.uint8)


def _everything(shape: Sequence[int]) -> Window:
    return slice(0, shape[0]), slice(0, shape[1])


def _window(mask: np.ndarray, *, margin: int = 0) -> Window | None:
    """Return the rows and columns that hold the mask, and more around; None if it is empty."""
    left, top, width, height = cv2.boundingRect(_bytes(mask))
    if not width:
        return None
    return _widened((slice(top, top + height), slice(left, left + width)), margin, mask.shape)


def _widened(window: Window, margin: int, shape: Sequence[int]) -> Window:
    """Return the window with so many pixels more on each side, within the frame."""
    rows, columns = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(window, shape, strict=True)
    )
    return rows, columns
