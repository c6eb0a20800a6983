"""What a timeline shows of a session, as arrays; knows no Qt.

A session may go on in another thread, and its video may have 100 000 frames. So what is known is
copied once, after that only the frames that were written are read anew, and what is drawn never
has more points than a screen has columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto

import numpy as np

from napari_lazyvos.store.document import PlacedClick
from napari_lazyvos.store.ledger import Call, Ledger, Origin, State

__all__ = [
    "Lane",
    "Mark",
    "Marks",
    "Measure",
    "Provenance",
    "Reach",
    "Runs",
    "Snapshot",
    "Thresholds",
    "Why",
    "envelope",
    "marks_of",
    "provenance",
    "runs",
]

READ_ONE_BY_ONE = 256  # cells; to read more of them, whole columns are quicker


class Measure(StrEnum):
    """Which curve of an object is shown."""

    RISE = auto()
    """By how much the score rose from the frame before; help is asked by it."""
    SCORE = auto()
    """Mean normalised entropy over the object."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is done about an uncertain object; None: never."""

    user: float | None = None  # rise from which a person is asked
    pseudo: float | None = None  # rise from which the tracker corrects itself
    memory: float | None = None  # score from which a frame is not remembered


class Why(StrEnum):
    """Why frames of an object will be tracked again."""

    ANEW = auto()
    """They come after a correction in the frame that is shown."""
    ROUND = auto()
    """The round of the frame that is shown reaches them."""
    CLICK = auto()
    """It would, if a person clicked on the object there."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Frames ``start <= t < stop`` of an object that what is done in the frame shown can change."""

    label: int
    start: int
    stop: int
    why: Why = Why.ANEW


class Provenance(IntEnum):
    """What is known of an object in a frame, in the one word that a lane shows."""

    UNTRACKED = 0
    TRACKED = 1
    PSEUDO = 2
    HUMAN = 3
    ABSENT = 4
    ENDED = 5
    STALE = 6


class Mark(IntEnum):
    """A moment worth a sign of its own."""

    INCLUDE = 0
    """A person clicked: this belongs to the object."""
    EXCLUDE = 1
    """A person clicked: this does not belong to it."""
    DRAWN = 2
    """A person gave the mask without a click, by brush or from elsewhere."""
    PSEUDO = 3
    """The tracker corrected itself."""
    OPEN = 4
    """A person is asked, and has not answered."""
    ANSWERED = 5
    """A person was asked and answered with a correction."""
    FINE = 6
    """A person was asked and said that the mask is fine."""
    LOST = 7
    """First frame in which the object is not seen."""
    ENDS = 8
    """A person said that the object is not there from here on."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Moments of one kind in the life of one object; neighbours stand together in one group."""

    kind: Mark
    first: np.ndarray  # (N,) int64, first frame of each group
    last: np.ndarray  # (N,) int64, its last frame
    count: np.ndarray  # (N,) int64, how many moments there are in it


@dataclass(frozen=True, slots=True)
class Runs:
    """Frames ``starts <= t < stops`` of equal provenance, in order, without a gap."""

    starts: np.ndarray  # (N,) int64
    stops: np.ndarray  # (N,) int64
    kinds: np.ndarray  # (N,) uint8 of Provenance


def _table() -> np.ndarray:
    """Return the provenance of each combination of state, origin and staleness, (2, 4, 4) uint8."""
    table = np.zeros((2, len(Origin), len(State)), np.uint8)
    table[:, Origin.NONE] = table[:, Origin.MACHINE] = Provenance.TRACKED
    table[:, Origin.PSEUDO] = Provenance.PSEUDO
    table[:, Origin.HUMAN] = Provenance.HUMAN
    table[:, :, State.ABSENT] = Provenance.ABSENT
    table[1] = Provenance.STALE
    table[:, :, State.ENDED] = Provenance.ENDED
    table[:, :, State.UNTRACKED] = Provenance.UNTRACKED
    return table


TABLE = _table()
# These bear no mark of their own, unless a refiner or a person helped.
PLAIN = {Provenance.UNTRACKED, Provenance.TRACKED, Provenance.STALE}


def provenance(states: np.ndarray, origins: np.ndarray, stale: np.ndarray) -> np.ndarray:
    """Return the `Provenance` of an object in each frame.

    Where a person said that the object ends, it has ended in the frames after it too, though no
    pass has been there; see `Session.state`.

    Parameters
    ----------
    states, origins : (T,) uint8 of `State` and `Origin`
    stale : (T,) bool

    Returns
    -------
    (T,) uint8
    """
    kinds: np.ndarray = TABLE.ravel()[stale * np.uint8(16) + origins * np.uint8(4) + states]
    human = np.flatnonzero(origins == Origin.HUMAN)
    ends = states[human] == State.ENDED
    if ends.any():
        after = kinds[human[0] :]
        ended = np.repeat(ends, np.diff(human, append=len(kinds)))
        after[ended & (after == Provenance.UNTRACKED)] = Provenance.ENDED
    return kinds


