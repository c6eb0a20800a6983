"""The classical refiner: from candidates and edits to one mask and its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_lazyvos.refine.classical.candidates import Candidates, find_candidates
from napari_lazyvos.refine.classical.edits import (
    apply_clicks,
    disc,
    edit,
    expected_change,
    pixel,
    surprise,
)
from napari_lazyvos.refine.classical.window import Pyramid, build_pyramid
from napari_lazyvos.refine.protocol import Click, Embedding, Refined, check_clicks

__all__ = ["ClassicalRefiner"]

DECISION = (
    3.0  # sharpens the scores for the choice; 1 hedges between sizes, much more ignores votes
)
VOTERS = 12  # regions that are laid into the frame for the probability
CONTRADICTION = 6.0  # taken off the score of a region for every click that it contradicts
FAITH = 4.0  # added to the score of a region that equals the mask so far; else by overlap
VISIBLE = 1.0  # CIE L units between inside and outside: less is nothing that one can see
REMEMBERED = 16  # clicks whose candidates are kept


@dataclass(slots=True)
class _Looked:
    """What the refiner knows of a frame: its pyramid, and what it found around earlier clicks."""

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
        looked: _Looked = embedding
        shape = looked.pyramid.shape
        check_clicks(clicks, *shape)
        first = next(click for click in clicks if click.positive)
        candidates = looked.candidates(first)
        if previous is None:
            best = _consensus(candidates, _scores(candidates, clicks))
            if not candidates.visible(best, VISIBLE):
                nothing = np.zeros(shape, np.float32)
                return _settle(disc(*pixel(first), shape), clicks, nothing, None)
            before = candidates.in_frame(best, shape) >= 0.5
        else:
            before = np.asarray(previous) >= 0.5
        return self._correct(looked, clicks, candidates, before, previous is not None)

    def _correct(
        self,
        looked: _Looked,
        clicks: Sequence[Click],
        candidates: Candidates,
        before: np.ndarray,
        given: bool,
    ) -> Refined:
        """Change a mask where clicks contradict it, or choose another region altogether."""
        shape = looked.pyramid.shape
        expected = expected_change(before, clicks)
        scores = _scores(candidates, clicks)
        if not expected and not given:
            return _settle(before, clicks, _vote(candidates, scores, shape), None)

        def faith(change: np.ndarray, union: np.ndarray) -> np.ndarray:
            """Return the score that a mask gains by being like the one before."""
            if expected:
                return -surprise(change, expected)
            return FAITH * (1 - change / np.maximum(union, 1))

        def judge(masks: np.ndarray) -> np.ndarray:
            change = (masks ^ before).sum(axis=(1, 2))
            return candidates.judge(masks) + faith(change, (masks | before).sum(axis=(1, 2)))

        area, shared = candidates.areas(before)
        union = area + before.sum() - shared
        scores += faith(union - shared, union)
        best = _consensus(candidates, scores)
        vote = _vote(candidates, scores, shape)
        choices = edit(before, clicks, looked.candidates, judge)
        if judge(choices[:1])[0] >= scores[best]:
            return _settle(choices[0], clicks, (vote + choices.mean(axis=0)) / 2, before)
        return _settle(candidates.in_frame(best, shape) >= 0.5, clicks, vote, None)


def _scores(candidates: Candidates, clicks: Sequence[Click]) -> np.ndarray:
    """Return (n,) float: the scores of the regions, less where they contradict clicks."""
    scores = candidates.scores.astype(np.float64)
    for click in clicks:
        scores -= CONTRADICTION * (candidates.holds(*pixel(click)) != click.positive)
    return scores


def _consensus(candidates: Candidates, scores: np.ndarray) -> int:
    """Return the region that overlaps most, on average, with what the object may be."""
    return int(np.argmax(candidates.overlap @ _chances(DECISION * scores)))


def _chances(scores: np.ndarray) -> np.ndarray:
    chances = np.exp(scores - scores.max())
    return np.asarray(chances / chances.sum())


def _vote(candidates: Candidates, scores: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return (H, W) float32 in [0, 1]: the chance of each pixel, by the likeliest regions."""
    voters = np.argsort(-scores, kind="stable")[:VOTERS]
    chances = _chances(scores[voters])
    vote = np.zeros(shape, np.float32)
    for index, chance in zip(voters, chances, strict=True):
        vote += chance * candidates.in_frame(index, shape)
    return vote


def _settle(
    mask: np.ndarray, clicks: Sequence[Click], vote: np.ndarray, before: np.ndarray | None
) -> Refined:
    """Return a mask that obeys the clicks, with the vote moved to its side of 0.5 in order."""
    mask = apply_clicks(mask, clicks, before)
    vote = np.clip(vote, 0, 1)
    probability = np.where(mask, 0.5 + vote / 2, np.minimum(vote / 2, 0.499))
    return Refined(mask, probability.astype(np.float32))
