"""SimVOS (Wu, Yang, Wu & Chan 2023): one transformer over an object's first frame and the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.cache import weights_for
from napari_lazyvos.nets.simvos import SimVosNet, Sizes
from napari_lazyvos.nets.stm import aggregate
from napari_lazyvos.nets.weights import Weights, build, read
from napari_lazyvos.trackers.canvas import Canvas
from napari_lazyvos.trackers.protocol import Probabilities, Snapshot

__all__ = ["SimVosTracker"]

BS_LAYER_INDEX = 4
"""SimVOS-BS: the first blocks with within-frame attention."""

_UNUSED = ("cls_token", "pos_embed", "head.weight", "head.bias", "fc_norm.weight", "fc_norm.bias")
_REFINING = ("tlearner.", "tlearner_back.")  # in all published files, whether used or not


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered of one object."""

    annotated: tuple[int, ...]  # frames that stay: the one it began with, and permanent ones
    last: int  # the frame that was remembered last
    tokens: Mapping[int, Tensor]  # (M, C) of each of these frames

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], device: torch.device) -> Remembered:
        """Return what `pack` saved, on a device."""
        tokens = {t: each.to(device, copy=True) for t, each in packed["tokens"].items()}
        return cls(tuple(packed["annotated"]), packed["last"], tokens)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        tokens = {t: each.cpu().clone() for t, each in self.tokens.items()}
        return {"annotated": self.annotated, "last": self.last, "tokens": tokens}

    def read(self) -> Tensor:
        """Return (N * M, C): what a frame is looked at beside, of three frames at most.

        As published, the frame that the object began with and the last. Of others that a person
        annotated the nearest to the last joins them, so that many corrections do not slow a frame
        down. If the last is an annotated one, it is not read twice.
        """
        nearest = min(self.annotated, key=lambda t: abs(t - self.last))
        times = dict.fromkeys((self.annotated[0], nearest, self.last))
        return torch.cat([self.tokens[t] for t in times])

    def with_frame(self, t: int, tokens: Tensor, *, permanent: bool) -> Remembered:
        """Return it after one more frame, or after the same one again; the first one stays.

        What is predicted in an annotated frame does not take the annotation's place.
        """
        annotated = self.annotated
        if t in annotated and not permanent:
            return replace(self, last=t)
        if t not in annotated and (permanent or not annotated):
            annotated = (*annotated, t)
        stay = {each: self.tokens[each] for each in self.annotated}
        return Remembered(annotated, t, stay | {t: tokens})


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of a video."""

    canvas: Canvas
    objects: Mapping[int, Remembered]  # by label, in the order of the probabilities


@dataclass(frozen=True, slots=True)
class _Prediction:
    """What `step` computed, waiting for `commit`."""

    frame: np.ndarray
    embedded: Tensor  # (1, L, C)
    masks: Tensor  # (K, h, w), on the canvas
    full: Tensor  # (1 + K, H, W), at the video's size


class SimVosTracker:
    """Follow objects with SimVOS.

    A frame costs the same however long the video is: it is looked at beside two remembered frames
    of each object, or three if a person has annotated more than one; see `Remembered.read`. What
    is remembered of an object is its own: an object that is not named in a `commit` keeps what it
    has.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, such as ``simvos-b``, or a file. None means the
        installed ones.
    layer_index : int or None
        In so many blocks a token looks at its own frame only. None: what the weights were trained
        with, 4 for ``simvos-bs`` (which is told by its name, or that of its file) and 0 for others.
    use_token_learner : bool or None
        Whether a remembered frame is reduced to 384 tokens of each object and 384 of its
        background: faster, where frames have more than these. None: what the weights were trained
        with, as above.
    device : torch.device or None
        None is the CPU.
    size : int
        Frames with a longer short side are brought to it, in pixels; -1: they stay as they are.
    amp : bool or None
        Whether the network computes in half precision; None: on a CUDA device.

    Raises
    ------
    LazyVosError
        If the weights are not SimVOS', or an option is out of its range.
    """

    name = "simvos"
    memories: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        weights: Weights = None,
        layer_index: int | None = None,
        use_token_learner: bool | None = None,
        device: torch.device | None = None,
        size: int = 480,
        amp: bool | None = None,
    ) -> None:
        if size != -1 and size < 16:
            raise LazyVosError(f"size is {size}: give 16 or more pixels, or -1 for native size.")
        self.device = device or torch.device("cpu")
        self.net = _load(weights, layer_index, use_token_learner).to(self.device)
        self._size = size
        self._amp = self.device.type == "cuda" if amp is None else amp
        self._state: State | None = None
        self._waiting: _Prediction | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities."""
        return tuple(self._state.objects) if self._state else ()

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that are remembered, sorted."""
        objects = self._state.objects.values() if self._state else ()
        return tuple(sorted({t for each in objects for t in each.tokens}))

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
        if waiting is not None and waiting.frame is not frame:
            waiting = None
        self._state = state = self._state or self._begin(frame)
        if probabilities is None or not labels:
            return
        given = probabilities.to(self.device, torch.float32)
        masks = _merge(state, waiting, given, labels)
        embedded = self._look(state.canvas, frame) if waiting is None else waiting.embedded
        with self._precision():
            tokens = self.net.encode_memory(embedded, torch.stack([*masks.values()])).float()
        known, new = state.objects, Remembered((), t, {})
        named = {
            label: known.get(label, new).with_frame(t, own, permanent=permanent)
            for label, own in zip(masks, tokens, strict=True)
            if label in labels
        }
        self._state = replace(state, objects={**known, **named})

    def forget(self, label: int) -> None:
        """Remove an object from memory; what the others remember stays as it is."""
        state = self._state
        if state is None or label not in state.objects:
            return
        self._waiting = None
        objects = {other: each for other, each in state.objects.items() if other != label}
        self._state = replace(state, objects=objects)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        if (state := self._state) is None:
            return {}
        return {
            "video": (state.canvas.height, state.canvas.width),
            "made_with": self._made_with(state.canvas),
            "objects": {label: each.pack() for label, each in state.objects.items()},
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned.

        Raises
        ------
        LazyVosError
            If the network, or the size of frames, was another.
        """
        state = None
        if snapshot:
            height, width = snapshot["video"]
            canvas = Canvas(height, width, self._size)
            now, then = self._made_with(canvas), snapshot["made_with"]
            if now != then:
                raise LazyVosError(
                    f"What simvos remembers was made with {then}, and cannot be read with {now}: "
                    "load it with the weights and options of then, or start anew."
                )
            packed = snapshot["objects"].items()
            state = State(canvas, {k: Remembered.unpack(each, self.device) for k, each in packed})
        self._state, self._waiting = state, None

    def _begin(self, frame: np.ndarray) -> State:
        return State(Canvas(frame.shape[1], frame.shape[2], self._size), {})

    def _look(self, canvas: Canvas, frame: np.ndarray) -> Tensor:
        """Return the (1, L, C) tokens of a frame."""
        if frame.shape[1:] != (canvas.height, canvas.width):
            raise LazyVosError(
                f"The frame is {frame.shape[1:]}, the frames before were "
                f"{(canvas.height, canvas.width)}: start a new tracker for another video."
            )
        with self._precision():
            return self.net.embed(canvas.image(frame, self.device))

    def _predict(self, state: State, frame: np.ndarray) -> _Prediction:
        canvas, embedded = state.canvas, self._look(state.canvas, frame)
        if not state.objects:
            full = torch.ones(1, canvas.height, canvas.width, device=self.device)
            return _Prediction(frame, embedded, full[:0], full)
        with self._precision():
            query = self.net.within_frame(embedded)
            masks = [
                self.net.decode(each.read(), query, canvas.grid) for each in state.objects.values()
            ]
        probabilities = aggregate(torch.stack(masks))
        return _Prediction(frame, embedded, probabilities[1:], canvas.back(probabilities))

    def _made_with(self, canvas: Canvas) -> str:
        """Return what must be the same where a memory is read, in words."""
        net = self.net
        return (
            f"{net.sizes.depth} blocks of {net.sizes.width} channels, layer_index "
            f"{net.layer_index}, use_token_learner {net.refined}, frames of "
            f"{canvas.inner[0]} x {canvas.inner[1]} pixels"
        )

    def _precision(self) -> torch.autocast:
        """Compute in half precision, where that is wanted."""
        kind = self.device.type
        old_gpu = kind == "cuda" and not torch.cuda.is_bf16_supported()
        dtype = torch.float16 if old_gpu else torch.bfloat16
        return torch.autocast(kind, dtype, enabled=self._amp)


