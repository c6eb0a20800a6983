"""MAVOS (Shaker et al. 2024): two frames are remembered, of which one takes in all that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

import cv2
import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import label_map
from napari_lazyvos.nets.deaot import Memory, Tokens, Trace
from napari_lazyvos.nets.mavos import STRIDE, MavosNet, Seen, encoder_of
from napari_lazyvos.nets.weights import Weights, build, read
from napari_lazyvos.trackers.canvas import Canvas
from napari_lazyvos.trackers.engines import Engine, Slot, known_to, masks_of, merged, seated
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["MavosTracker"]

LONGEST = 13 / 6
"""Limit of the long side of frames, as a share of `size`; 1040 pixels of 480 as published."""


@dataclass(frozen=True)
class MavosCanvas(Canvas):
    """What MAVOS sees of a frame: its sides are fitted to the stride, without a margin."""

    stride: int = 1
    aligned: bool = True  # see `MavosNet.aligned`

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of what the network sees."""
        scale = 1.0
        if self.size != -1:
            scale = min(1.0, self.size * LONGEST / max(self.height, self.width))
        height, width = (self._fitted(scale * side) for side in (self.height, self.width))
        return height, width

    def image(self, frame: np.ndarray, device: torch.device) -> Tensor:
        """Return a (3, H, W) float32 frame in [0, 1] as (1, 3, h, w), normalised."""
        if frame.shape[1:] != self.inner:
            picture = np.ascontiguousarray(frame.transpose(1, 2, 0))
            picture = cv2.resize(picture, self.inner[::-1], interpolation=cv2.INTER_CUBIC)
            frame = picture.transpose(2, 0, 1)
        return super().image(frame, device)

    def _fitted(self, side: float) -> int:
        return max(1, round((side - self.aligned) / STRIDE)) * STRIDE + self.aligned


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of a video."""

    canvas: MavosCanvas
    labels: tuple[int, ...]
    at: int  # the frame that was remembered last
    found: Tensor  # (h, w) float32, the label of each pixel in it, on the canvas
    now: tuple[Engine, ...]
    before: tuple[Engine, ...]  # as they were when frame `at` was to be remembered

    def without(self, label: int) -> State:
        """Return the state without an object."""
        now, before = (
            tuple(each for each in (own.without(label) for own in all_own) if known_to([each]))
            for all_own in (self.now, self.before)
        )
        labels = tuple(own for own in self.labels if own != label)
        found = self.found.masked_fill(self.found == label, 0)
        return State(self.canvas, labels, self.at, found, now, before)

    def undone(self) -> State:
        """Return the state as it was before frame `at`, but for what was found in that."""
        labels = tuple(label for label in self.labels if label in known_to(self.before))
        return replace(self, labels=labels, now=self.before)


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    seen: Seen
    traces: list[list[Trace]]  # of each engine
    full: Tensor  # (1 + K, H, W), at the video's size


class MavosTracker:
    """Follow objects with MAVOS.

    A frame is compared with the one before, in a window around each place, and with the long-term
    memory, anywhere. This holds the *reference*, the first frame, and the *dynamic* slot, into
    which modulated cross-attention takes every tenth frame. So a frame costs the same however
    long the video is. Masks are remembered as labels: of each pixel the most probable one.

    - A new object joins as published: the frame is compared with itself, since nothing is known of
      the object, and goes into the dynamic slot. There its mask fades as all does.
    - A correction, that is a permanent frame of objects that are known, is compared with itself,
      too, and gets a slot of its own beside the two, which the next correction takes. In the
      reference's frame it takes the reference's place. The authors have no corrections.
    - Nothing of a frame that is not to be remembered is remembered, nor does it count: the next
      frame is compared with the one before it.
    - If the frame that was remembered last is given again, all is as if it had come so at once.
    - The network tells ten objects apart; of more each ten have their own memories, one after the
      other as they join, and are merged. Objects that join at once are in the order of their
      labels.
    - The pixels of a forgotten object are the background's, in memory as well.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones, with any of the three encoders: a name of the catalogue, or a file. None
        means the installed ones.
    memory : {"mca", "deaot"}
        ``"mca"`` as above. ``"deaot"`` as in DeAOT (Yang & Yang 2022), which MAVOS came from: every
        tenth frame is remembered as it was, as is every correction, and a frame costs the more,
        the longer the video is.
    long_term_mem_gap : int
        Every so many frames one goes into the long-term memory.
    device : torch.device or None
        None is the CPU.
    size : int
        Frames with a longer long side are brought to 13 / 6 of it: 1040 pixels for 480, as
        published; -1: they stay as they are. All are fitted to the stride of the network.
    amp : bool or None
        Whether the network computes in half precision; None: on a CUDA device.

    Raises
    ------
    LazyVosError
        If the weights are not MAVOS', or an option is out of its range.
    """

    name = "mavos"
    memories: tuple[str, ...] = ("mca", "deaot")

    def __init__(
        self,
        *,
        weights: Weights = None,
        memory: str = "mca",
        long_term_mem_gap: int = 10,
        device: torch.device | None = None,
        size: int = 480,
        amp: bool | None = None,
    ) -> None:
        if memory not in self.memories:
            raise LazyVosError(f"memory is {memory!r}: choose {' or '.join(self.memories)}.")
        if long_term_mem_gap < 1:
            raise LazyVosError(f"long_term_mem_gap is {long_term_mem_gap}: give 1 frame or more.")
        if size != -1 and size < 16:
            raise LazyVosError(f"size is {size}: give 16 or more pixels, or -1 for native size.")
        self.device = device or torch.device("cpu")
        self.net = _load(weights).to(self.device)
        self._grows = memory == "deaot"
        self._gap = long_term_mem_gap
        self._size = size
        self._amp = self.device.type == "cuda" if amp is None else amp
        self._state: State | None = None
        self._waiting: _Prediction | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._state.labels if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames in the slots, and of the one that was remembered last, sorted.

        Of the dynamic slot it is the last frame that went into it.
        """
        engines = self._state.now if self._state else ()
        return tuple(sorted({slot.t for own in engines for slot in (*own.slots, own.last)}))

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
        waiting, self._waiting = self._waiting, None
        if probabilities is None or not labels:
            return
        state = self._state or self._begin(t, frame)
        known = tuple(dict.fromkeys((*state.labels, *labels)))
        again = t == state.at
        if again:
            state = state.undone()
        if again or waiting is None or waiting.frame is not frame:
            waiting = self._predict(state, frame)
        found = self._label_map(state, probabilities, labels)
        if set(known) - set(labels):
            others = state.found if again else self._label_map(state, waiting.full, state.labels)
            named = torch.isin(others, others.new_tensor(labels))
            found = torch.where((found > 0) | named, found, others)
        joining = sorted(set(known).difference(state.labels))
        seats = seated([own.labels for own in state.now], joining)
        now = []
        for own, engine, traces in zip_longest(seats, state.now, waiting.traces):
            with self._precision():
                embedding = self.net.embed(masks_of(found, own))
                if permanent or joining:
                    memory = self.net.introduce(waiting.seen, embedding)
                else:
                    memory = self.net.remember(traces, embedding)
            slot = Slot(t, _single(memory))
            engine = Engine(own, slot, slot) if engine is None else replace(engine, labels=own)
            grid = waiting.seen.grid
            now.append(self._after(engine, slot, grid, joins=bool(joining), permanent=permanent))
        self._state = State(state.canvas, known, t, found, tuple(now), state.now)

    def forget(self, label: int) -> None:
        """Remove an object from memory; its pixels become background there."""
        if self._state is not None and label in self._state.labels:
            self._waiting = None
            self._state = self._state.without(label)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        if (state := self._state) is None:
            return {}
        return {
            "video": (state.canvas.height, state.canvas.width),
            "made_with": self._made_with(state.canvas),
            "labels": state.labels,
            "at": state.at,
            "found": state.found.cpu().clone(),
            "now": [own.pack() for own in state.now],
            "before": [own.pack() for own in state.before],
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned.

        Raises
        ------
        LazyVosError
            If the network, its memory, or the size of frames was another.
        """
        state = None
        if snapshot:
            canvas = self._canvas(*snapshot["video"])
            now, then = self._made_with(canvas), snapshot["made_with"]
            if now != then:
                raise LazyVosError(
                    f"What mavos remembers was made with {then}, and cannot be read with {now}: "
                    "load it with the weights and options of then, or start anew."
                )
            state = State(
                canvas,
                tuple(snapshot["labels"]),
                snapshot["at"],
                snapshot["found"].to(self.device, copy=True),
                *(
                    tuple(Engine.unpack(own, self.device) for own in snapshot[name])
                    for name in ("now", "before")
                ),
            )
        self._state, self._waiting = state, None

    def _after(
        self, engine: Engine, slot: Slot, grid: tuple[int, int], *, joins: bool, permanent: bool
    ) -> Engine:
        """Return what is remembered after one more frame."""
        engine = replace(engine, last=slot, since=engine.since + 1)
        if slot.t == engine.reference.t and (joins or permanent):
            return replace(engine, reference=slot, since=0)
        if permanent and not joins and not self._grows:
            return replace(engine, correction=(slot,))
        if not joins and not permanent and engine.since < self._gap:
            return engine
        return replace(engine, dynamic=self._taken(engine.dynamic, slot, grid), since=0)

    def _taken(
        self, dynamic: tuple[Slot, ...], slot: Slot, grid: tuple[int, int]
    ) -> tuple[Slot, ...]:
        """Return the dynamic slot, or slots, with a frame in it."""
        if self._grows:
            return (slot, *(own for own in dynamic if own.t != slot.t))
        if not dynamic:
            return (slot,)
        with self._precision():
            memory = self.net.modulate(slot.memory, dynamic[0].memory, grid)
        return (Slot(slot.t, _single(memory)),)

    def _begin(self, t: int, frame: np.ndarray) -> State:
        canvas = self._canvas(*frame.shape[1:])
        return State(canvas, (), t, torch.zeros(canvas.inner, device=self.device), (), ())

    def _canvas(self, height: int, width: int) -> MavosCanvas:
        return MavosCanvas(height, width, self._size, aligned=self.net.aligned)

    def _predict(self, state: State, frame: np.ndarray) -> _Prediction:
        height, width = state.canvas.height, state.canvas.width
        if frame.shape[1:] != (height, width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were {(height, width)}: "
                "start a new tracker for another video."
            )
        found, traces = [], []
        with self._precision():
            seen = self.net.encode_image(state.canvas.image(frame, self.device))
            for own in state.now:
                propagated, trace = self.net.propagate(seen, own.read(), own.last.memory)
                logits = self.net.decode(seen, propagated, len(own.labels), (height, width))
                found.append(logits.float().softmax(0))
                traces.append(trace)
        if found:
            full = merged(found, [own.labels for own in state.now], state.labels)
        else:
            full = torch.ones(1, height, width, device=self.device)
        return _Prediction(frame, seen, traces, full)

    def _label_map(self, state: State, probabilities: Tensor, labels: tuple[int, ...]) -> Tensor:
        """Return (h, w) float32: the most probable label of each pixel, on the canvas."""
        found = torch.from_numpy(label_map(probabilities, labels, np.dtype(np.float32)))
        return state.canvas.masks(found[None].to(self.device))[0]

    def _made_with(self, canvas: MavosCanvas) -> str:
        """Return what must be the same where a memory is read, in words."""
        height, width = canvas.inner
        return (
            f"the encoder {self.net.encoder_name}, memory {self.memories[self._grows]}, frames of "
            f"{height} x {width} pixels"
        )

    def _precision(self) -> torch.autocast:
        """Compute in half precision, where that is wanted."""
        kind = self.device.type
        old_gpu = kind == "cuda" and not torch.cuda.is_bf16_supported()
        dtype = torch.float16 if old_gpu else torch.bfloat16
        return torch.autocast(kind, dtype, enabled=self._amp)


def _single(memory: Memory) -> Memory:
    """Return it in single precision."""
    return tuple(Tokens(*(each.float() for each in block)) for block in memory)


def _load(weights: Weights) -> MavosNet:
    """Return the network that published weights are of; what it does not know is left out."""
    state = read(weights, "mavos")
    try:
        make = partial(MavosNet, encoder_of(state))
    except KeyError:
        raise LazyVosError(
            "These weights are not MAVOS': they have none of its encoders, MobileNetV2, ResNet-50 "
            "and Swin-B."
        ) from None
    with torch.device("meta"):
        known = make().state_dict().keys()
    return build(make, {key: each for key, each in state.items() if key in known}, "mavos")
