"""A movie whose answer is known by eye, and a tracker and refiner that can be followed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_lazyvos.refine import Click, Refined, check_clicks

SIZE = 24
FRAMES = 12


class SquareRefiner:
    """The mask of a click is the 5 x 5 square around it; negative clicks cut theirs out.

    It believes what a person says, and not what a mask implies.
    """

    name = "square"

    def embed(self, frame: np.ndarray) -> tuple[int, int]:
        return frame.shape[1], frame.shape[2]

    def refine(
        self, embedding: tuple[int, int], clicks: list[Click], previous: np.ndarray | None = None
    ) -> Refined:
        check_clicks(clicks, *embedding)
        mask = np.zeros(embedding, bool)
        for positive in (True, False):
            for click in clicks:
                if click.positive == positive and not click.implied:
                    mask[square(click.y, click.x)] = positive
        return Refined(mask, mask.astype(np.float32))


def square(y: float, x: float) -> tuple[slice, slice]:
    y, x = round(y), round(x)
    return slice(max(0, y - 2), y + 3), slice(max(0, x - 2), x + 3)


class RightwardTracker:
    """Says that every object moves one pixel to the right per frame; remembers the last frame.

    `sure` is the probability that it gives to its answer, per frame, or per frame and object.
    """

    name = "rightward"
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.labels: tuple[int, ...] = ()
        self.sure: dict[int | tuple[int, int], float] = {}
        self.fails_at: int | None = None
        self.commits: list[tuple[int, bool]] = []  # (frame, permanent)
        self.remembered: dict[int, tuple[int, ...]] = {}  # frame -> labels
        self._masks: dict[int, torch.Tensor] = {}
        self._t = -1
        self._direction = 1

    @property
    def memory_frames(self) -> tuple[int, ...]:
        return (self._t,) if self._masks else ()

    def step(self, frame: np.ndarray) -> torch.Tensor:
        assert self._masks, "step before the first commit"
        t = round(float(frame.max()) * 255) - 1  # the movie's frames are as bright as t + 1
        if t == self.fails_at:
            raise RuntimeError("out of memory")
        shift = t - self._t
        surely = self.sure.get(t, 0.99)
        objects = [
            torch.roll(self._masks[label], shift, dims=1) * self.sure.get((t, label), surely)
            for label in self.labels
        ]
        probabilities = torch.stack(objects)
        background = 1 - probabilities.sum(dim=0, keepdim=True).clamp(max=1)
        return torch.cat([background, probabilities])

    def commit(
        self,
        t: int,
        frame: np.ndarray,
        probabilities: torch.Tensor | None,
        labels: tuple[int, ...],
        *,
        permanent: bool = False,
    ) -> None:
        self.commits.append((t, permanent))
        self.remembered[t] = () if probabilities is None else labels
        if probabilities is None:
            return
        self._t = t
        for i, label in enumerate(labels):
            self._masks[label] = (probabilities.argmax(dim=0) == i + 1).float()
        self.labels = tuple(self._masks)

    def forget(self, label: int) -> None:
        del self._masks[label]
        self.labels = tuple(self._masks)

    def snapshot(self) -> dict[str, Any]:
        return {"t": self._t, "masks": {k: v.clone() for k, v in self._masks.items()}}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._t = snapshot["t"]
        self._masks = {label: mask.clone() for label, mask in snapshot["masks"].items()}
        self.labels = tuple(self._masks)


@pytest.fixture
def movie() -> np.ndarray:
    """(12, 24, 24) uint8; frame t is grey of brightness t + 1."""
    return np.broadcast_to(
        np.arange(1, FRAMES + 1, dtype=np.uint8)[:, None, None], (FRAMES, SIZE, SIZE)
    ).copy()


@pytest.fixture
def tracker() -> RightwardTracker:
    return RightwardTracker()


@pytest.fixture
def refiner() -> SquareRefiner:
    return SquareRefiner()