class Lane:
    """What is known of one object, frame by frame: a copy of its columns in the ledger.

    Parameters
    ----------
    ledger : it is read once, now
    label : of the object
    frames : only so many are read; the ledger may grow meanwhile
    """

    def __init__(self, ledger: Ledger, label: int, frames: int) -> None:
        self.label = label
        self.scores = ledger.scores(label)[:frames]  # (T,) float32, NaN where unknown
        self.rises = ledger.rises(label)[:frames]  # (T,) float32, NaN where unknown
        self.states = ledger.states(label)[:frames]  # (T,) uint8 of State
        self.origins = ledger.origins(label)[:frames]  # (T,) uint8 of Origin
        self.calls = ledger.calls(label)[:frames]  # (T,) uint8 of Call
        self.stale = ledger.stale(label)[:frames]  # (T,) bool
        self._kinds: np.ndarray | None = None
        self._moments: dict[Mark, np.ndarray] | None = None
        self._clicks: Collection[PlacedClick] = ()  # that the moments were found with

    @property
    def kinds(self) -> np.ndarray:
        """The `Provenance` in each frame, (T,) uint8."""
        if self._kinds is None:
            self._kinds = provenance(self.states, self.origins, self.stale)
        return self._kinds

    def values(self, measure: Measure) -> np.ndarray:
        """Return the curve of a measure, (T,) float32, NaN where unknown."""
        return self.rises if measure is Measure.RISE else self.scores

    def moments(self, clicks: Collection[PlacedClick]) -> dict[Mark, np.ndarray]:
        """Return the sorted frames of each kind of mark; the same dict while none has changed."""
        if self._moments is None or clicks is not self._clicks:
            self._moments, self._clicks = _moments(self, clicks), clicks
        return self._moments

    def update(self, ledger: Ledger, frames: Iterable[int]) -> None:
        """Read these frames anew."""
        for t in frames:
            row = ledger.row(self.label, t)
            kind = TABLE[int(row.stale), row.origin, row.state]
            self.scores[t], self.rises[t] = row.score, row.rise
            before = (self.states[t], self.origins[t], self.stale[t], self.calls[t])
            if before == (row.state, row.origin, row.stale, row.call):
                continue
            unhelped = {int(self.origins[t]), int(row.origin)} <= {Origin.NONE, Origin.MACHINE}
            plain = {int(self.kinds[t]), int(kind)} <= PLAIN
            if not (plain and unhelped) or self.calls[t] or row.call:
                self._moments = None
            # With a person's frame, others that nothing was known of may have ended, or not.
            far = not row.state or Origin.HUMAN in (self.origins[t], row.origin)
            self.states[t], self.origins[t] = row.state, row.origin
            self.stale[t], self.calls[t] = row.stale, row.call
            self.kinds[t] = kind
            if far:
                self._kinds = None

    def differing(self, other: Lane) -> np.ndarray:
        """Return the frames, (N,) int64, of which another lane of this length knows otherwise."""
        mine = (self.scores, self.rises, self.calls, self.states, self.origins, self.stale)
        its = (other.scores, other.rises, other.calls, other.states, other.origins, other.stale)
        differs = np.zeros(len(self.states), bool)
        for one, two in zip(mine, its, strict=True):
            bits = f"u{one.itemsize}"  # NaN is as good as any number
            differs |= one.view(bits) != two.view(bits)
        return np.flatnonzero(differs)


