"""How the masks of a round meet those that were there before (CiVOS, thesis ch. 4).

Between the frame of a round and one that was annotated in an earlier round, two predictions speak:
the new one, which comes from the frame of the round, and the one before, which comes from the
other end. Each knows what a person said at its own end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.uncertainty import entropy

__all__ = ["FUSIONS", "DistanceFusion", "Fusion", "Meeting", "as_probabilities"]

FUSIONS: Mapping[str, str] = {
    "distance": "the mean, weighted by nearness in time and by certainty",
    "mivos": "MiVOS' network; with the trackers mivos, qdmn, stcn and xmem",
    "none": "the new masks replace those before",
}


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two predictions of one frame."""

    frame: np.ndarray  # (3, H, W) float32, RGB in [0, 1]
    before: Tensor  # (1 + K, H, W) float32, sums to 1 over axis 0
    new: Tensor  # the same
    labels: tuple[int, ...]  # of axis 0, without the background
    nearness: Mapping[int, float]
    """Of the objects that are to be fused: 1 in the frame of the round, 0 in the other end's,
    linear in time between them. Of the others, the new prediction is taken."""
    changed: Callable[[int], Tensor]
    """Returns (2, H, W) float32 in [0, 1] for a label: where in this frame is what the person added
    to the mask in the frame of the round, and what was taken away."""


class Fusion(Protocol):
    """A way to make one prediction of two."""

    name: ClassVar[str]

    def fuse(self, meeting: Meeting) -> Tensor:
        """Return (1 + K, H, W) float32 probabilities that sum to 1 over axis 0."""
        ...


@dataclass(frozen=True)
class DistanceFusion:
    """The mean of both, weighted by nearness in time and by certainty; nothing is trained.

    An object's weight of the new prediction is a c / (a c + (1 - a) c'), with its nearness a and
    the certainties c and c' of the new prediction and the one before: 1 less the entropy of the
    pixel. The background's is the mean over the objects that are fused.

    Why that is sound: an error of propagation is made somewhere on the way and is carried on from
    there, so it grows with the distance from the frame that a person annotated, and the two
    predictions have made theirs on different ways. Where both agree, so does every mean of them;
    where they differ, the one that has come the shorter way and is surer of the pixel is more often
    right. At either end the annotation there has all the weight, so that masks run into it without
    a jump.
    """

    name: ClassVar[str] = "distance"

    def fuse(self, meeting: Meeting) -> Tensor:
        """Return the weighted mean; see `Fusion`."""
        near = torch.tensor(
            [meeting.nearness.get(label, 1.0) for label in meeting.labels],
            device=meeting.new.device,
        )
        fused = [meeting.nearness[label] for label in meeting.labels if label in meeting.nearness]
        background = near.new_tensor([sum(fused) / len(fused) if fused else 1.0])
        near = torch.cat([background, near])[:, None, None]
        new, before = (near * _certainty(meeting.new), (1 - near) * _certainty(meeting.before))
        both = new + before
        # Where neither is sure of anything, the time alone counts.
        share = torch.where(both > 0, new / both.clamp(min=1e-12), near)
        mean = meeting.before + share * (meeting.new - meeting.before)
        return mean / mean.sum(0)


def as_probabilities(
    label_map: np.ndarray, uncertainty: np.ndarray, labels: tuple[int, ...], device: torch.device
) -> Tensor:
    """Return probabilities that have this label map and this entropy, as a store keeps them.

    Exact for one object. With more, the stored entropy is taken for that of two candidates: the
    label, and the background; or the background, and the objects alike.

    Parameters
    ----------
    label_map : (H, W) integers
    uncertainty : (H, W) uint8, round(255 * S)
    labels : K labels to tell apart
    device : where the tensor is made

    Returns
    -------
    (1 + K, H, W) float32 tensor that sums to 1 over axis 0
    """
    certain = one_hot(label_map, labels, device)
    winning = torch.from_numpy(_winning(len(labels))[uncertainty]).to(device)
    found = certain * winning
    found[0] += (1 - certain[0]) * (1 - winning)
    found[1:] += certain[0] * (1 - winning) / len(labels)
    return found


def _winning(objects: int) -> np.ndarray:
    """Return the greater of two probabilities for each stored entropy, (256,) float32."""
    p = np.linspace(0.5, 1, 4097)
    nats = -(p * np.log(p) + (1 - p) * np.log(np.maximum(1 - p, 1e-300)))
    wanted = np.arange(256) / 255 * math.log(1 + objects)
    # `interp` wants rising values, and entropy falls with p.
    found: np.ndarray = np.interp(wanted, nats[::-1], p[::-1]).astype(np.float32)
    return found


def _certainty(probabilities: Tensor) -> Tensor:
    return 1 - entropy(probabilities)
