"""LiVOS (Liu et al. 2025): a state of constant size in place of a memory of frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.livos import KEY, OBJECT, LivosNet, Seen, match, published, remember
from napari_lazyvos.nets.object_transformer import CHANNELS
from napari_lazyvos.nets.weights import Weights, build, read
from napari_lazyvos.trackers.canvas import Canvas
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["LivosTracker"]


class LivosCanvas(Canvas):
    """What LiVOS sees of a frame: resized, smaller ones too, and padded; normalised by the network.

    So what is beyond the frame is black, where for its relatives it is grey.
    """

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of the frame on the canvas."""
        if self.size == -1:
            return self.height, self.width
        short = min(self.height, self.width)
        return self.size * self.height // short, self.size * self.width // short

    def image(self, frame: np.ndarray, device: torch.device) -> Tensor:
        """Return a (3, H, W) float32 frame in [0, 1] as (1, 3, h, w)."""
        pixels = torch.from_numpy(np.ascontiguousarray(frame)).to(device)[None]
        if self.inner != (self.height, self.width):
            pixels = F.interpolate(
                pixels, self.inner, mode="bilinear", align_corners=False, antialias=True
            )
        return self._padded(pixels)


@dataclass(frozen=True, slots=True)
class Recurrent:
    """All that is remembered, a row for each object; no part of it grows with the video."""

    state: Tensor  # (K, 64, 256): what `remember` returns
    key_sum: Tensor  # (K, 64, h / 16, w / 16): of the frames that are in the state
    sensory: Tensor  # (K, 256, h / 16, w / 16)
    object_memory: Tensor  # (K, 16, 257)
    masks: Tensor  # (K, h, w) in [0, 1], on the canvas: of the frame that was passed last

    @classmethod
    def of_nothing(cls, grid: tuple[int, int], stride: int, device: torch.device) -> Self:
        """Return it for no object, in a grid of places."""
        shapes = {
            "state": (KEY, CHANNELS),
            "key_sum": (KEY, *grid),
            "sensory": (CHANNELS, *grid),
            "object_memory": OBJECT,
            "masks": tuple(stride * side for side in grid),
            "first_state": (KEY, CHANNELS),
            "first_key": (KEY, *grid),
        }
        names = [part.name for part in fields(cls)]
        return cls(**{name: torch.zeros(0, *shapes[name], device=device) for name in names})

    def each(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return it with all parts changed."""
        return replace(self, **{p.name: change(getattr(self, p.name)) for p in fields(self)})

    def with_more(self, count: int) -> Self:
        """Return it with new objects, of which nothing is known yet."""
        return self.each(lambda part: F.pad(part, (0, 0) * (part.ndim - 1) + (0, count)))

    def without(self, row: int) -> Self:
        """Return it without an object."""
        return self.each(lambda part: torch.cat([part[:row], part[row + 1 :]]))

    def with_frame(self, seen: Seen, values: Tensor, sensory: Tensor, more: Tensor) -> Self:
        """Return it with one more frame; see `LivosNet.encode_masks`."""
        return replace(
            self,
            state=remember(self.state, seen, values),
            key_sum=self.key_sum + seen.key,
            sensory=sensory,
            object_memory=self.object_memory + more,
        )

    def on_grid(self, grid: tuple[int, int], stride: int) -> Self:
        """Return it for frames of another grid of places.

        What is summed over places becomes as much more as there are more places.
        """
        rows, columns = self.key_sum.shape[2:]
        more = grid[0] * grid[1] / (rows * columns)
        found = self.each(lambda part: _resized(part, grid) if part.ndim == 4 else part * more)
        canvas = stride * grid[0], stride * grid[1]
        return replace(found, masks=_resized(self.masks[:, None], canvas)[:, 0])

    def pack(self) -> dict[str, Tensor]:
        """Return a copy that can be saved."""
        return {part.name: getattr(self, part.name).cpu().clone() for part in fields(self)}


@dataclass(frozen=True, slots=True)
class FirstAndLast(Recurrent):
    """The same with a state of two frames: the one that an object began with, and the last."""

    first_state: Tensor  # (K, 64, 256): `state` with the first frame alone; 0 before there is one
    first_key: Tensor  # (K, 64, h / 16, w / 16): its key; 0 before there is one

    def with_frame(self, seen: Seen, values: Tensor, sensory: Tensor, more: Tensor) -> Self:
        """Return it with another last frame; an object that has no first frame begins with it."""
        first = replace(self, state=self.first_state, key_sum=self.first_key)
        # `super()` does not find the class that slots have made anew.
        after = Recurrent.with_frame(first, seen, values, sensory, more)
        begun = self.first_key.flatten(1).any(1)
        return replace(
            after,
            first_state=torch.where(begun[:, None, None], self.first_state, after.state),
            first_key=torch.where(begun[:, None, None, None], self.first_key, after.key_sum),
        )


KINDS: dict[str, type[Recurrent]] = {"state": Recurrent, "first_and_last": FirstAndLast}


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of a video."""

    canvas: LivosCanvas
    labels: tuple[int, ...]
    at: int  # the frame that was passed last
    written: int  # the frame that was remembered last
    permanent: tuple[int, ...]  # sorted
    now: Recurrent
    before: Recurrent  # as it was when frame `at` was to be remembered

    def without(self, label: int) -> State:
        """Return the state without an object."""
        row = self.labels.index(label)
        labels = (*self.labels[:row], *self.labels[row + 1 :])
        permanent = self.permanent if labels else ()
        now, before = self.now.without(row), self.before.without(row)
        return replace(self, labels=labels, permanent=permanent, now=now, before=before)


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    seen: Seen
    full: Tensor  # (1 + K, H, W), at the video's size
    after: Recurrent  # past this frame, if nothing of it is remembered


class LivosTracker:
    """Follow objects with LiVOS.

    Each frame is added to a state, in which what came before fades, channel by channel, as much as
    the new frame says: its gate. No frame can be told from the others in there.

    - A permanent frame fades like all others; it has no place of its own.
    - A correction of the frame that was passed last takes the place of what was remembered of it:
      the state, the sensory memory, the object memory, and the masks that the next frame starts
      from are as if it had been predicted so. That of an earlier frame is added, since what was
      remembered of that frame cannot be taken out.
    - Of a frame that is not to be remembered, only the sensory memory and the masks are carried
      on, which tell where the objects are.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, or a file. None means the installed ones.
    device : torch.device or None
        None is the CPU.
    size : int
        The short side of frames is brought to it, in pixels, that of smaller frames too, as
        published; -1: frames stay as they are.
    chunk_size : int
        So many objects are encoded and decoded at a time, to save memory; -1: all.
    amp : bool
        Whether the network computes in half precision. The state and what it is divided by are
        in single precision in any case.
    memory : {"state", "first_and_last"}
        Which frames are in the state: as published all of them, or two, the one that an object
        began with and the last. The paper's supplement has such a degraded row (J&F on DAVIS 2017
        val 78.4, where all frames give 84.0 to 85.1); how it was computed, the authors' code does
        not say. Here the state after a frame is what the first frame left, faded once by this
        frame's gate, and what this frame adds, and they are divided by what belongs to these two.
        The sensory memory and the object memory are as published. A correction in a later frame
        leaves the state with the next one. This is for comparing: a frame costs the same.

    Raises
    ------
    LazyVosError
        If the weights are not LiVOS', or an option is out of its range.
    """

    name = "livos"

    def __init__(
        self,
        *,
        weights: Weights = None,
        device: torch.device | None = None,
        size: int = 480,
        chunk_size: int = -1,
        amp: bool = False,
        memory: str = "state",
    ) -> None:
        if size != -1 and size < 16:
            raise LazyVosError(f"size is {size}: give 16 or more pixels, or -1 for native size.")
        if memory not in KINDS:
            raise LazyVosError(f"memory is {memory!r}: choose one of {', '.join(KINDS)}.")
        if chunk_size != -1 and chunk_size < 1:
            raise LazyVosError(f"chunk_size is {chunk_size}: give 1 object or more, or -1 for all.")
        self.device = device or torch.device("cpu")
        state = published(read(weights, "livos"))
        self.net = build(lambda: LivosNet(chunk_size), state, "livos").to(self.device)
        self._size = size
        self._amp = amp
        self._memory = KINDS[memory]
        self._state: State | None = None
        self._waiting: _Prediction | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._state.labels if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the permanent frames, and of the one that was remembered last, sorted.

        Of all others there are traces in the state.
        """
        state = self._state
        return tuple(sorted({*state.permanent, state.written})) if state and state.labels else ()

    @torch.no_grad()
    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        if self._state is None:
            raise LazyVosError("The tracker remembers nothing yet: commit a first mask before.")
        self._waiting = self._predict(self._state, frame)
        return self._waiting.full.clone()

    @torch.no_grad()
    def commit(
        self,
        t: int,
        frame: np.ndarray,
        probabilities: Probabilities | None,
        labels: tuple[int, ...],
        *,
        permanent: bool = False,
    ) -> None:
        """Tell the tracker what a frame holds; see `Tracker.commit`."""
        state = self._state or self._begin(t, frame)
        waiting, self._waiting = self._waiting, None
        again = t == state.at
        if again or (waiting is not None and waiting.frame is not frame):
            waiting = None
        if probabilities is None:
            if waiting is not None:
                self._state = replace(state, at=t, now=waiting.after, before=waiting.after)
            return
        known = (*state.labels, *(label for label in labels if label not in state.labels))
        if not known:
            return
        if waiting is None and not again and set(state.labels) - set(labels):
            waiting = self._predict(state, frame)
        if again:
            base = replace(state.before, masks=state.now.masks)
        else:
            base = state.now if waiting is None else waiting.after
        given = probabilities.to(self.device, torch.float32)
        if waiting is None or labels != state.labels or not torch.equal(given, waiting.full):
            base = _with_masks(base, known, state.canvas.masks(given[1:]), labels)
        seen = self._look(state.canvas, frame) if waiting is None else waiting.seen
        kept = tuple(sorted({*state.permanent, t})) if permanent else state.permanent
        self._state = State(state.canvas, known, t, t, kept, self._remembered(base, seen), base)

    def forget(self, label: int) -> None:
        """Remove an object from memory; what the others remember stays as it is."""
        if self._state is not None and label in self._state.labels:
            self._waiting = None
            self._state = self._state.without(label)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        state = self._state
        if state is None:
            return {}
        return {
            "video": (state.canvas.height, state.canvas.width),
            "labels": state.labels,
            "at": state.at,
            "written": state.written,
            "permanent": state.permanent,
            "now": state.now.pack(),
            "before": state.before.pack(),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned, also one of another kind or size."""
        self._waiting = self._state = None
        if not snapshot:
            return
        height, width = snapshot["video"]
        canvas = LivosCanvas(height, width, self._size)
        labels, permanent = (tuple(snapshot[name]) for name in ("labels", "permanent"))
        now, before = (self._unpack(snapshot[name], canvas) for name in ("now", "before"))
        at, written = snapshot["at"], snapshot["written"]
        self._state = State(canvas, labels, at, written, permanent, now, before)

    def _unpack(self, packed: Mapping[str, Tensor], canvas: LivosCanvas) -> Recurrent:
        # Of a memory of the other kind nothing is known of the first frame: the next is taken.
        first = {"first_state": packed["state"], "first_key": packed["key_sum"]}
        parts = {name: torch.zeros_like(each) for name, each in first.items()} | dict(packed)
        names = [part.name for part in fields(self._memory)]
        found = self._memory(**{name: parts[name].to(self.device, copy=True) for name in names})
        if tuple(found.sensory.shape[2:]) != canvas.grid:
            return found.on_grid(canvas.grid, canvas.stride)
        return found

    def _begin(self, t: int, frame: np.ndarray) -> State:
        canvas = LivosCanvas(frame.shape[1], frame.shape[2], self._size)
        nothing = self._memory.of_nothing(canvas.grid, canvas.stride, self.device)
        return State(canvas, (), t, t, (), nothing, nothing)

    def _look(self, canvas: LivosCanvas, frame: np.ndarray) -> Seen:
        if frame.shape[1:] != (canvas.height, canvas.width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were "
                f"{(canvas.height, canvas.width)}: start a new tracker for another video."
            )
        with self._precision():
            return self.net.encode_image(canvas.image(frame, self.device))

    def _predict(self, state: State, frame: np.ndarray) -> _Prediction:
        seen, now = self._look(state.canvas, frame), state.now
        if not state.labels:
            return _Prediction(
                frame, seen, torch.ones(1, *frame.shape[1:], device=self.device), now
            )
        readout = match(now.state, now.key_sum, seen.key)
        with self._precision():
            found, sensory = self.net.decode(
                seen, readout, now.sensory, now.masks, now.object_memory
            )
        after = replace(now, sensory=sensory, masks=found[1:])
        return _Prediction(frame, seen, state.canvas.back(found), after)

    def _remembered(self, base: Recurrent, seen: Seen) -> Recurrent:
        """Return the memory with a frame in it, whose masks are those of `base`."""
        with self._precision():
            values, sensory, more = self.net.encode_masks(seen, base.masks, base.sensory)
        return base.with_frame(seen, values, sensory, more)

    def _precision(self) -> torch.autocast:
        """Compute in half precision, where that is wanted."""
        kind = self.device.type
        old_gpu = kind == "cuda" and not torch.cuda.is_bf16_supported()
        dtype = torch.float16 if old_gpu else torch.bfloat16
        return torch.autocast(kind, dtype, enabled=self._amp)


def _with_masks(
    memory: Recurrent, known: tuple[int, ...], given: Tensor, labels: tuple[int, ...]
) -> Recurrent:
    """Return the memory with masks as given, else as they were where nothing is given.

    Parameters
    ----------
    memory : of the first of `known`; the rest are new
    given : (len(labels), h, w) float tensor in [0, 1]
    """
    memory = memory.with_more(len(known) - len(memory.masks))
    masks = memory.masks * (given.sum(0) <= 0.5)
    masks[[known.index(label) for label in labels]] = given
    return replace(memory, masks=masks)


def _resized(tensor: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(tensor, size, mode="bilinear", align_corners=False)
