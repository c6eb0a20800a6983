"""The one loop: step, measure, decide, write, remember; frame after frame.

It is a generator of events, so that whoever drives it decides how to answer a call for help, and
cancels by not asking for the next event. Everything of a frame is on disk before its event is out.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import closing
from threading import RLock

import numpy as np
import torch

from napari_lazyvos import __version__
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.absence import is_absent, last_seen
from napari_lazyvos.lazy.calls import is_quiet, most_unsure
from napari_lazyvos.lazy.correction import correct_itself, put_masks
from napari_lazyvos.lazy.events import (
    Answering,
    Corrected,
    Event,
    Failed,
    Finished,
    FinishReason,
    FrameResult,
    HelpRequest,
    ObjectScore,
    RunState,
    WelcomeBack,
)
from napari_lazyvos.lazy.models import Models
from napari_lazyvos.lazy.plan import FORWARD, Direction, Plan
from napari_lazyvos.lazy.policy import Action, Policy
from napari_lazyvos.lazy.propagation import Prediction, Propagation
from napari_lazyvos.lazy.remembering import MemoryWatch
from napari_lazyvos.lazy.request import Pass, Request
from napari_lazyvos.lazy.round import Round
from napari_lazyvos.store.document import Wish
from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.ledger import Call, Origin, Row, State
from napari_lazyvos.store.store import Store
from napari_lazyvos.video import Video, ahead

__all__ = ["Loop"]

SECONDS_BETWEEN_CHECKPOINTS = 5.0


class Loop:
    """Tracks what is to be tracked, and can be interrupted, corrected and resumed at any frame.

    Parameters
    ----------
    video, store, models : of the session
    lock : held for each frame, so that corrections come between frames
    policy : when to ask for help; another one may be set at any time
    session : takes the answers
    """

    def __init__(
        self,
        video: Video,
        store: Store,
        models: Models,
        lock: RLock,
        policy: Policy,
        session: Answering,
    ) -> None:
        self.policy = policy
        self.state = RunState.IDLE
        self.generation = 0  # of what a person said; a plan of an older one is made anew
        self.todo = 0  # frames that a run would track forwards
        self.memory = MemoryWatch(store.frames)
        self._video = video
        self._store = store
        self._models = models
        self._lock = lock
        self._session = session
        self._interrupt: FinishReason | None = None
        self._propagation: Propagation | None = None
        self._resumable = store.read_checkpoint() is not None
        self._saved_at = 0.0
        self._count_todo()

    def interrupt(self, reason: FinishReason) -> None:
        """End the run after the frame in flight; without a run, nothing happens."""
        if self.state == RunState.RUNNING:
            self._interrupt = reason

    def corrected(self, t: int | None) -> None:
        """Take note that a person changed frame `t`, or that many frames changed (None).

        Where the tracker stands on that very frame it is told at once (Lazy-XMem's immediate
        update); else its memory is filled anew when it is needed.
        """
        self.generation += 1
        self._count_todo()
        tracker = self._propagation
        if tracker is not None and t is not None and tracker.stands_on(t):
            if self.policy.immediate_update:
                tracker.follow(t, self._video.frame(t))
                self.memory.look(tracker.tracker)
        elif tracker is not None:
            tracker.drop()
        self._drop_checkpoint()

    def wish(self, t: int, wish: Wish) -> None:
        """Do at once what a person wants of the memory of frame `t`; no mask becomes stale.

        Raises
        ------
        LazyVosError
            If the tracker cannot do it.
        """
        tracker = self._propagation
        if tracker is not None:
            tracker.obey(t, wish)
            self.memory.look(tracker.tracker)
        self._drop_checkpoint()

    def run(self, request: Request) -> Generator[Event, None, None]:
        """Track what is asked for; the last event is always `Finished`."""
        if self.state == RunState.RUNNING:
            raise LazyVosError("tracking is running already: pause it or wait until it is done.")
        self.state, self._interrupt = RunState.RUNNING, None
        began, tracked, t = time.monotonic(), 0, None
        try:
            for event in self._passes(request):
                if isinstance(event, FrameResult):
                    tracked, t = tracked + 1, event.t
                yield event
            reason = self._interrupt or FinishReason.COMPLETED
        except KeyboardInterrupt:
            self._drop_place()
            raise
        except Exception as error:
            self._drop_place()
            reason = FinishReason.FAILED
            yield Failed(t, str(error) or type(error).__name__, error)
        finally:
            if isinstance(request, Round):
                self._drop_place()
            self.state = RunState.IDLE
            self._count_todo()
        if reason == FinishReason.PAUSED:
            self.state = RunState.PAUSED
        yield Finished(reason, tracked, time.monotonic() - began)

    def save(self) -> None:
        """Keep the tracker's memory on disk, so that a later session goes on just the same."""
        if self._propagation is not None and self.todo:
            self._save(self._propagation, None)

    def release(self) -> None:
        """Let go of the tracker and of what it remembers."""
        self._propagation = None

    def _passes(self, request: Request) -> Generator[Event, None, None]:
        with self._store.edit("track", request.text) as edit:
            with self._lock:
                self._resume(edit)
                request.prepare(self._store, edit)
                if isinstance(request, Round):
                    self._drop_place()  # the memory of a pass is no round's
                    self._drop_checkpoint()
            left = request.at_most
            for direction in request.directions:
                done = 0
                while not self._interrupt:
                    plan = request.plan(self._store, direction, self.generation)
                    if not len(plan.frames):
                        break
                    for event in self._walk(plan, edit, done, left):
                        done += isinstance(event, FrameResult)
                        yield event
                left = None if left is None else left - done

    def _walk(
        self, plan: Plan, edit: Edit, done: int, at_most: int | None
    ) -> Generator[Event, None, None]:
        """Visit the frames of a plan until it is done, interrupted, or out of date."""
        total = done + len(plan.frames)
        with closing(ahead(self._video, map(int, plan.route()))) as frames:
            for t, frame in frames:
                with self._lock:
                    if self._interrupt or self.generation != plan.generation:
                        return
                    events = self._visit(plan, edit, t, frame, done + 1, total)
                    done += bool(events)
                    if at_most is not None and done >= at_most:
                        self._interrupt = FinishReason.PAUSED
                yield from events

    def _visit(
        self, plan: Plan, edit: Edit, t: int, frame: np.ndarray, done: int, total: int
    ) -> Sequence[Event]:
        tracker, turn = self._tracker(), plan.round
        if not tracker.stands_before(t, plan.direction):
            tracker.begin(t, plan.direction, turn)
        active = plan.labels_at(t)
        if not active:
            tracker.follow(t, frame)
            self.memory.look(tracker.tracker, t)
            return ()
        policy, direction = self.policy, plan.direction
        meet = None if turn is None else turn.meet(self._store, tracker.tracker, t, frame, active)
        seen = tracker.predict(t, frame, active, policy, meet)
        actions = {score.label: self._action(plan, seen, score) for score in seen.scores}
        events, masks = self._correct_itself(seen, actions)
        tracker.remember(
            seen,
            without=_unremembered(seen, actions, policy),
            masks=masks if policy.pseudo_update else None,
        )
        self.memory.look(tracker.tracker, t)
        if policy.output == "plain":
            masks = {}
        settled = [label for label in seen.labels if label not in active]
        label_map = put_masks(seen.label_map, masks, settled)
        uncertainty = np.rint(seen.uncertainty * 255).astype(np.uint8)
        back = self._returns(seen, direction)
        rows = [_row(score, label_map, masks, actions, direction) for score in seen.scores]
        edit.write_frame(t, label_map=label_map, uncertainty=uncertainty, rows=rows)
        if turn is not None:
            turn.passed.add(t)
        self.todo = max(0, self.todo - 1)
        if turn is None and time.monotonic() - self._saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            self._save(tracker, plan)
        scores, age = seen.scores, self.generation
        result = FrameResult(t, label_map, uncertainty, scores, done, total, age)
        asked = [score for score in scores if actions[score.label] is Action.ASK]
        return (result, *events, *back, *(self._request(result, score) for score in asked))

    def _action(self, plan: Plan, seen: Prediction, score: ObjectScore) -> Action:
        """Ask the policy, and then whether the person wants to be left alone."""
        if plan.round is not None:
            return Action.GO_ON  # between two rounds a person looks at all frames
        policy, ledger = self.policy, self._store.ledger
        action = policy.action(seen.t, score)
        if action is Action.ASK and is_quiet(
            ledger, score.label, seen.t, plan.direction, policy.patience
        ):
            return Action.GO_ON
        if action is Action.PSEUDO and not score.area:
            return Action.GO_ON  # nothing to click on
        return action

    def _correct_itself(
        self, seen: Prediction, actions: Mapping[int, Action]
    ) -> tuple[list[Corrected], dict[int, np.ndarray]]:
        """Return what was done for each object that wants it, and the masks that were accepted."""
        events, masks = [], {}
        for label in (label for label, action in actions.items() if action is Action.PSEUDO):
            event, mask = correct_itself(self._models, seen, label, self.policy)
            events.append(event)
            if event.accepted:
                masks[label] = mask
        return events, masks

    def _returns(self, seen: Prediction, direction: Direction) -> list[WelcomeBack]:
        """Tell of the objects that were absent and are seen in this frame."""
        ledger, t, after = self._store.ledger, seen.t, self.policy.absent_after
        return [
            WelcomeBack(t, score.label, last_seen(ledger, score.label, t, direction))
            for score in seen.scores
            if score.area and is_absent(ledger, score.label, t, direction, after)
        ]

    def _request(self, result: FrameResult, score: ObjectScore) -> HelpRequest:
        place = most_unsure(result.uncertainty, result.label_map == score.label)
        rise = math.nan if score.rise is None else score.rise
        about = result.t, score.label, score.score, rise
        return HelpRequest(*about, *place, result.generation, self._session)

    def _tracker(self) -> Propagation:
        if self._propagation is None:
            self._propagation = Propagation(self._video, self._store, self._models.tracker)
        return self._propagation

    def _save(self, tracker: Propagation, plan: Plan | None) -> None:
        """Write the tracker's memory, and what it is about to track, to disk."""
        memory = tracker.snapshot()
        if memory is None:
            return
        intervals = {} if plan is None else {label: plan.intervals(label) for label in plan.active}
        content = io.BytesIO()
        torch.save({"method": self._method, "tracker": memory, "plan": intervals}, content)
        self._store.write_checkpoint(content.getvalue())
        self._saved_at = time.monotonic()

    @property
    def _method(self) -> tuple[str, str]:
        """Who can read a checkpoint: the same tracker of the same release."""
        return self._models.tracker.name, __version__

    def _drop_checkpoint(self) -> None:
        """Do not go on from a memory on disk that is not what a person wants any more."""
        self._resumable = False
        self._store.drop_checkpoint()
        self._saved_at = 0.0  # the next frame writes one

    def _drop_place(self) -> None:
        """Have the memory filled anew: it is for something else, or an error broke it."""
        if self._propagation is not None:
            self._propagation.drop()

    def _resume(self, edit: Edit) -> None:
        """Put the tracker back to the checkpoint of an earlier session.

        The frames that were tracked after the checkpoint are tracked again, with the same result:
        that is how the memory comes to the frame where it was.
        """
        content = self._store.read_checkpoint() if self._resumable else None
        self._resumable = False
        if content is None:
            return
        checkpoint = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if checkpoint["method"] != self._method:
            return  # nothing that this tracker could read: its memory is filled from the masks
        memory = checkpoint["tracker"]
        self._tracker().restore(memory)
        at, direction = memory["at"], memory["direction"]
        first, last = (at + 1, self._store.frames) if direction == FORWARD else (0, at)
        for label, intervals in checkpoint["plan"].items():
            for start, stop in intervals:
                edit.mark_stale(label, max(start, first), min(stop, last), direction)

    def _count_todo(self) -> None:
        self.todo = len(Pass().plan(self._store, FORWARD, 0).frames)


def _unremembered(
    seen: Prediction, actions: Mapping[int, Action], policy: Policy
) -> frozenset[int]:
    """Return the labels of which nothing is remembered from this frame."""
    kept_out = policy.unsure(seen.scores)
    if not policy.pseudo_update:
        kept_out |= {label for label, action in actions.items() if action is Action.PSEUDO}
    return seen.known if kept_out and policy.memory_scope == "frame" else kept_out


def _row(
    score: ObjectScore,
    label_map: np.ndarray,
    corrected: Collection[int],
    actions: Mapping[int, Action],
    direction: Direction,
) -> Row:
    area = int((label_map == score.label).sum())
    return Row(
        score.label,
        State.TRACKED if area else State.ABSENT,
        Origin.PSEUDO if score.label in corrected else Origin.MACHINE,
        direction=direction,
        score=score.score,
        area=area,
        rise=math.nan if score.rise is None else score.rise,
        call=Call.OPEN if actions[score.label] is Action.ASK else Call.NONE,
    )