class Snapshot:
    """What a ledger knows of all objects.

    Parameters
    ----------
    ledger : it is read now, and when `update` is called; it may change in another thread
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.frames = 0
        self.lanes: tuple[Lane, ...] = ()  # sorted by label
        self.update()

    def update(self, written: Collection[int] | None = None) -> bool:
        """Read anew, and tell whether anything changed.

        Parameters
        ----------
        written : frames that were written since the last time; None: it could be any
        """
        ledger = self._ledger
        labels = ledger.labels
        known = ledger.frames == self.frames and labels == tuple(x.label for x in self.lanes)
        if known and written is not None and len(written) * len(labels) <= READ_ONE_BY_ONE:
            for lane in self.lanes:
                lane.update(ledger, written)
            return bool(written)
        before = {lane.label: lane for lane in self.lanes} if known else {}
        self.frames = ledger.frames
        lanes = [self._read(label, before.get(label)) for label in labels]
        self.lanes = tuple(lane for lane, _ in lanes)
        return not known or any(changed for _, changed in lanes)

    def _read(self, label: int, before: Lane | None) -> tuple[Lane, bool]:
        """Read a lane, and tell whether it changed; one that changed little keeps what it found."""
        now = Lane(self._ledger, label, self.frames)
        if before is None:
            return now, True
        frames = before.differing(now)
        if len(frames) > READ_ONE_BY_ONE:
            return now, True
        before.update(self._ledger, frames.tolist())
        return before, bool(len(frames))

    def highest(self, measure: Measure) -> float:
        """Return the greatest value that any curve of a measure has; 0 where there is none."""
        tops = [np.fmax.reduce(lane.values(measure), initial=0.0) for lane in self.lanes]
        return float(max(tops, default=0.0))


def envelope(values: np.ndarray, start: int, stop: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a line that looks like a curve: no peak is lost, whatever the scale.

    Frames are taken together in blocks that begin at multiples of a power of two, so that blocks
    do not move when the view does. Each gives its least and its greatest value.

    Parameters
    ----------
    values : (T,) float32, NaN where unknown
    start, stop : only frames ``start <= t < stop`` are wanted
    most : blocks that there may be

    Returns
    -------
    x : (N,) float64, frames; ``N <= 2 * most + 2``
    y : (N,) float32, NaN where nothing is known of a whole block
    """
    start, stop = max(start, 0), min(stop, len(values))
    if stop <= start:
        return np.empty(0), np.empty(0, np.float32)
    step = _step(stop - start, most)
    if step == 1:
        return np.arange(start, stop, dtype=np.float64), values[start:stop].copy()
    start = start // step * step
    stop = min(-(-stop // step) * step, len(values))
    edges = np.arange(0, stop - start, step)
    seen = values[start:stop]
    y = np.stack([np.fmin.reduceat(seen, edges), np.fmax.reduceat(seen, edges)], axis=1)
    y[1::2] = y[1::2, ::-1].copy()  # down in one block and up in the next: no line across
    centres = start + (edges + np.minimum(edges + step, stop - start) - 1) / 2
    return np.repeat(centres, 2), y.ravel()


def runs(kinds: np.ndarray, start: int, stop: int, most: int) -> Runs:
    """Return the runs of equal provenance; where they are too many, of blocks of frames.

    Parameters
    ----------
    kinds : (T,) uint8 of `Provenance`
    start, stop : only frames ``start <= t < stop`` are wanted
    most : runs that there may be, or a few more; a block counts as what its middle frame is
    """
    start, stop = max(start, 0), max(0, min(stop, len(kinds)))
    seen = kinds[start:stop]
    if not len(seen):
        nothing = np.empty(0, np.int64)
        return Runs(nothing, nothing, np.empty(0, np.uint8))
    changes = np.flatnonzero(seen[1:] != seen[:-1]) + 1
    if len(changes) < most:
        edges = np.concatenate([[0], changes, [stop - start]])
        return Runs(start + edges[:-1], start + edges[1:], seen[edges[:-1]])
    step = _step(stop - start, most)
    first = start // step
    middles = np.arange(first * step + step // 2, stop + step // 2, step)
    coarse = runs(kinds[np.clip(middles, start, stop - 1)], 0, len(middles), len(middles) + 1)
    starts, stops = ((first + edges) * step for edges in (coarse.starts, coarse.stops))
    return Runs(np.maximum(starts, start), np.minimum(stops, stop), coarse.kinds)


def marks_of(
    lane: Lane, clicks: Collection[PlacedClick], start: int, stop: int, most: int
) -> list[Marks]:
    """Return what stands out in the life of an object, in the order of `Mark`.

    Parameters
    ----------
    lane : Lane
    clicks : on any object
    start, stop : only frames ``start <= t < stop`` are wanted
    most : groups of each kind that there may be, or one more
    """
    step = _step(max(stop - start, 1), most)
    found = []
    for kind, frames in lane.moments(clicks).items():
        frames = frames[np.searchsorted(frames, start) : np.searchsorted(frames, stop)]
        if len(frames):
            edges = np.flatnonzero(np.diff(frames // step, prepend=-1))
            ends = np.append(edges[1:], len(frames))
            found.append(Marks(kind, frames[edges], frames[ends - 1], ends - edges))
    return found


def _moments(lane: Lane, clicks: Collection[PlacedClick]) -> dict[Mark, np.ndarray]:
    """Return the frames of each kind of mark, sorted."""
    mine = [click for click in clicks if click.label == lane.label]
    include = np.array(sorted(click.t for click in mine if click.positive), np.int64)
    exclude = np.array(sorted(click.t for click in mine if not click.positive), np.int64)
    ended = lane.states == State.ENDED
    human = lane.origins == Origin.HUMAN
    drawn = np.flatnonzero(human & ~ended)
    absent = lane.kinds == Provenance.ABSENT
    return {
        Mark.INCLUDE: include,
        Mark.EXCLUDE: exclude,
        Mark.DRAWN: np.setdiff1d(drawn, np.concatenate([include, exclude])),
        Mark.PSEUDO: np.flatnonzero(lane.origins == Origin.PSEUDO),
        Mark.OPEN: np.flatnonzero(lane.calls == Call.OPEN),
        Mark.ANSWERED: np.flatnonzero(lane.calls == Call.ANSWERED),
        Mark.FINE: np.flatnonzero(lane.calls == Call.FINE),
        Mark.LOST: np.flatnonzero(absent & ~np.concatenate([[False], absent[:-1]])),
        Mark.ENDS: np.flatnonzero(human & ended),
    }


def _step(frames: int, most: int) -> int:
    """Return the smallest power of two that divides so many frames into `most` blocks or less."""
    return 1 << max(0, -(-frames // max(most, 1)) - 1).bit_length()
