"""A movie whose answer is known, a tracker that is quick, and a viewer with the widget docked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from napari.utils._proxies import ReadOnlyWrapper
from scipy import ndimage

from napari_lazyvos.refine.protocol import Refined

FRAMES, HEIGHT, WIDTH = 12, 48, 64
RADIUS = 6


def disc_centre(label: int, t: int) -> tuple[int, int]:
    """Two bright discs: one moves right, the other left."""
    return (14, 12 + 3 * t) if label == 1 else (34, 50 - 3 * t)


def truth(label: int, t: int) -> np.ndarray:
    y, x = disc_centre(label, t)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(rows - y, columns - x) <= RADIUS


@pytest.fixture
def movie() -> np.ndarray:
    """(12, 48, 64) uint8, two discs on a dark ground."""
    frames = np.full((FRAMES, HEIGHT, WIDTH), 30, np.uint8)
    for t in range(FRAMES):
        frames[t][truth(1, t)] = 220
        frames[t][truth(2, t)] = 170
    return frames


class BrightTracker:
    """Follows bright blobs: each object is the blob that overlaps its last mask most.

    It takes `seconds` for a frame, and fails on frame `fails_on`.
    """

    name = "bright"
    device = torch.device("cpu")

    def __init__(self, seconds: float = 0.0, fails_on: int | None = None) -> None:
        self.seconds = seconds
        self.fails_on = fails_on
        self._last: dict[int, torch.Tensor] = {}
        self._t = -1

    @property
    def labels(self) -> tuple[int, ...]:
        return tuple(self._last)

    @property
    def memory_frames(self) -> tuple[int, ...]:
        return (self._t,) if self._last else ()

    def step(self, frame: np.ndarray) -> torch.Tensor:
        time.sleep(self.seconds)
        if self._t + 1 == self.fails_on:
            raise RuntimeError("the blob has burst")
        blobs, _ = ndimage.label(frame[0] > 0.4)
        planes = [torch.from_numpy(self._follow(blobs, last)) for last in self._last.values()]
        objects = 0.9 * torch.stack(planes).float()
        return torch.cat([1 - objects.sum(dim=0, keepdim=True), objects])

    @staticmethod
    def _follow(blobs: np.ndarray, last: torch.Tensor) -> np.ndarray:
        counts = np.bincount(blobs[last.numpy()], minlength=2)
        counts[0] = 0
        return blobs == counts.argmax() if counts.any() else np.zeros(blobs.shape, bool)

    def commit(self, t, frame, probabilities, labels, *, permanent=False) -> None:
        self._t = t
        if probabilities is not None:
            for label, plane in zip(labels, probabilities[1:], strict=True):
                self._last[label] = plane > 0.5

    def forget(self, label: int) -> None:
        self._last.pop(label, None)

    def snapshot(self) -> dict:
        return {"t": self._t, "last": {k: v.clone() for k, v in self._last.items()}}

    def restore(self, snapshot: dict) -> None:
        self._t, self._last = snapshot["t"], {k: v.clone() for k, v in snapshot["last"].items()}


class DoubtingTracker(BrightTracker):
    """A `BrightTracker` that is unsure of some labels in some frames: ``{frame: {label, ...}}``."""

    name = "doubting"

    def __init__(self, doubts: dict[int, set[int]], seconds: float = 0.0) -> None:
        super().__init__(seconds)
        self.doubts = doubts

    def step(self, frame: np.ndarray) -> torch.Tensor:
        probabilities = super().step(frame)
        for label in self.doubts.get(self._t + 1, ()):
            row = 1 + self.labels.index(label)
            probabilities[row] *= 0.6
        probabilities[0] = 1 - probabilities[1:].sum(dim=0)
        return probabilities


class BrightRefiner:
    """Answers clicks with the bright blobs that they hit, less those that they exclude."""

    name = "bright"

    def embed(self, frame: np.ndarray) -> np.ndarray:
        return ndimage.label(frame[0] > 0.4)[0]

    def refine(self, embedding, clicks, previous=None) -> Refined:
        hit = [(embedding[round(c.y), round(c.x)], c.positive) for c in clicks]
        wanted = {blob for blob, positive in hit if positive and blob}
        wanted -= {blob for blob, positive in hit if not positive}
        mask = np.isin(embedding, list(wanted))
        return Refined(mask, mask.astype(np.float32))


@pytest.fixture
def bright() -> type[BrightTracker]:
    return BrightTracker


@pytest.fixture
def doubting() -> type[DoubtingTracker]:
    return DoubtingTracker


@pytest.fixture
def centre() -> Callable[[int, int], tuple[int, int]]:
    return disc_centre


@pytest.fixture
def true_mask() -> Callable[[int, int], np.ndarray]:
    return truth


@pytest.fixture
def viewer(make_napari_viewer_proxy, tmp_path, monkeypatch):
    """A viewer as plugins get it; results of movies without a file go to a temporary home."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return make_napari_viewer_proxy()


@pytest.fixture
def dock(viewer, qtbot) -> Callable[..., SimpleNamespace]:
    """Dock the widget, and bind a session to it.

    Returns what the tests talk to: viewer, widget, session, and `wait` for a condition.
    """

    def make(video, *, tracker=None, data=None, layer=None, **options):
        from napari_lazyvos.gui.widget import LazyWidget
        from napari_lazyvos.lazy.session import Session
        from napari_lazyvos.video import open_video

        image = viewer.add_image(video, name="discs", **(layer or {}))
        widget = LazyWidget(viewer)
        viewer.window.add_dock_widget(widget, name="lazy")
        opened = open_video(image, **(data or {}))
        options = {"tracker": tracker or BrightTracker(), "refiner": BrightRefiner()} | options
        session = Session(opened, **options)
        widget.adopt(session)
        desk = SimpleNamespace(
            viewer=viewer, widget=widget, session=session, image=image, qtbot=qtbot
        )
        desk.wait = lambda condition: wait(desk, condition)
        desk.wait(lambda: widget.session is not None)
        desk.layers = widget.binding.layers
        desk.quiet = lambda: desk.wait(lambda: is_quiet(widget))
        made.append(session)
        return desk

    made: list = []
    yield make
    for session in made:
        session.close()


@pytest.fixture
def press(MouseEvent) -> Callable[..., None]:  # noqa: N803 (napari's name)
    """Press and release the mouse at a place of a layer's data, as napari's canvas reports it."""
    from napari.utils.interactions import mouse_press_callbacks, mouse_release_callbacks

    def act(layer, place, *, button=1, modifiers=()):
        for kind, callbacks in (
            ("mouse_press", mouse_press_callbacks),
            ("mouse_release", mouse_release_callbacks),
        ):
            event = MouseEvent(
                type=kind,
                position=tuple(layer.data_to_world(place)),
                dims_displayed=[layer.ndim - 2, layer.ndim - 1],
                dims_point=list(layer.data_to_world(place)),
                pos=np.zeros(2),
                button=button,
            )
            event.modifiers = modifiers
            callbacks(layer, ReadOnlyWrapper(event, exceptions=("handled",)))

    return act


def wait(desk: SimpleNamespace, condition: Callable[[], bool]) -> None:
    def check() -> None:
        assert condition(), f"the widget says: {desk.widget.hint.text()}"

    desk.qtbot.waitUntil(check, timeout=10_000)


def is_quiet(widget) -> bool:
    """All that was asked for is done and shown."""
    binding = widget.binding
    return not binding.busy and binding.session is not None
