"""The ways in which a video is followed to be measured; each drives the one loop, a session.

* *sVOS*: the reference of the frame in which an object appears is given; nobody helps.
* *ziVOS* (Lazy-XMem, thesis ch. 6): each object is clicked once; where the tracker asks, the
  simulated user clicks on the object, in one pass.
* *random*: the control of ziVOS; as many corrections, at random objects and frames that show them.
* *iVOS* (CiVOS, thesis ch. 4): see `rounds`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.settings import Settings
from napari_lazyvos.benchmark.simulated_user import SimulatedUser
from napari_lazyvos.benchmark.targets import Target
from napari_lazyvos.lazy.events import (
    Corrected,
    Event,
    Failed,
    FrameResult,
    HelpRequest,
    ObjectScore,
)
from napari_lazyvos.lazy.policy import Action, Policy
from napari_lazyvos.lazy.session import Session

__all__ = ["AtMoments", "Diary", "follow", "give", "policy_of"]


@dataclass(frozen=True, kw_only=True)
class AtMoments(Policy):
    """Ask at given moments, whatever the tracker is sure of."""

    moments: frozenset[tuple[int, int]] = frozenset()  # (frame, label)

    def action(self, t: int, score: ObjectScore) -> Action:
        """Ask, if this is one of the moments."""
        return Action.ASK if (t, score.label) in self.moments else Action.GO_ON


@dataclass
class Diary:
    """What happened while a video was followed."""

    on_frame: Callable[[], object] = lambda: None
    tracked: int = 0  # frames
    seconds: float = 0.0  # of tracking
    scores: dict[tuple[int, int], float] = field(default_factory=dict)  # by (frame, label)
    corrections: list[tuple[int, int]] = field(default_factory=list)  # (frame, label)
    idle: list[tuple[int, int]] = field(default_factory=list)  # asked for what is not there
    pseudo: list[tuple[int, int]] = field(default_factory=list)  # corrections of the tracker

    def of(self, target: Target) -> dict[str, Any]:
        """Return what concerns one object, as an `ObjectResult` has it."""
        found: dict[str, Any] = {
            name: tuple(sorted({t for t, label in getattr(self, name) if label == target.label}))
            for name in ("corrections", "idle", "pseudo")
        }
        scores = (self.scores.get((t, target.label)) for t in target.judged)
        return found | {"scores": tuple(None if s is None else round(s, 6) for s in scores)}

    def watch(self, events: Iterable[Event]) -> Generator[HelpRequest, None, None]:
        """Go through a run, note what it says, and yield the calls for help.

        Raises
        ------
        Exception
            What the run failed of.
        """
        running = iter(events)
        while True:
            began = time.perf_counter()
            event = next(running, None)
            self.seconds += time.perf_counter() - began
            if event is None:
                return
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, FrameResult):
                self.tracked += 1
                self.on_frame()
                self.scores |= {(event.t, each.label): each.score for each in event.scores}
            elif isinstance(event, Corrected) and event.accepted:
                self.pseudo.append((event.t, event.label))
            elif isinstance(event, HelpRequest):
                yield event


def policy_of(clip: Clip, targets: tuple[Target, ...], settings: Settings) -> Policy:
    """Return when the tracker asks and corrects itself under a protocol."""
    own = Policy.for_tracker(settings.tracker, **settings.policy)
    if settings.protocol == "zivos":
        return own
    if settings.protocol == "random":
        options = own.options | {"tau_user": None, "tau_pseudo": None}
        return AtMoments(**options, moments=random_moments(clip, targets, settings))
    return replace(own, tau_user=None, tau_pseudo=None, tau_memory=None)


def random_moments(
    clip: Clip, targets: tuple[Target, ...], settings: Settings
) -> frozenset[tuple[int, int]]:
    """Draw as many moments as corrections are wanted, in which the references show the object."""
    there = []
    for t in sorted({t for target in targets for t in target.judged}):
        shown = clip.references.at(t)
        there += [(t, k.label) for k in targets if t in k.judged and shown[k.label].any()]
    wanted = min(settings.calls.get(clip.name, 0), len(there))
    return frozenset(random.Random(f"{clip.name} {settings.seed}").sample(there, wanted))


def give(
    session: Session,
    clip: Clip,
    targets: tuple[Target, ...],
    user: SimulatedUser,
    *,
    by_mask: bool,
) -> None:
    """Give each object in the frame in which the references show it first."""
    for target in targets:
        truth = clip.references.at(target.given)[target.label]
        if by_mask:
            session.set_mask(target.given, truth, label=target.label)
        else:
            session.click(target.given, *user.point(truth), label=target.label)


def follow(
    session: Session,
    clip: Clip,
    targets: tuple[Target, ...],
    settings: Settings,
    diary: Diary,
) -> None:
    """Follow all objects of a clip in one pass: sVOS, ziVOS and its control."""
    user = SimulatedUser(spread=settings.spread, seed=settings.seed, name=clip.name)
    by_mask = settings.protocol == "svos" or settings.start == "mask"
    give(session, clip, targets, user, by_mask=by_mask)
    for call in diary.watch(session.run()):
        truth = clip.references.at(call.t).get(call.label)
        if truth is None or not truth.any():
            diary.idle.append((call.t, call.label))
            if settings.absence and truth is not None:
                call.absent()
        else:
            diary.corrections.append((call.t, call.label))
            if settings.answer == "mask":
                call.mask(truth)
            else:
                call.click(*user.point(truth))
