"""The classical refiner: from candidates and edits to one mask and its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_lazyvos.refine.classical.candidates import Candidates, find_candidates
from napari_lazyvos.refine.classical.edits import apply_clicks, pixel
from napari_lazyvos.refine.classical.window import Pyramid, build_pyramid
from napari_lazyvos.refine.protocol import Click, Embedding, Refined, check_clicks

__all__ = ["ClassicalRefiner"]

VOTERS = 12  # candidates whose masks are laid into the frame for the probability
CONTRADICTION = 6.0  # taken off the score of a region for every click that it contradicts
FAITH = 4.0  # added to the score of a region that equals the mask so far; in between by overlap
VISIBLE = 1.0  # CIE L units between inside and outside: less is no object that one can see
REMEMBERED = 16  # places whose candidates are kept


@dataclass(slots=True)
class _Looked:
    """What the refiner knows of a frame: its pyramid, and what was found around earlier clicks."""

    pyramid: Pyramid
    found: dict[tuple[int, int], Candidates] = field(default_factory=dict)

    def candidates(self, click: Click) -> Candidates:
        place = pixel(click)
        if place not in self.found:
            if len(self.found) >= REMEMBERED:
                self.found.pop(next(iter(self.found)))
            self.found[place] = find_candidates(self.pyramid, *map(float, place))
        return self.found[place]


class ClassicalRefiner:
    """Clicks to a mask without a network."""

    name = "classical"

    def embed(self, frame: np.ndarray) -> Embedding:
        """Look at a (3, H, W) float32 RGB frame in [0, 1]."""
        return _Looked(build_pyramid(frame))

    def refine(
        self,
        embedding: Embedding,
        clicks: Sequence[Click],
        previous: np.ndarray | None = None,
    ) -> Refined:
        """Segment the one object that all the clicks are about; see `Refiner.refine`."""
        shape = embedding.pyramid.shape
        check_clicks(clicks, *shape)
        first = next(click for click in clicks if click.positive)
        candidates = embedding.candidates(first)
        chance = np.exp(candidates.scores - candidates.scores.max())
        chance /= chance.sum()
        best = int(np.argmax(candidates.overlap @ chance))
        vote = _vote(candidates, chance, shape)
        mask = apply_clicks(candidates.in_frame(best, shape) >= 0.5, clicks)
        return _refined(mask, vote)


def _vote(candidates: Candidates, chance: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return (H, W) float32 in [0, 1]: the chance of each pixel, by the likeliest regions."""
    voters = np.argsort(-chance, kind="stable")[:VOTERS]
    total = sum(chance[i] * candidates.in_frame(i, shape) for i in voters)
    return np.asarray(total / chance[voters].sum(), np.float32)


def _refined(mask: np.ndarray, vote: np.ndarray) -> Refined:
    """Return a mask with the vote moved to the mask's side of 0.5, in the same order."""
    probability = np.where(mask, 0.5 + vote / 2, np.minimum(vote / 2, 0.499))
    return Refined(mask, probability.astype(np.float32))
