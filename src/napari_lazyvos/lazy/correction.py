"""What the loop does by itself about an object of which it is a little unsure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from napari_lazyvos.lazy import pseudo
from napari_lazyvos.lazy.events import Corrected
from napari_lazyvos.lazy.models import Models
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.propagation import Prediction
from napari_lazyvos.refine.protocol import Click

__all__ = ["correct_itself", "put_masks"]


def correct_itself(
    models: Models, seen: Prediction, label: int, policy: Policy
) -> tuple[Corrected, np.ndarray]:
    """Place a pseudo-click on an object, and have it refined.

    Returns
    -------
    Corrected
        What was done, for whoever drives the loop.
    (H, W) bool
        The refined mask, whether it was accepted or not.
    """
    mask, region = seen.label_map == label, seen.region(label)
    weighted = policy.pseudo_click == "weighted"
    click = pseudo.positive_click(mask, region, seen.uncertainty, weighted=weighted)
    clicks = [click, *_negative(seen, label, region, policy)]
    prompt = mask if policy.mask_prompt else None
    refined = models.refined(seen.t, lambda: seen.frame, clicks, prompt)
    accepted = not policy.check or pseudo.is_plausible(refined, mask, region)
    return Corrected(seen.t, label, round(click.y), round(click.x), accepted), refined


def put_masks(
    label_map: np.ndarray, masks: Mapping[int, np.ndarray], settled: Iterable[int]
) -> np.ndarray:
    """Return a label map in which some objects have other masks.

    Parameters
    ----------
    label_map : (H, W) integers
    masks : label -> (H, W) bool; they win over the other objects
    settled : labels whose pixels stay in any case
    """
    after = label_map.copy()
    kept = np.isin(label_map, list(settled))
    for label, mask in masks.items():
        after[after == label] = 0
        after[mask & ~kept] = label
    return after


def _negative(
    seen: Prediction, label: int, region: np.ndarray, policy: Policy
) -> tuple[Click, ...]:
    if not policy.negative_clicks:
        return ()
    click = pseudo.negative_click(region, seen.probability(label), seen.uncertainty)
    return () if click is None else (click,)