def _merge(
    state: State, waiting: _Prediction | None, given: Tensor, labels: tuple[int, ...]
) -> dict[int, Tensor]:
    """Return (h, w) masks by label: as given, and where nothing is given, as predicted.

    Those that are not named are not remembered; they tell where the others' background is.
    """
    known = tuple(state.objects)
    if waiting is not None and labels == known and torch.equal(given, waiting.full):
        return dict(zip(known, waiting.masks, strict=True))
    named = state.canvas.masks(given[1:])
    masks = dict(zip(labels, named, strict=True))
    if waiting is None:
        return masks
    elsewhere = named.sum(0) <= 0.5
    return dict(zip(known, waiting.masks * elsewhere, strict=True)) | masks


def _load(weights: Weights, layer_index: int | None, refined: bool | None) -> SimVosNet:
    """Return the network that published weights are of."""
    trained_refined = _are_of_bs(weights)
    state = read(weights, "simvos")
    try:
        sizes = Sizes.of(state)
    except KeyError as missing:
        raise LazyVosError(f"These weights are not SimVOS': {missing} is not among them.") from None
    if layer_index is None:
        layer_index = BS_LAYER_INDEX if trained_refined else 0
    if not 0 <= layer_index < sizes.depth:
        raise LazyVosError(f"layer_index is {layer_index}: give 0 to {sizes.depth - 1}.")
    refined = trained_refined if refined is None else refined
    used = {key: each for key, each in state.items() if key not in _UNUSED}
    if not refined:
        used = {key: each for key, each in used.items() if not key.startswith(_REFINING)}
    make = partial(SimVosNet, sizes, layer_index=layer_index, refined=refined)
    return build(make, used, "simvos")


def _are_of_bs(weights: Weights) -> bool:
    """Return whether weights are the authors' BS; the keys of all their files are the same."""
    if isinstance(weights, dict):
        return False
    file = weights_for("simvos") if weights is None else Path(weights)
    return file.stem.lower() == "simvos-bs"
