"""The part of a tracker that is the same for all that match frames with a memory of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.bank import Bank
from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.keeping import Keeping
from napari_lazyvos.memory.reading import similarity
from napari_lazyvos.memory.table import Readout
from napari_lazyvos.memory.xmem import Limits, XMemMemory
from napari_lazyvos.nets.stm import aggregate
from napari_lazyvos.trackers.canvas import Canvas
from napari_lazyvos.trackers.dropout import Dropout
from napari_lazyvos.trackers.encodings import Encodings
from napari_lazyvos.trackers.matching.method import Method, View
from napari_lazyvos.trackers.matching.state import Carried, State
from napari_lazyvos.trackers.protocol import Probabilities, RememberedFrame, Snapshot
from napari_lazyvos.trackers.remembered import check_remembered

__all__ = ["MatchingTracker"]

CERTAIN = 0.99  # a 1 where less was predicted is not a mean of predictions


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    view: View
    masks: Tensor  # (K, h, w), on the canvas
    full: Tensor  # (1 + K, H, W), at the video's size
    carried: Carried  # after this frame
    found: Mapping[int, Readout]  # in the memory


class MatchingTracker(Method):
    """Follow objects by looking up the places of a frame in a memory of frames.

    What a method says of itself comes first, and then its options, by their names.

    Parameters
    ----------
    net : nn.Module
    limits : Limits
        Of XMem's memory; their `top_k` is that of any.
    every : int
        The method's own cadence: every so many frames one is offered to the memory.
    reads_last : bool
        The method's own `adjacent`.
    memory, memory_size, readmem_preset, readmem_bound, readmem_similarity, readmem_align, \
    readmem_initialisation, readmem_diversify, readmem_strict, readmem_rounding, \
    readmem_align_filling : see `Keeping`
    adjacent : bool or None
        Whether the frame that was passed last is read, too, and not counted; see `Bank`. None: as
        the method does with this memory.
    sampling_interval : int or None
        Another cadence in place of the method's own; READMem has 10.
    device : torch.device or None
        None is the CPU.
    size : int
        Frames with a longer short side are brought to it, in pixels; -1: they stay as they are.
    memory_device : {"same", "cpu"}
        "cpu" keeps what is remembered off the GPU, and reads it there: slower, for long videos.
    amp : bool or None
        Whether the network computes in half precision; None: on a CUDA device.
    dropout, passes, seed : see `Dropout`; of `samples` alone

    Raises
    ------
    LazyVosError
        If an option is out of its range, or the method has no such memory.
    """

    def __init__(
        self,
        net: nn.Module,
        limits: Limits,
        every: int,
        reads_last: bool,
        /,
        *,
        memory: str,
        memory_size: int | None = None,
        sampling_interval: int | None = None,
        readmem_preset: str = "thesis",
        readmem_bound: float | None = 0.5,
        readmem_similarity: str = "cosine",
        readmem_align: str = "affinity",
        readmem_initialisation: str = "stream",
        readmem_diversify: bool = True,
        readmem_strict: bool | None = None,
        readmem_rounding: int | None = None,
        readmem_align_filling: bool | None = None,
        adjacent: bool | None = None,
        device: torch.device | None = None,
        size: int = 480,
        memory_device: str = "same",
        amp: bool | None = None,
        dropout: float = 0.2,
        passes: int = 20,
        seed: int = 0,
    ) -> None:
        if memory_device not in ("same", "cpu"):
            raise LazyVosError(f"memory_device is {memory_device!r}: choose same or cpu.")
        if size != -1 and size < 16:
            raise LazyVosError(f"size is {size}: give 16 or more pixels, or -1 for native size.")
        if sampling_interval is not None and sampling_interval < 1:
            raise LazyVosError(f"sampling_interval is {sampling_interval}: give 1 frame or more.")
        self._keeping = Keeping(
            memory,
            memory_size,
            readmem_preset,
            readmem_bound,
            readmem_similarity,
            readmem_align,
            readmem_initialisation,
            readmem_diversify,
            readmem_strict,
            readmem_rounding,
            readmem_align_filling,
        )
        self._keeping.check(self.name, self.memories)
        self.device = device or torch.device("cpu")
        self.net: Any = net.to(self.device)
        self._size = size
        self._every = sampling_interval or every
        place = torch.device("cpu") if memory_device == "cpu" else self.device
        held = reads_last if adjacent is None else adjacent
        self._bank = self._make_bank(limits, place, adjacent=held)
        self._amp = self.device.type == "cuda" if amp is None else amp
        self._dropout = Dropout(dropout, passes, seed)
        self.encodings: Encodings | None = None
        self._state: State | None = None
        self._waiting: _Prediction | None = None

    def _offer(
        self,
        t: int,
        cells: Mapping[int, Cells],
        given: Probabilities,
        labels: tuple[int, ...],
        *,
        permanent: bool,
    ) -> bool:
        """Offer a frame to the memory, and return whether it counts for the cadence.

        Parameters
        ----------
        t, cells, permanent : see `Bank.add`
        given : (1 + len(labels), H, W) float32 tensor
        """
        self._bank.add(t, cells, permanent=permanent)
        return True

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._state.labels if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that stay in memory as they are, sorted."""
        return tuple(sorted(self._bank.times))

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """The frames that stay in memory as they are; see `RememberingTracker.remembered`."""
        permanent = frozenset(self._bank.permanent)
        return tuple(RememberedFrame(t, t in permanent) for t in self.memory_frames)

    @property
    def diversity(self) -> float | None:
        """How diverse the memory is; see `RememberingTracker.diversity`."""
        return self._bank.diversity

    @torch.no_grad()
    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame; see `Tracker.step`."""
        state = self._state
        if state is None:
            raise LazyVosError("The tracker remembers nothing yet: commit a first mask before.")
        self._waiting = self._predict(state, self._look(state.canvas, frame))
        return self._waiting.full.clone()

    def samples(self) -> Iterator[Probabilities]:
        """Yield predictions with channels of the query dropped; see `SamplingTracker.samples`.

        Monte-Carlo dropout (Lazy-XMem, thesis sec. 6.8.3). Features are encoded once: only what
        follows the key projection is computed anew.
        """
        if self._state is None or self._waiting is None:
            raise LazyVosError("There is nothing to sample: predict a frame with step before.")
        return self._draw(self._state, self._waiting.view)

    @torch.no_grad()
    def attend(self, t: int, label: int, maps: np.ndarray) -> Tensor:
        """Bring what is marked in a frame to where it is now; see `AttendingTracker.attend`.

        Each place takes the mean of the marks, weighted by the affinity with all places of that
        frame (MiVOS, sec. 4.3).
        """
        state, waiting = self._state, self._waiting
        if state is None or waiting is None:
            raise LazyVosError("There is nothing to attend from: predict a frame with step before.")
        marks = torch.from_numpy(maps).to(self.device)
        keys = self._bank.cells(t, label)
        if keys is None:
            return torch.zeros_like(marks)
        query = self._query(waiting.view.seen).to(keys.keys.device)
        table = similarity(keys.keys, keys.shrinkage, query, dot=self.dot)
        small = F.avg_pool2d(state.canvas.masks(marks), state.canvas.stride)
        here = table.softmax(1).to(self.device) @ small.flatten(1).T
        there = here.T.reshape(1, len(maps), *state.canvas.grid)
        larger = F.interpolate(
            there, scale_factor=state.canvas.stride, mode="bilinear", align_corners=False
        )
        return state.canvas.back(larger[0])

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
        if waiting is not None and waiting.view.frame is not frame:
            waiting = None
        state = self._state or self._begin(t, frame)
        if probabilities is None:
            self._state = self._skip(state, t, waiting)
            return
        given = probabilities.to(self.device, torch.float32)
        if waiting is None and set(state.labels) - set(labels):
            waiting = self._predict(state, self._look(state.canvas, frame))
        view = self._look(state.canvas, frame) if waiting is None else waiting.view
        own = waiting is not None and labels == state.labels
        if own and waiting is not None and torch.equal(given, waiting.full):
            masks = waiting.masks
        else:
            masks = _merge(state, waiting, given, labels)
            own = own and waiting is not None and not _replaces(given, waiting.full)
        offered = permanent or not own or self._is_due(state, t)
        state = self._pass(state, t, waiting, offered=offered).with_labels(labels)
        if state.labels and (offered or self._bank.adjacent):
            cells, carried = self._remembered(state, t, view, masks, labels)
            state = replace(state, carried=carried)
            if not offered:
                self._bank.hold(t, cells)
            elif self._offer(t, cells, given, labels, permanent=permanent):
                state = replace(state, last_memory=t)
        self._state = state

    def forget(self, label: int) -> None:
        """Remove an object from memory; what the others remember stays as it is."""
        state = self._state
        if state is None or label not in state.labels:
            return
        self._waiting = None
        self._bank.forget(label)
        self._state = state.without(label)

    def forget_frame(self, t: int) -> None:
        """Remove one frame from memory; see `RememberingTracker.forget_frame`."""
        check_remembered(t, self.remembered)
        self._waiting = None
        self._bank.drop(t)

    def keep_frame(self, t: int) -> None:
        """Make one frame permanent; see `RememberingTracker.keep_frame`."""
        check_remembered(t, self.remembered)
        self._bank.keep(t)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        if self._state is None:
            return {}
        return {
            "state": self._state.pack(),
            "memory": self._bank.pack(),
            "keeping": asdict(self._keeping),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned, also one of another kind or size."""
        self._waiting = self._state = None
        self._bank.clear()
        if not snapshot:
            return
        packed = snapshot["state"]
        anew = snapshot["keeping"] != asdict(self._keeping)
        self._bank.unpack(snapshot["memory"], anew=anew)
        state = State.unpack(packed, self._unpack(packed["carried"]), self._size)
        before, after = tuple(packed["grid"]), state.canvas.grid
        if before != after:
            self._bank.change_grid(before, after)
        self._state = state

    def _make_bank(self, limits: Limits, device: torch.device, *, adjacent: bool) -> Bank:
        if self._keeping.memory == "xmem":
            return XMemMemory(limits, device, adjacent=adjacent)
        rule = self._keeping.rule("dot" if self.dot else "l2")
        return Bank(device, top_k=limits.top_k, dot=self.dot, rule=rule, adjacent=adjacent)

    def _begin(self, t: int, frame: np.ndarray) -> State:
        canvas = Canvas(frame.shape[1], frame.shape[2], self._size)
        return State(canvas, (), t, self._fresh(t, canvas.grid))

    def _look(self, canvas: Canvas, frame: np.ndarray) -> View:
        if frame.shape[1:] != (canvas.height, canvas.width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were "
                f"{(canvas.height, canvas.width)}: start a new tracker for another video."
            )
        image = canvas.image(frame, self.device)

        def see() -> Any:
            with self._precision():
                return self._see(image)

        seen = see() if self.encodings is None else self.encodings.get((frame,), see)
        return View(frame, image, seen)

    def _draw(self, state: State, view: View) -> Iterator[Probabilities]:
        channels = self._query(view.seen).key.shape[1]
        for kept in self._dropout.draws(channels, self.device):
            with torch.no_grad():
                full = self._predict(state, view, kept).full
            yield full

    def _predict(self, state: State, view: View, kept: Tensor | None = None) -> _Prediction:
        """Predict a frame; `kept` are (D,) factors of the channels of its query."""
        if not state.labels:
            full = torch.ones(1, *view.frame.shape[1:], device=self.device)
            return _Prediction(view, full[:0], full, state.carried, {})
        query = self._query(view.seen)
        if kept is not None:
            query = replace(query, key=query.key * kept)
        found = self._bank.read(query)
        values = {label: each for one in found.values() for label, each in one.values.items()}
        readout = torch.stack([values[label] for label in state.labels]).transpose(1, 2)
        readout = readout.reshape(len(readout), -1, *state.canvas.grid)
        with self._precision():
            masks, carried = self._decode(view.seen, readout, state.carried)
        probabilities = aggregate(masks)
        full = state.canvas.back(probabilities)
        return _Prediction(view, probabilities[1:], full, carried, found)

    def _is_due(self, state: State, t: int) -> bool:
        return abs(t - state.last_memory) >= self._every

    def _skip(self, state: State, t: int, waiting: _Prediction | None) -> State:
        """Go past a frame that shall not be remembered.

        It does not count: what is due is put off by one frame, as in Lazy-XMem.
        """
        state = self._pass(state, t, waiting, offered=self._is_due(state, t))
        return state.put_off(1 if t >= state.last_memory else -1)

    def _pass(self, state: State, t: int, waiting: _Prediction | None, *, offered: bool) -> State:
        """Go past a frame: count what was read, and carry on what goes along."""
        if waiting is None:
            return state
        self._bank.note(waiting.found)
        carried = self._go_on(state.carried, waiting.carried, t, offered=offered)
        return replace(state, carried=carried)

    def _remembered(
        self, state: State, t: int, view: View, masks: Tensor, labels: tuple[int, ...]
    ) -> tuple[dict[int, Cells], Carried]:
        """Return what is to be remembered of a frame, by owner, and what is carried on.

        Of a frame that is in memory already, only what is new of the objects that are named.

        Parameters
        ----------
        masks : (K, h, w), on the canvas, in the order of all labels
        labels : those that are named
        """
        with self._precision():
            cells, carried = self._encode(view, masks, state.labels, state.carried, t)
        if t in self._bank.times:
            for label in set(state.labels).difference(labels):
                cells = {owner: each.without(label) for owner, each in cells.items()}
        return {owner: each for owner, each in cells.items() if each.known}, carried

    def _values(self, values: Tensor, labels: tuple[int, ...]) -> dict[int, Tensor]:
        """Return (K, C, h, w) values of objects as (h * w, C) by label."""
        values = values.to(torch.float16 if self._amp and values.is_cuda else torch.float32)
        return dict(zip(labels, values.flatten(2).transpose(1, 2), strict=True))

    def _precision(self) -> torch.autocast:
        """Compute in half precision, where that is wanted."""
        kind = self.device.type
        old_gpu = kind == "cuda" and not torch.cuda.is_bf16_supported()
        dtype = torch.float16 if old_gpu else torch.bfloat16
        return torch.autocast(kind, dtype, enabled=self._amp)


def _merge(
    state: State, waiting: _Prediction | None, given: Tensor, labels: tuple[int, ...]
) -> Tensor:
    """Return (K, h, w) masks of known and new objects: as given, else as predicted elsewhere."""
    masks = dict(zip(labels, state.canvas.masks(given[1:]), strict=True))
    if waiting is not None:
        elsewhere = torch.stack([*masks.values()]).sum(0) <= 0.5
        predicted = dict(zip(state.labels, waiting.masks * elsewhere, strict=True))
        masks = predicted | masks
    return aggregate(torch.stack([masks[label] for label in state.with_labels(labels).labels]))[1:]


def _replaces(given: Tensor, predicted: Tensor) -> bool:
    """Return whether masks replace a prediction, and are not another one, such as a mean."""
    return bool(((given == 1) & (predicted < CERTAIN)).any())
