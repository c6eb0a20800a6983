"""XMem (Cheng & Schwing 2022): a sensory, a working and a long-term memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.memory.xmem import Limits, XMemMemory
from napari_lazyvos.nets.stm import aggregate
from napari_lazyvos.nets.weights import Weights, fill, read
from napari_lazyvos.nets.xmem import Key, Sizes, XMemNet
from napari_lazyvos.trackers.canvas import Canvas
from napari_lazyvos.trackers.dropout import Dropout
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["XMemTracker"]

CERTAIN = 0.99  # a 1 where less was predicted is not a mean of predictions


@dataclass(frozen=True, slots=True)
class _State:
    """What is known beside the working and the long-term memory."""

    canvas: Canvas
    labels: tuple[int, ...]
    hidden: Tensor  # (K, 64, h / 16, w / 16), the sensory memory
    last_memory: int  # the frame that was remembered last
    last_deep: int  # the one with the last deep update of the sensory memory

    def with_labels(self, labels: tuple[int, ...]) -> _State:
        """Return the state with objects that may be new; the sensory memory of such is zero."""
        new = tuple(label for label in labels if label not in self.labels)
        if not new:
            return self
        fresh = self.hidden.new_zeros(len(new), *self.hidden.shape[1:])
        return replace(self, labels=(*self.labels, *new), hidden=torch.cat([self.hidden, fresh]))

    def without(self, label: int) -> _State:
        """Return the state without an object."""
        kept = [n for n, other in enumerate(self.labels) if other != label]
        labels = tuple(self.labels[n] for n in kept)
        return replace(self, labels=labels, hidden=self.hidden[kept])

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "video": (self.canvas.height, self.canvas.width),
            "labels": self.labels,
            "hidden": self.hidden.cpu().clone(),
            "last_memory": self.last_memory,
            "last_deep": self.last_deep,
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], size: int, device: torch.device) -> _State:
        """Return the state that was packed, on a device."""
        own = dict(packed)
        height, width = own.pop("video")
        canvas = Canvas(height, width, size)
        hidden = own.pop("hidden").to(device, copy=True)
        return cls(canvas, tuple(own.pop("labels")), hidden, **own)


@dataclass(frozen=True, slots=True)
class _View:
    """One frame as the network sees it."""

    frame: np.ndarray
    image: Tensor  # (1, 3, h, w)
    key: Key

    @property
    def keys(self) -> Tensor:
        """What its places look like, (h * w / 256, 64)."""
        return _places(self.key.key[0])

    @property
    def selection(self) -> Tensor:
        """Which channels count for them, likewise."""
        return _places(self.key.selection[0])


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    view: _View
    masks: Tensor  # (K, h, w), on the canvas
    full: Tensor  # (1 + K, H, W), at the video's size
    hidden: Tensor  # the sensory memory after this frame
    usage: Tensor  # of the memory


class XMemTracker:
    """Follow objects with XMem.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, such as ``xmem-s2``, or a file. None means the
        installed ones.
    device : torch.device or None
        None is the CPU.
    size : int
        Frames with a longer short side are brought to it, in pixels; -1: they stay as they are.
    mem_every : int
        Every so many frames one is remembered.
    deep_update_every : int
        The sensory memory takes in what is remembered, after so many frames at the earliest; -1:
        each time, and the decoder leaves it alone in such frames.
    top_k : int
        A place reads so many places of the memory.
    enable_long_term, max_mid_term_frames, min_mid_term_frames, num_prototypes, \
    max_long_term_elements : see `Limits`
    memory_device : {"same", "cpu"}
        "cpu" keeps what is remembered off the GPU, and reads it there: slower, for long videos.
    amp : bool or None
        Whether the network computes in half precision; None: on a CUDA device.
    dropout, passes, seed : see `Dropout`; of `samples` alone

    Raises
    ------
    LazyVosError
        If the weights are not XMem's, or an option is out of its range.
    """

    name = "xmem"

    def __init__(
        self,
        *,
        weights: Weights = None,
        device: torch.device | None = None,
        size: int = 480,
        mem_every: int = 5,
        deep_update_every: int = -1,
        top_k: int = 30,
        enable_long_term: bool = True,
        max_mid_term_frames: int = 10,
        min_mid_term_frames: int = 5,
        num_prototypes: int = 128,
        max_long_term_elements: int = 10_000,
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
        self.device = device or torch.device("cpu")
        self.net = _load(weights).to(self.device)
        self._size = size
        self._mem_every, self._deep_every = mem_every, deep_update_every
        limits = Limits(
            top_k,
            enable_long_term,
            max_mid_term_frames,
            min_mid_term_frames,
            num_prototypes,
            max_long_term_elements,
        )
        self._memory = XMemMemory(
            limits, torch.device("cpu") if memory_device == "cpu" else self.device
        )
        self._amp = self.device.type == "cuda" if amp is None else amp
        self._dropout = Dropout(dropout, passes, seed)
        self._state: _State | None = None
        self._waiting: _Prediction | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return self._state.labels if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames in the working memory, sorted."""
        return tuple(sorted(self._memory.times))

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
        remembered = permanent or not own or abs(t - state.last_memory) >= self._mem_every
        deep = remembered and abs(t - state.last_deep) >= self._deep_every
        # A deep update takes the place of the decoder's, unless they have cadences of their own.
        state = self._pass(state, waiting, sense=not deep or self._deep_every >= 0)
        state = state.with_labels(labels)
        if remembered:
            named = labels if t in self._memory.times else state.labels
            state = self._remember(state, t, view, masks, named, permanent=permanent, deep=deep)
        self._state = state

    def forget(self, label: int) -> None:
        """Remove an object from memory; what the others remember stays as it is."""
        state = self._state
        if state is None or label not in state.labels:
            return
        self._waiting = None
        self._memory.forget(label)
        self._state = state.without(label)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        if self._state is None:
            return {}
        return {"state": self._state.pack(), "memory": self._memory.pack()}

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        self._waiting = self._state = None
        self._memory.clear()
        if snapshot:
            self._memory.unpack(snapshot["memory"])
            self._state = self._fitted(_State.unpack(snapshot["state"], self._size, self.device))

    def _fitted(self, state: _State) -> _State:
        """Bring a memory of frames that were looked at in another size to the present one."""
        rows, columns = state.hidden.shape[2:]
        before, after = (rows, columns), state.canvas.grid
        if before == after:
            return state
        self._memory.change_grid(before, after)
        hidden = F.interpolate(state.hidden, after, mode="bilinear", align_corners=False)
        return replace(state, hidden=hidden)

    def _begin(self, t: int, frame: np.ndarray) -> _State:
        canvas = Canvas(frame.shape[1], frame.shape[2], self._size)
        hidden = torch.zeros(0, self.net.sizes.hidden, *canvas.grid, device=self.device)
        return _State(canvas, (), hidden, t, t - max(0, self._deep_every))

    def _look(self, canvas: Canvas, frame: np.ndarray) -> _View:
        if frame.shape[1:] != (canvas.height, canvas.width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were "
                f"{(canvas.height, canvas.width)}: start a new tracker for another video."
            )
        image = canvas.image(frame, self.device)
        with self._precision():
            key = self.net.encode_key(image)
        compared = {name: getattr(key, name).float() for name in ("key", "shrinkage", "selection")}
        return _View(frame, image, replace(key, **compared))

    def _draw(self, state: _State, view: _View) -> Iterator[Probabilities]:
        for kept in self._dropout.draws(view.keys.shape[1], self.device):
            with torch.no_grad():
                full = self._predict(state, view, kept).full
            yield full

    def _predict(self, state: _State, view: _View, kept: Tensor | None = None) -> _Prediction:
        """Predict a frame; `kept` are (64,) factors of the channels of its query."""
        if not state.labels:
            full = torch.ones(1, *view.frame.shape[1:], device=self.device)
            return _Prediction(view, full[:0], full, state.hidden, full.new_zeros(0))
        keys = view.keys if kept is None else view.keys * kept
        found = self._memory.read(Query(keys, view.selection))
        readout = torch.stack([found.values[label] for label in state.labels])
        readout = readout.transpose(1, 2).reshape(len(readout), -1, *state.hidden.shape[2:])
        with self._precision():
            masks, hidden = self.net.decode(view.key, readout, state.hidden)
        probabilities = aggregate(masks)
        full = state.canvas.back(probabilities)
        return _Prediction(view, probabilities[1:], full, hidden.float(), found.usage)

    def _skip(self, state: _State, t: int, waiting: _Prediction | None) -> _State:
        """Go past a frame that shall not be remembered.

        It does not count: what is due is put off by one frame, as in Lazy-XMem. On a frame that
        was due for a deep update the sensory memory stays as it is.
        """
        due = abs(t - state.last_memory) >= self._mem_every
        deep = due and abs(t - state.last_deep) >= self._deep_every
        step = 1 if t >= state.last_memory else -1
        state = self._pass(state, waiting, sense=not deep or self._deep_every >= 0)
        return replace(
            state, last_memory=state.last_memory + step, last_deep=state.last_deep + step
        )

    def _pass(self, state: _State, waiting: _Prediction | None, *, sense: bool = True) -> _State:
        """Go past a frame: count what was read, and let the sensory memory go on."""
        if waiting is None:
            return state
        self._memory.note(waiting.usage)
        return replace(state, hidden=waiting.hidden) if sense else state

    def _remember(
        self,
        state: _State,
        t: int,
        view: _View,
        masks: Tensor,
        named: tuple[int, ...],
        *,
        permanent: bool,
        deep: bool,
    ) -> _State:
        """Add a frame to the memory; `masks` are on the canvas, in the order of all labels.

        Only of objects that are named anything is remembered.
        """
        with self._precision():
            value = self.net.encode_value(view.image, view.key, masks)
            hidden = self.net.refresh(state.hidden, value).float() if deep else state.hidden
        value = value.to(torch.float16 if self._amp and value.is_cuda else torch.float32)
        known = dict(zip(state.labels, value.flatten(2).transpose(1, 2), strict=True))
        cells = Cells.of_frame(
            view.keys,
            view.key.shrinkage.flatten(),
            view.selection,
            {label: known[label] for label in named},
        )
        self._memory.add(t, cells, permanent=permanent)
        last_deep = t if deep else state.last_deep
        return replace(state, hidden=hidden, last_memory=t, last_deep=last_deep)

    def _precision(self) -> torch.autocast:
        """Compute in half precision, where that is wanted."""
        kind = self.device.type
        old_gpu = kind == "cuda" and not torch.cuda.is_bf16_supported()
        dtype = torch.float16 if old_gpu else torch.bfloat16
        return torch.autocast(kind, dtype, enabled=self._amp)


def _load(weights: Weights) -> XMemNet:
    """Return the network that published weights are of."""
    state = read(weights, "xmem")
    try:
        sizes = Sizes.of(state)
    except KeyError as missing:
        raise LazyVosError(f"These weights are not XMem's: {missing} is not among them.") from None
    first = "value_encoder.conv1.weight"
    if first in state and state[first].shape[1] == 4:
        # Trained with one object, which has no others beside it.
        state = state | {first: F.pad(state[first], (0, 0, 0, 0, 0, 1))}
    return fill(XMemNet(sizes), state, "xmem")


def _merge(
    state: _State, waiting: _Prediction | None, given: Tensor, labels: tuple[int, ...]
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


def _places(features: Tensor) -> Tensor:
    """(C, h, w) to (h * w, C)."""
    return features.flatten(1).T.contiguous()
