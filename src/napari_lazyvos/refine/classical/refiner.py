"""The classical refiner: from candidates and edits to one mask and its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_lazyvos.refine.classical.border import settle_border
from napari_lazyvos.refine.classical.candidates import Candidates, find_candidates
from napari_lazyvos.refine.classical.edits import (
    apply_clicks,
    contradicts,
    disc,
    edit,
    expected_change,
    held_parts,
    pixel,
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
APART = 3.0  # taken off for every part of a mask but one: most objects are in one piece
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

    def mask(self, candidates: Candidates, index: int) -> np.ndarray:
        """Return a region as a (H, W) bool mask with its border settled at full resolution."""
        rough = candidates.in_frame(index, self.pyramid.shape) >= 0.5
        return settle_border(self.pyramid.levels[0], rough)

    def judge(self, mask: np.ndarray, clicks: Sequence[Click]) -> float:
        """Return the score of a mask: that of its worst part, each seen from a click in it.

        Two good parts make no good region, so they are not judged as one.
        """
        scores, left = [], mask
        for click in clicks:
            if click.positive and left[pixel(click)]:
                part = held_parts(left, [click])
                scores.append(float(self.candidates(click).judge(part[None])[0]))
                left = left & ~part
        return min(scores) - APART * (len(scores) - 1)


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
        if previous is None:
            return self._first(looked, clicks)
        before = np.asarray(previous) >= 0.5
        body = held_parts(before, clicks)
        rest = before & ~body  # what no click is about stays as it is
        if not any(body[pixel(click)] for click in clicks if click.positive):
            body, rest = before, np.zeros_like(before)
        answer = self._correct(looked, clicks, body)
        return Refined(answer.mask | rest, np.where(rest, np.float32(1), answer.probability))

    def _first(self, looked: _Looked, clicks: Sequence[Click]) -> Refined:
        """Answer clicks where there is no mask so far."""
        first = next(click for click in clicks if click.positive)
        candidates, shape = looked.candidates(first), looked.pyramid.shape
        scores = _scores(candidates, clicks)
        best = _consensus(candidates, scores)
        if not candidates.visible(best, VISIBLE):
            return _settle(disc(*pixel(first), shape), clicks, np.zeros(shape, np.float32))
        found = looked.mask(candidates, best)
        if any(contradicts(click, found) for click in clicks):
            return self._correct(looked, clicks, found)
        return _settle(found, clicks, _vote(candidates, scores, shape))

    def _correct(self, looked: _Looked, clicks: Sequence[Click], before: np.ndarray) -> Refined:
        """Change a mask where clicks contradict it, or choose another region altogether."""
        candidates = looked.candidates(next(click for click in clicks if click.positive))
        expected = expected_change(before, clicks)

        def faith(change: np.ndarray, union: np.ndarray) -> np.ndarray:
            """Return the score that a mask gains by being like the one before."""
            if expected.area:
                return -expected.cost(change)
            return np.asarray(FAITH * (1 - change / np.maximum(union, 1)))

        def judge(masks: np.ndarray) -> np.ndarray:
            own = np.array([looked.judge(mask, clicks) for mask in masks])
            change, union = (masks ^ before).sum(axis=(1, 2)), (masks | before).sum(axis=(1, 2))
            return np.asarray(own + faith(change, union))

        area, shared = candidates.areas(before)
        union = area + before.sum() - shared
        scores = _scores(candidates, clicks) + faith(union - shared, union)
        best = _consensus(candidates, scores)
        vote = _vote(candidates, scores, looked.pyramid.shape)
        choices, score = edit(before, clicks, looked.candidates, judge)
        if score >= scores[best]:
            return _settle(choices[0], clicks, (vote + choices.mean(axis=0)) / 2)
        return _settle(looked.mask(candidates, best), clicks, vote)


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


def _settle(mask: np.ndarray, clicks: Sequence[Click], vote: np.ndarray) -> Refined:
    """Return a mask that obeys the clicks, with the vote moved to its side of 0.5 in order."""
    mask = apply_clicks(mask, clicks)
    vote = np.clip(vote, 0, 1)
    probability = np.where(mask, 0.5 + vote / 2, np.minimum(vote / 2, 0.499))
    return Refined(mask, probability.astype(np.float32))
