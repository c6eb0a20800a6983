"""The rounds of a session: begun, gone on with, and looked at before they are begun."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeAlias

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import Event, Finished
from napari_lazyvos.lazy.loop import Loop
from napari_lazyvos.lazy.models import Models
from napari_lazyvos.lazy.next_frame import Suggestion, suggest
from napari_lazyvos.lazy.round import (
    Bounds,
    Changes,
    Round,
    RoundMemory,
    bounds,
    labels_of_round,
)
from napari_lazyvos.lazy.run import finish
from napari_lazyvos.store.ledger import Origin
from napari_lazyvos.store.store import Store
from napari_lazyvos.video import Video

__all__ = ["Rounds"]

_Key: TypeAlias = tuple[int, tuple[int, ...], str, str, int]


class Rounds:
    """The other way to track: a correction spreads to both sides of its frame (CiVOS).

    A session has one. `bounds`, `left` and `suggest` never wait.

    Parameters
    ----------
    video, store, models, loop : of the session
    """

    def __init__(self, video: Video, store: Store, models: Models, loop: Loop) -> None:
        self._video, self._store, self._models, self._loop = video, store, models, loop
        self._changes = Changes()
        self._last: tuple[_Key, Round] | None = None

    def run(
        self,
        t: int,
        *,
        everyone: bool = False,
        fusion: str = "distance",
        memory: RoundMemory = "all",
        at_most: int | None = None,
    ) -> Generator[Event, None, None]:
        """Spread what was said in frame `t` to both sides; one round of CiVOS (thesis ch. 4).

        Frames up to the nearest ones that were annotated before change, see `bounds`, forwards
        first; beyond them nothing does. What is there is fused with what is new, and what a person
        annotated stays. Nobody is asked for help on the way. A round that was ended before it was
        done goes on where it was, unless something was said since.

        Parameters
        ----------
        t : int, the frame
        everyone : bool
            Whether all objects that have a mask in the frame are propagated from it, and not only
            those that were annotated there.
        fusion : one of `FUSIONS`, or a file of weights of MiVOS' fusion
        memory : {"all", "round"}
            What a pass remembers when it begins; see `round.MEMORIES`.
        at_most : int, optional
            Pause after this many frames.

        Yields
        ------
        FrameResult for each frame, Failed, and Finished as the last event

        Raises
        ------
        LazyVosError
            At once, if there is no such frame, or nothing that could be propagated from it.
        """
        self._video.check(t)
        labels = labels_of_round(self._store.ledger, t, everyone=everyone)
        if not labels:
            raise LazyVosError(
                f"there is no object in frame {t} to begin a round with: click on one there first."
            )
        key = (t, labels, fusion, memory, self._loop.generation)
        stored = self._store.masks.stored(t)
        changed = {label: self._changes.of(t, label, stored == label) for label in labels}
        passed = self._passed(key)
        turn = Round(
            t, labels, self._models.fusion(fusion), changed, memory, at_most, passed=passed
        )
        self._last = key, turn
        return self._loop.run(turn)

    def track(
        self, t: int, *, on_event: Callable[[Event], object] | None = None, **options: Any
    ) -> Finished:
        """Carry out a round, and wait for it; see `run` for the options."""
        return finish(self.run(t, **options), on_event)

    def bounds(
        self, t: int, labels: Iterable[int] = (), *, everyone: bool = False
    ) -> dict[int, Bounds]:
        """Return how far a round in frame `t` would reach, for each of its objects.

        Parameters
        ----------
        t : int
        labels : more objects, as if they were annotated in the frame already
        everyone : see `run`
        """
        ledger = self._store.ledger
        own = labels_of_round(ledger, t, everyone=everyone)
        return {
            label: bounds(map(int, ledger.human_frames(label)), t, ledger.frames)
            for label in sorted({*own, *labels})
        }

    def left(
        self,
        t: int,
        *,
        everyone: bool = False,
        fusion: str = "distance",
        memory: RoundMemory = "all",
    ) -> tuple[int, int]:
        """Return how many frames `run` would track now.

        Returns
        -------
        forwards, backwards : int; both 0 where there is nothing to begin with, too
        """
        reach = self.bounds(t, everyone=everyone)
        if not reach:
            return 0, 0
        passed = self._passed((t, tuple(reach), fusion, memory, self._loop.generation))
        ahead = sum(each > t for each in passed)
        forwards = max(each.last for each in reach.values()) - t
        backwards = t - min(each.first for each in reach.values())
        return forwards - ahead, backwards - (len(passed) - ahead)

    def suggest(self) -> Suggestion | None:
        """Return the frame that is worth a round most, and why; None if nothing was tracked."""
        return suggest(self._store.ledger)

    def note(self, t: int, *labels: int) -> None:
        """Keep what is shown of objects in a frame before a person corrects it."""
        for label in labels:
            if self._store.ledger.row(label, t).origin != Origin.HUMAN:
                self._changes.note(t, label, self._store.masks.stored(t) == label)

    def _passed(self, key: _Key) -> set[int]:
        """Return which frames of a round are done, if it is the last one, and not out of date."""
        # A copy, since it grows in another thread.
        return self._last[1].passed.copy() if self._last and self._last[0] == key else set()
