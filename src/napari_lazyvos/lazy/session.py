"""One person's work on one video: clicks, masks, tracking, history.

The dock widget, the command line, Python and the benchmarks all drive a session; they differ only
in who answers when it asks for help.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Literal, TypeAlias

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy import annotation, checks
from napari_lazyvos.lazy.absence import state_at
from napari_lazyvos.lazy.calls import OpenCall, confirm, open_calls, place_of, reach
from napari_lazyvos.lazy.events import Event, Finished, FinishReason, HelpRequest, Status
from napari_lazyvos.lazy.loop import Loop
from napari_lazyvos.lazy.models import Models
from napari_lazyvos.lazy.opening import open_store, read_making
from napari_lazyvos.lazy.plan import BACKWARD, FORWARD, Direction
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.remembering import MemoryView
from napari_lazyvos.lazy.request import Pass
from napari_lazyvos.lazy.round import Changes
from napari_lazyvos.lazy.rounds import Rounds
from napari_lazyvos.lazy.run import Run, finish
from napari_lazyvos.refine.anchors import anchors
from napari_lazyvos.refine.protocol import Click, Refiner
from napari_lazyvos.store.document import ObjectInfo, PlacedClick, Wish
from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.journal import Change
from napari_lazyvos.store.ledger import State
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.video import open_video

__all__ = ["Session", "Way"]

Way: TypeAlias = Literal["forward", "backward", "both"]

DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "forward": (FORWARD,),
    "backward": (BACKWARD,),
    "both": (FORWARD, BACKWARD),
}


class Session:
    """Click an object, track it, correct it; everything is on disk at once and can be undone.

    Methods may be called from any thread; each waits until the frame in flight is done. Only
    `status`, `labels`, `clicks`, `calls`, `memory`, `diversity`, `pause` and `cancel` never wait.

    Parameters
    ----------
    video : path, array, napari Image layer or Video
        Whatever `open_video` opens.
    store : path, optional
        Folder for the results, by custom ``NAME.lazyvos``. One that holds a session already is
        resumed. Without it, results live in a temporary folder until the session is closed.
    tracker : str or Tracker
        A name from ``trackers.names()``, or one of your own with an empty memory.
    refiner : str or Refiner
        A name from ``refine.names()``, or one of your own.
    device : {"auto", "cpu", "cuda", "mps"}
    tracker_options, refiner_options : mapping, optional
        Passed to ``trackers.load``, such as ``{"size": 720}``, and to ``refine.load``.
    policy : Policy, optional
        When it asks for help and when it corrects itself; None: ``Policy.for_tracker(tracker)``.
        Another one may be set at any time.

    Attributes
    ----------
    video : Video
    store : Store
    rounds : Rounds
        The other way to track: a correction spreads to both sides of its frame.

    Raises
    ------
    LazyVosError
        If the video cannot be opened, or the store holds a session on another video.

    Examples
    --------
    >>> import numpy as np
    >>> movie = np.zeros((5, 32, 32), np.uint8)
    >>> movie[:, 8:20, 8:20] = 200
    >>> with Session(movie) as session:
    ...     click = session.click(0, 14, 14)
    ...     finished = session.track()
    ...     session.store.masks.shape, finished.tracked
    ((5, 32, 32), 4)
    """

    def __init__(
        self,
        video: Any,
        *,
        store: str | os.PathLike[str] | None = None,
        tracker: str | Tracker = "compact",
        refiner: str | Refiner = "compact",
        device: str = "auto",
        tracker_options: Mapping[str, Any] | None = None,
        refiner_options: Mapping[str, Any] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._lock = RLock()
        self._models = Models(tracker, refiner, device, tracker_options, refiner_options)
        self._owns_video = video is not (opened := open_video(video))
        self.video = opened
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if store is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="lazyvos-")
            store = Path(self._temporary.name) / f"{self.video.name}.lazyvos"
        policy = policy or Policy.for_tracker(self._models.tracker_name)
        self.store = open_store(Path(store), self.video, self._models, policy)
        self._loop = Loop(self.video, self.store, self._models, self._lock, policy, self)
        self._corrected = Changes()  # by the first click on an object in a frame
        self.rounds = Rounds(self.video, self.store, self._models, self._loop)
        self._closed = False

    @classmethod
    def resume(cls, store: str | os.PathLike[str], **options: Any) -> Session:
        """Open the session that a folder holds, with the video that it was about.

        Parameters
        ----------
        store : folder of a session
        **options : instead of those that the session was made with

        Raises
        ------
        LazyVosError
            If the folder holds no session, or its video was in memory only, or is gone.
        """
        video, made_with = read_making(store)
        session = cls(video, store=store, **(made_with | options))
        session._owns_video = True
        return session

    # What there is ------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """What can be done now; never waits."""
        loop = self._loop
        return Status(
            state=loop.state,
            labels=self.labels,
            frames=self.video.frames,
            todo=loop.todo,
            can_undo=self.store.undo_text,
            can_redo=self.store.redo_text,
            generation=loop.generation,
        )

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects, sorted; never waits."""
        return tuple(self.store.document.objects)

    @property
    def clicks(self) -> tuple[PlacedClick, ...]:
        """All clicks, in the order in which they were placed; never waits."""
        return self.store.document.clicks

    @property
    def policy(self) -> Policy:
        """When it asks for help and when it corrects itself; a new one counts from now on."""
        return self._loop.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._loop.policy = policy

    @property
    def calls(self) -> tuple[OpenCall, ...]:
        """The calls for help that wait for an answer, the greatest rise first; never waits."""
        return open_calls(self.store.ledger)

    @property
    def memory(self) -> MemoryView:
        """What the tracker remembered after the frame that was passed last; never waits."""
        return self._loop.memory.view(self.store)

    @property
    def diversity(self) -> np.ndarray:
        """How diverse the memory was after each frame that was tracked here; never waits.

        Returns
        -------
        (T,) float32, see `RememberingTracker.diversity`; NaN where unknown, as in frames that were
        tracked before the session was opened
        """
        return self._loop.memory.over_time

    @property
    def tracker_name(self) -> str:
        """Name of the tracker."""
        return self._models.tracker_name

    @property
    def refiner_name(self) -> str:
        """Name of the refiner."""
        return self._models.refiner_name

    @property
    def device(self) -> str:
        """Where the tracker computes, such as "cpu"; the first use loads the tracker."""
        return str(self._models.tracker.device)

    def request(self, call: OpenCall) -> HelpRequest:
        """Return a call that waits, as it was made, with the place that it is about."""
        place = place_of(self.store, call)
        about = call.t, call.label, call.score, call.rise
        return HelpRequest(*about, *place, self._loop.generation, self)

    def reach(self, label: int, t: int) -> tuple[int, int]:
        """Return the frames ``start <= frame < stop`` that a correction in frame `t` can change."""
        return reach(self.store, label, t)

    def state(self, label: int, t: int) -> State:
        """Tell whether an object is tracked, absent, ended or not tracked yet in a frame."""
        return state_at(self.store.ledger, label, t)

    def new_object(self) -> int:
        """Return the label for the next object: one more than the highest so far."""
        return max(self.labels, default=0) + 1

    # What a person says -------------------------------------------------------------------------

    def click(
        self, t: int, y: float, x: float, *, label: int = 1, positive: bool = True
    ) -> PlacedClick:
        """Point at an object; all clicks on it in this frame together become its mask.

        The mask is remembered by the tracker for good, and what was tracked from this frame on
        becomes stale until the next `run`. A negative click alone says that the object ends here.

        Parameters
        ----------
        t : int, frame
        y, x : float, in data pixels; pixel centres at integers
        label : int, of the object; an unknown one makes a new object
        positive : bool, whether the object is at this place

        Raises
        ------
        LazyVosError
            If the place is outside the video, or the label is not 1 to 65535.
        """
        with self._lock:
            checks.check_place(self.video, t, y, x)
            checks.check_label(label)
            others = self.store.document.clicks_at(t, label)
            placed = PlacedClick(0, t, float(y), float(x), label, positive)
            before = annotation.mask_so_far(self.store, t, label, doubtful=self.policy.mask_prompt)
            if not others:
                self._corrected.note(t, label, self._empty if before is None else before)
            mask = self._refine(t, label, (*others, placed), before)
            kind = "click" if positive else "negative click"
            self.rounds.note(t, label)
            with self._change(f"{kind} on object {label} in frame {t}", t) as edit:
                self._add_object(edit, label)
                placed = edit.add_click(t, y, x, label, positive)
                annotation.annotate(self.store, edit, t, label, mask)
            return placed

    def move_click(self, click_id: int, t: int, y: float, x: float) -> None:
        """Move a click to another place, in the same frame or another one."""
        with self._lock:
            click = self.store.document.click(click_id)
            checks.check_place(self.video, t, y, x)
            moved = replace(click, t=t, y=float(y), x=float(x))
            self._replace_click(click, moved, f"move click {click_id}")

    def flip_click(self, click_id: int) -> None:
        """Turn a positive click into a negative one, or back."""
        with self._lock:
            click = self.store.document.click(click_id)
            flipped = replace(click, positive=not click.positive)
            self._replace_click(click, flipped, f"flip click {click_id}")

    def remove_click(self, click_id: int) -> None:
        """Take a click away; the others of its frame and object are answered anew."""
        with self._lock:
            click = self.store.document.click(click_id)
            self._replace_click(click, None, f"remove click {click_id}")

    def set_mask(self, t: int, mask: np.ndarray, *, label: int = 1) -> None:
        """Give the mask of one object in one frame, from wherever it comes.

        Parameters
        ----------
        t : int
        mask : (H, W) bool or number, not 0 where the object is; empty: the object ends here
        label : int, of the object; an unknown one makes a new object
        """
        with self._lock:
            self.video.check(t)
            checks.check_label(label)
            mask = checks.checked_image(self.video, mask) != 0
            self.rounds.note(t, label)
            with self._change(f"set mask of object {label} in frame {t}", t) as edit:
                self._add_object(edit, label)
                annotation.annotate(self.store, edit, t, label, mask)

    def paint(self, t: int, label_map: np.ndarray) -> tuple[int, ...]:
        """Take a whole frame as a person painted it.

        Objects that gained or lost pixels are corrected; an unknown label makes a new object; one
        that is erased altogether ends here.

        Parameters
        ----------
        t : int
        label_map : (H, W) integers

        Returns
        -------
        Labels of the objects that were corrected
        """
        with self._lock:
            self.video.check(t)
            after = checks.checked_image(self.video, label_map)
            corrected = annotation.corrected_labels(self.store.masks.stored(t), after)
            if not corrected:
                return ()
            checks.check_label(int(after.max(initial=1)))
            self.rounds.note(t, *corrected)
            with self._change(f"paint in frame {t}", t) as edit:
                for label in corrected:
                    self._add_object(edit, label)
                after = after.astype(self.store.masks.dtype)
                annotation.write_frame(self.store, edit, t, after, corrected=corrected)
            return corrected

    def end_object(self, label: int, t: int) -> None:
        """Say that an object is not there in frame `t`, nor after it until it is shown again."""
        self._say_gone(label, t, State.ENDED, f"end object {label} in frame {t}")

    def mark_absent(self, label: int, t: int) -> None:
        """Say that an object is out of view in frame `t`; it is looked for afterwards."""
        self._say_gone(label, t, State.ABSENT, f"object {label} is not here in frame {t}")

    def confirm(self, label: int, t: int) -> None:
        """Say that a mask that help was asked for is fine; no mask changes.

        Nothing is asked about the object for the next `Policy.patience` frames, and what was asked
        about them already is answered too.
        """
        with self._lock:
            self.video.check(t)
            checks.check_known(label, self.labels)
            with self.store.edit("answer", f"object {label} is fine in frame {t}") as edit:
                confirm(self.store.ledger, edit, label, t, self.policy.patience)

    def remove_object(self, label: int) -> None:
        """Remove an object with its clicks, and its masks in all frames."""
        with self._lock:
            checks.check_known(label, self.labels)
            with self._change(f"remove object {label}", None) as edit:
                annotation.erase_object(self.store, edit, label)

    def name_object(self, label: int, name: str) -> None:
        """Give an object a name for people."""
        with self._lock:
            checks.check_known(label, self.labels)
            with self.store.edit("name", f"name object {label} {name!r}") as edit:
                edit.put_object(ObjectInfo(label, name))

    def forget_frame(self, t: int) -> None:
        """Have the tracker forget a frame, and not remember it again; no mask changes.

        It holds whenever the memory is filled anew, until it is undone or `keep_frame` is called.
        Once the frame is annotated, it is remembered all the same.

        Raises
        ------
        LazyVosError
            If the frame is annotated, or the last that tells of an object.
        """
        with self._lock:
            self.video.check(t)
            checks.check_forgettable(self.store.ledger, t)
            self._wish(t, Wish.FORGET, f"forget frame {t}")

    def keep_frame(self, t: int) -> None:
        """Have the tracker never forget a frame; no mask changes.

        One that is not in memory enters when the memory is filled anew, such as after a correction,
        or when the frame is tracked. It holds until it is undone or `forget_frame` is called.
        """
        with self._lock:
            self.video.check(t)
            self._wish(t, Wish.KEEP, f"never forget frame {t}")

    # Tracking -----------------------------------------------------------------------------------

    def run(
        self,
        start: int | None = None,
        stop: int | None = None,
        *,
        direction: Way = "forward",
        labels: Iterable[int] | None = None,
        at_most: int | None = None,
    ) -> Generator[Event, None, None]:
        """Track, frame by frame; the one loop.

        Without `start` and `stop`: whatever is not tracked yet or is stale. With one of them: the
        frames in between anew. What a person annotated stays, and so do all objects that are not
        to be tracked. To answer a `HelpRequest`, click before asking for the next event; to
        cancel, stop asking.

        Parameters
        ----------
        start, stop : int, optional
            Only frames ``start <= t < stop``.
        direction : {"forward", "backward", "both"}
        labels : iterable of int, optional
            Only these objects.
        at_most : int, optional
            Pause after this many frames.

        Yields
        ------
        FrameResult for each frame, HelpRequest, Failed, and Finished as the last event

        Raises
        ------
        LazyVosError
            At once, if the range, the direction or a label does not exist.
        """
        if direction not in DIRECTIONS:
            raise LazyVosError(f"direction is {direction!r}: use {', '.join(DIRECTIONS)}.")
        chosen = None if labels is None else tuple(labels)
        for label in chosen or ():
            checks.check_known(label, self.labels)
        if not self.labels:
            raise LazyVosError("there is no object to track yet: click on one first.")
        first, last = start or 0, self.store.frames if stop is None else stop
        checks.check_range(first, last, self.store.frames)
        anew = start is not None or stop is not None
        request = Pass(DIRECTIONS[direction], chosen, start, stop, anew=anew, at_most=at_most)
        return self._loop.run(request)

    def track(
        self,
        start: int | None = None,
        stop: int | None = None,
        *,
        direction: Way = "forward",
        labels: Iterable[int] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Finished:
        """Track to the end, and wait for it; `on_event` may answer calls for help. See `run`."""
        return finish(self.run(start, stop, direction=direction, labels=labels), on_event)

    def start(
        self,
        start: int | None = None,
        stop: int | None = None,
        *,
        direction: Way = "forward",
        labels: Iterable[int] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Run:
        """Track in the background, so that a console stays responsive. See `track` and `run`."""
        return Run(self.run(start, stop, direction=direction, labels=labels), on_event)

    def pause(self) -> None:
        """End the run after the frame in flight; the next `run` goes on. Never waits."""
        self._loop.interrupt(FinishReason.PAUSED)

    def cancel(self) -> None:
        """End the run after the frame in flight; what is tracked is kept. Never waits."""
        self._loop.interrupt(FinishReason.CANCELLED)

    # History ------------------------------------------------------------------------------------

    def undo(self) -> str | None:
        """Take back the newest change, and say in words what it was; None if there is none."""
        return self._step_history(self.store.undo)

    def redo(self) -> str | None:
        """Do again what was undone last, and say in words what it was; None if there is nothing."""
        return self._step_history(self.store.redo)

    # Results ------------------------------------------------------------------------------------

    def export(self, format: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the masks in another format.

        Parameters
        ----------
        format : one of ``store.export.FORMATS``
        path : file or folder to write
        overwrite : bool, whether an earlier export there may be replaced
        """
        from napari_lazyvos.store.export import export

        with self._lock:
            return export(self.store, format, path, overwrite=overwrite, raw=self.video.raw)

    def close(self) -> None:
        """End a run, keep the tracker's memory on disk, let go of files; safe to call twice."""
        self.cancel()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._temporary is None:
                self._loop.save()
            # A console may hold a session long after; its memory shall not wait for that.
            self._loop.release()
            self._models.release()
            self.store.close()
            if self._owns_video:
                self.video.close()
            if self._temporary is not None:
                self._temporary.cleanup()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _change(self, text: str, t: int | None) -> Iterator[Edit]:
        """Make a change that a person can undo, and tell the loop of it."""
        try:
            with self.store.edit("annotate", text) as edit:
                yield edit
        finally:
            self._loop.corrected(t)

    def _say_gone(self, label: int, t: int, gone: State, text: str) -> None:
        with self._lock:
            self.video.check(t)
            checks.check_known(label, self.labels)
            with self._change(text, t) as edit:
                for click in self.store.document.clicks_at(t, label):
                    edit.remove_click(click.id)
                annotation.annotate(self.store, edit, t, label, self._empty, gone=gone)

    def _wish(self, t: int, wish: Wish, text: str) -> None:
        if self.store.document.wishes.get(t) is wish:
            return
        self._loop.wish(t, wish)
        with self.store.edit("memory", text) as edit:
            edit.put_wish(t, wish)

    def _step_history(self, step: Callable[[], Change | None]) -> str | None:
        with self._lock:
            change = step()
            if change is None:
                return None
            self._loop.corrected(None)
            return change.text

    def _replace_click(self, old: PlacedClick, new: PlacedClick | None, text: str) -> None:
        """Change or remove a click, and answer the clicks anew where it was and where it is."""
        with self._lock:
            places = {old.t} if new is None else {old.t, new.t}
            remaining = [click for click in self.clicks if click.id != old.id]
            remaining += [] if new is None else [new]
            masks = {}
            for t in places:
                here = [click for click in remaining if (click.t, click.label) == (t, old.label)]
                masks[t] = self._refine(t, old.label, here, None) if here else None
            with self._change(text, old.t if len(places) == 1 else None) as edit:
                if new is None:
                    edit.remove_click(old.id)
                else:
                    edit.update_click(new)
                for t, mask in masks.items():
                    if mask is None:
                        annotation.unannotate(self.store, edit, t, old.label)
                    else:
                        annotation.annotate(self.store, edit, t, old.label, mask)

    def _refine(
        self, t: int, label: int, clicks: Iterable[PlacedClick], previous: np.ndarray | None
    ) -> np.ndarray:
        """Return the mask that clicks ask for; negative ones alone ask for none."""
        pointed = [Click(click.y, click.x, click.positive) for click in clicks]
        if not any(click.positive for click in pointed):
            return self._empty
        corrected = self._corrected.before(t, label, self._empty.shape)
        pointed = [*anchors(corrected, pointed), *pointed]
        return self._models.refined(t, lambda: self.video.frame(t), pointed, previous)

    @property
    def _empty(self) -> np.ndarray:
        """A mask of nothing, (H, W) bool."""
        return np.zeros((self.video.height, self.video.width), bool)

    def _add_object(self, edit: Edit, label: int) -> None:
        if label not in self.store.document.objects:
            edit.put_object(ObjectInfo(label))
        if label > np.iinfo(self.store.masks.dtype).max:
            self.store.widen()
