"""Interaction in rounds: the worst frame is clicked, the video is tracked anew, and so on (CiVOS).

In the first round each object is clicked once, in the frame in which the references show it first.
In every later one the simulated user sees all masks, takes the frame with the lowest J&F that was
not annotated yet (mean over objects, as in the published code), and clicks there on what is wrong
with each object. That spreads to both sides, see `Session.rounds.run`.

CiVOS turns the scribbles of the DAVIS robot into clicks, by one of three strategies. Scribbles
are the skeleton of what is wrong here, since no robot is needed to know that:

* a1: one click, on the point of the scribble of what is missing that is nearest to its mean
* a2: one click for each scribble, the longest first, positive where something is missing and
  negative where something is too much
* a3: one click for each region, the deepest first, where repeated erosion leaves the last of it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected
from skimage.morphology import skeletonize

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.protocols import Diary, give
from napari_lazyvos.benchmark.settings import Settings
from napari_lazyvos.benchmark.simulated_user import SimulatedUser, centre
from napari_lazyvos.benchmark.targets import Judgement, Target, judge
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.metrics import j_and_f
from napari_lazyvos.refine.protocol import Click

__all__ = ["STRATEGIES", "clicks_a1", "clicks_a2", "clicks_a3", "follow_in_rounds"]

SMALLEST = 100  # pixels: CiVOS ignores smaller regions in a3

Strategy = Callable[[np.ndarray, np.ndarray, int], list[Click]]


def follow_in_rounds(
    session: Session,
    clip: Clip,
    targets: tuple[Target, ...],
    settings: Settings,
    diary: Diary,
) -> tuple[float, ...]:
    """Follow all objects of a clip in rounds; return J&F of all judged frames after each."""
    user = SimulatedUser(spread=settings.spread, seed=settings.seed, name=clip.name)
    give(session, clip, targets, user, by_mask=False)
    annotated = {target.given for target in targets}
    for t in sorted(annotated):
        _propagate(session, t, settings, diary)
    curve: list[float] = []
    while True:
        found = judge(clip, targets, session.store.masks.stored)
        curve.append(_quality(found))
        if len(curve) == settings.rounds:
            return tuple(curve)
        chosen = worst_frame(targets, found, annotated)
        if settings.next_frame == "suggested":
            chosen = _suggested(session, targets, annotated, chosen)
        if chosen is not None:
            annotated.add(chosen)
            clicked = _click_in(session, clip, targets, chosen, settings)
            diary.corrections += [(chosen, label) for label in clicked]
            _propagate(session, chosen, settings, diary)


def worst_frame(
    targets: tuple[Target, ...], found: Mapping[int, Judgement], annotated: set[int]
) -> int | None:
    """Return the frame of the lowest mean J&F that is not annotated; None if all are."""
    by_frame: dict[int, list[float]] = {}
    for target in targets:
        judged = found[target.label]
        for t, region, contour in zip(target.judged, judged.region, judged.contour, strict=True):
            by_frame.setdefault(t, []).append((region + contour) / 2)
    left = {t: float(np.mean(values)) for t, values in by_frame.items() if t not in annotated}
    return min(left, key=lambda t: (left[t], t)) if left else None


def _suggested(
    session: Session, targets: tuple[Target, ...], annotated: set[int], otherwise: int | None
) -> int | None:
    """Return the frame that a user without references is advised to take, if it is judged."""
    found = session.rounds.suggest()
    judged = {t for target in targets for t in target.judged} - annotated
    return found.t if found is not None and found.t in judged else otherwise


def clicks_a1(mask: np.ndarray, truth: np.ndarray, most: int) -> list[Click]:
    """Return one positive click on what is missing; none where nothing is.

    Parameters
    ----------
    mask, truth : (H, W) bool, of one object
    most : not asked for: it is one click
    """
    scribble = skeletonize(truth & ~mask)
    return [_nearest_to_mean(scribble, positive=True)] if scribble.any() else []


def clicks_a2(mask: np.ndarray, truth: np.ndarray, most: int) -> list[Click]:
    """Return a click for each connected scribble, the longest first; see `clicks_a1`.

    Parameters
    ----------
    mask, truth : (H, W) bool, of one object
    most : int, of all clicks
    """
    scribbles = [
        (part, positive)
        for wrong, positive in ((truth & ~mask, True), (mask & ~truth, False))
        for part in _parts(skeletonize(wrong))
    ]
    scribbles.sort(key=lambda each: -int(each[0].sum()))
    return [_nearest_to_mean(part, positive=positive) for part, positive in scribbles[:most]]


def clicks_a3(mask: np.ndarray, truth: np.ndarray, most: int) -> list[Click]:
    """Return a click in the depth of each region of 100 pixels or more, the deepest first.

    Parameters
    ----------
    mask, truth : (H, W) bool, of one object
    most : int, of all clicks
    """
    deep = []
    for wrong, positive in ((truth & ~mask, True), (mask & ~truth, False)):
        for part in _parts(wrong):
            if part.sum() >= SMALLEST:
                # As many erosions with a cross as it survives: the distance in city blocks.
                height = ndimage.distance_transform_cdt(np.pad(part, 1), "taxicab")[1:-1, 1:-1]
                core = max(_parts(height == height.max()), key=np.count_nonzero)
                deep.append((int(height.max()), _nearest_to_mean(core, positive=positive)))
    deep.sort(key=lambda each: -each[0])
    return [click for _, click in deep[:most]]


STRATEGIES: Mapping[str, Strategy] = {"a1": clicks_a1, "a2": clicks_a2, "a3": clicks_a3}


def _click_in(
    session: Session, clip: Clip, targets: tuple[Target, ...], t: int, settings: Settings
) -> list[int]:
    """Click in frame `t` on what is wrong with each object; return the labels that were clicked."""
    references, label_map = clip.references.at(t), session.store.masks.stored(t)
    clicked = []
    for label in (each.label for each in targets if t in each.judged):
        mask, truth = label_map == label, references[label]
        clicks = STRATEGIES[settings.strategy](mask, truth, settings.clicks)
        if not clicks:
            continue
        clicked.append(label)
        if not truth.any():
            session.mark_absent(label, t)
            continue
        if not any(click.positive for click in clicks):
            # Negative clicks alone would say that the object is not there.
            clicks = [Click(*centre(truth)), *clicks[: settings.clicks - 1]]
        # Positive ones first: a negative click that comes alone says that the object is not there.
        for click in sorted(clicks, key=lambda each: not each.positive):
            session.click(t, click.y, click.x, label=label, positive=click.positive)
    return clicked


def _propagate(session: Session, t: int, settings: Settings, diary: Diary) -> None:
    """Carry out a round, and track what became stale of objects that are not there in its frame."""
    runs = [session.run(direction="both")]
    if session.rounds.bounds(t):
        runs.insert(0, session.rounds.run(t, fusion=settings.fusion, memory=settings.round_memory))
    for run in runs:
        for _ in diary.watch(run):
            raise AssertionError("in rounds nobody is asked")


def _quality(found: Mapping[int, Judgement]) -> float:
    judged = [each for each in found.values() if each.region]
    return j_and_f(
        [float(np.mean(each.region)) for each in judged],
        [float(np.mean(each.contour)) for each in judged],
    )


def _parts(region: np.ndarray) -> list[np.ndarray]:
    """Return the pieces of a region that touch, corners included, each (H, W) bool."""
    numbered, count = connected(region, return_num=True, connectivity=2)
    return [numbered == number for number in range(1, count + 1)]


def _nearest_to_mean(region: np.ndarray, *, positive: bool) -> Click:
    """Return a click on the pixel of a region that is nearest to its mean; the first of equals."""
    pixels = np.argwhere(region)
    y, x = pixels[((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return Click(float(y), float(x), positive)
