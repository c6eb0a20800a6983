"""RITM (Sofiiuk, Petrov & Konushin 2022), the refiner of CiVOS.

The network sees clicks, as disks, and the mask so far beside the frame. Where there is no mask yet,
it looks at the whole frame; from then on at the neighbourhood of the object, as its authors do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import fmin_l_bfgs_b
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.ritm import disks, load
from napari_lazyvos.nets.weights import Weights
from napari_lazyvos.refine.protocol import Click, Refined, check_clicks

__all__ = ["RitmRefiner", "Window"]

# Of the neighbourhood of an object, as the authors evaluate.
TARGET = 400  # pixels that its longer side is brought to
EXPANSION = 1.4  # its side, in sides of the object's box
LEAST = 200  # pixels of the frame in its side
SAME = 0.5  # overlap with the one before, from which on that one stays
# Of a whole frame, pixels in its longer side; more would take too much memory.
LONGEST = 1024

# f-BRS-B (Sofiiuk et al. 2020), as the authors evaluate.
LIMIT = 8  # clicks that the network sees; the others are obeyed all the same
REGULAR, REGULAR_BIAS = 1e-3, 10.0  # weight of the change, and how much more that of the bias
LITTLE = 0.01  # 1 less the overlap of two masks, below which nothing more is to be had
CALLS, ITERATIONS, MEMORY, LEAST_GRADIENT = 20, 40, 20, 1e-8  # of L-BFGS-B

_BRS = ("none", "f-brs-b")


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a frame, in whole pixels, as the network sees it."""

    top: int
    left: int
    bottom: int  # beyond its last row
    right: int
    longest: int  # pixels of the network in its longer side

    @classmethod
    def whole(cls, height: int, width: int) -> Window:
        """Return a whole frame."""
        return cls(0, 0, height, width, min(max(height, width), LONGEST))

    @classmethod
    def around(cls, mask: np.ndarray, clicks: Sequence[Click]) -> Window:
        """Return the neighbourhood of an (H, W) bool mask, not empty, and of positive clicks."""
        spans = []
        for axis, length in enumerate(mask.shape):
            filled = np.flatnonzero(mask.any(axis=1 - axis))
            places = [round((click.y, click.x)[axis]) for click in clicks if click.positive]
            low, high = min([int(filled[0]), *places]), max([int(filled[-1]), *places])
            middle, half = (low + high) / 2, max(EXPANSION * (high - low + 1), LEAST) / 2
            spans.append((max(0, round(middle - half)), min(length, round(middle + half) + 1)))
        (top, bottom), (left, right) = spans
        return cls(top, left, bottom, right, TARGET)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels of the frame."""
        return self.bottom - self.top, self.right - self.left

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the network."""
        scale = self.longest / max(self.sides)
        height, width = (max(1, round(side * scale)) for side in self.sides)
        return height, width

    def holds(self, clicks: Sequence[Click]) -> bool:
        """Return whether all positive clicks are in it, off its last row and column."""
        return all(
            self.top <= click.y < self.bottom - 1 and self.left <= click.x < self.right - 1
            for click in clicks
            if click.positive
        )

    def overlap(self, other: Window) -> float:
        """Return the product of the overlaps in rows and columns, each by the span of both."""
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        columns = min(self.right, other.right) - max(self.left, other.left)
        height = max(self.bottom, other.bottom) - min(self.top, other.top)
        width = max(self.right, other.right) - min(self.left, other.left)
        return max(0, rows) / height * max(0, columns) / width

    def cut(self, image: Tensor) -> Tensor:
        """Return a (1, C, H, W) image as the network sees it."""
        return _resized(image[..., self.top : self.bottom, self.left : self.right], self.size)

    def paste(self, probability: Tensor, frame: tuple[int, int]) -> Tensor:
        """Return a (1, 1, h, w) probability in the frame, 0 around it."""
        inside = _resized(probability, self.sides)
        around = (self.left, frame[1] - self.right, self.top, frame[0] - self.bottom)
        return F.pad(inside, around)

    def places(self, clicks: Sequence[Click]) -> list[tuple[float, float, float]]:
        """Return clicks in pixels of the network: y, x, and 1 or -1 for a negative one."""
        y, x = (to / side for to, side in zip(self.size, self.sides, strict=True))
        return [
            ((click.y - self.top) * y, (click.x - self.left) * x, 1.0 if click.positive else -1.0)
            for click in clicks
        ]


@dataclass(frozen=True, slots=True)
class _Answer:
    probability: Tensor  # (1, 1, H, W)
    window: Window | None = None  # None where it is not known, or the whole frame
    change: np.ndarray | None = None  # (2 * C,) float64, what f-BRS changed


class RitmRefiner:
    """Answer clicks with RITM.

    Clicks correct the mask so far. If there is none, they are answered one after the other, each
    with the mask that those before it gave; so two clicks take twice as long as one. Where there
    is no mask yet, a frame whose longer side is above 1024 pixels is seen smaller.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, such as ``ritm-h18s``, or a file. None means the
        installed ones, ``ritm-h18s`` if they are there: those of CiVOS. Which of the networks
        they are of is seen from them.
    device : where the network computes; None is the CPU
    brs : {"none", "f-brs-b"}
        "f-brs-b": with two clicks or more, features are scaled and shifted until the mask agrees
        with all of them (f-BRS-B: Sofiiuk et al. 2020), or 20 attempts have been made.

    Raises
    ------
    LazyVosError
        If an option is unknown, or the weights are not RITM's.
    """

    name = "ritm"

    def __init__(
        self, *, weights: Weights = None, device: torch.device | None = None, brs: str = "none"
    ) -> None:
        if brs not in _BRS:
            raise LazyVosError(
                f"brs is {brs!r}, which ritm does not know: choose one of {', '.join(_BRS)}."
            )
        self._device = device or torch.device("cpu")
        self._net = load(weights).to(self._device)
        self._brs = brs == "f-brs-b"

    def embed(self, frame: np.ndarray) -> Tensor:
        """Return the (3, H, W) frame as (1, 3, H, W); NaN is 0. Clicks are seen with the image."""
        return torch.from_numpy(np.nan_to_num(frame).astype(np.float32))[None].to(self._device)

    @torch.no_grad()
    def refine(
        self, embedding: Tensor, clicks: Sequence[Click], previous: np.ndarray | None = None
    ) -> Refined:
        """Segment the one object that all the clicks are about; see `Refiner.refine`."""
        height, width = embedding.shape[-2:]
        check_clicks(clicks, height, width)
        answer, begin = None, 1 + [click.positive for click in clicks].index(True)
        if previous is not None and (np.asarray(previous) >= 0.5).any():
            before = torch.from_numpy(np.asarray(previous, np.float32))[None, None]
            answer, begin = _Answer(before.to(self._device)), len(clicks)
        for count in range(begin, len(clicks) + 1):
            answer = self._answer(embedding, clicks[:count], answer)
        assert answer is not None
        probability = answer.probability[0, 0].cpu().numpy()
        return Refined(probability >= 0.5, probability)

    def _answer(self, image: Tensor, clicks: Sequence[Click], last: _Answer | None) -> _Answer:
        """Answer clicks, of which all but the latest have been answered before."""
        frame = (image.shape[2], image.shape[3])
        near = None if last is None else _near(last, clicks)
        window = near or Window.whole(*frame)
        before = image.new_zeros(1, 1, *frame) if last is None else last.probability
        seen = window.cut(torch.cat([image, before], 1))
        both = torch.cat([seen, seen.flip(3)])
        known = self._places(window, clicks[:LIMIT] if self._brs else clicks)
        features = self._net.features(both[:, :3], disks(known, window.size), both[:, 3:])
        if self._brs and len(clicks) > 1:
            squares = _squares(self._places(window, clicks), window.size)
            search = _Search(lambda x: self._net.logits(x, window.size), features, squares)
            logits, change = search.run(None if last is None else last.change)
        else:
            logits, change = self._net.logits(features, window.size), None
        mean = (logits[:1] + logits[1:].flip(3)) / 2
        return _Answer(window.paste(mean.sigmoid(), frame), near, change)

    def _places(self, window: Window, clicks: Sequence[Click]) -> Tensor:
        """Return clicks in pixels of the network, as `disks` takes them, and flipped: (2, N, 3)."""
        places = torch.tensor(window.places(clicks), device=self._device)
        flipped = places.clone()
        flipped[:, 1] = window.size[1] - 1 - places[:, 1]
        return torch.stack([places, flipped])


class _Search:
    """Looks for a scale and a shift of features with which the mask agrees with clicks.

    Parameters
    ----------
    head : makes (B, 1, h, w) logits of features
    features : (B, C, ...) float tensor
    squares : (B, 2, h, w) float tensor, 1 where the object must be, and where it must not be
    """

    def __init__(self, head: Callable[[Tensor], Tensor], features: Tensor, squares: Tensor) -> None:
        self._head, self._features = head, features
        self._wanted, self._unwanted = squares[:, :1], squares[:, 1:]
        self._best: tuple[float, Tensor] | None = None  # loss and logits
        self._mask: Tensor | None = None  # (B, 1, h, w) bool, of the call before

    def run(self, start: np.ndarray | None) -> tuple[Tensor, np.ndarray]:
        """Return the logits that cost least, and the change at which the search ended."""
        channels = self._features.shape[1]
        begin = np.zeros(2 * channels) if start is None else start
        change, _, _ = fmin_l_bfgs_b(
            self._cost,
            begin,
            m=MEMORY,
            factr=0,
            pgtol=LEAST_GRADIENT,
            maxfun=CALLS,
            maxiter=ITERATIONS,
        )
        assert self._best is not None
        return self._best[1], change

    def _cost(self, change: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss of f-BRS and its gradient, which is 0 where the search is to end."""
        change_now = torch.from_numpy(change).float().to(self._features.device).requires_grad_()
        with torch.enable_grad():
            scale, bias = change_now.view(2, -1, 1, 1)
            logits = self._head(self._features * (1 + scale) + bias)
            probability = logits.sigmoid()
            missed, spilled = (1 - probability) * self._wanted, probability * self._unwanted
            loss = _mean_square(missed, self._wanted) + _mean_square(spilled, self._unwanted)
            size = scale.square().sum() + REGULAR_BIAS * bias.square().sum()
            loss = loss + REGULAR * size
        if self._best is None or loss.item() < self._best[0]:
            self._best = loss.item(), logits.detach()
        agrees = max(missed.max().item(), spilled.max().item()) < 0.5
        if agrees or self._settled(probability > 0.5):
            return loss.item(), np.zeros_like(change)
        (gradient,) = torch.autograd.grad(loss, change_now)
        return loss.item(), gradient.cpu().numpy().astype(np.float64)

    def _settled(self, mask: Tensor) -> bool:
        """Return whether a mask is nearly the one before, which it replaces."""
        before, self._mask = self._mask, mask
        if before is None:
            return False
        both, either = (x.sum((1, 2, 3)) for x in (mask & before, mask | before))
        there = either > 0
        return bool(there.any()) and float((both / either)[there].mean()) > 1 - LITTLE


def _near(last: _Answer, clicks: Sequence[Click]) -> Window | None:
    """Return the neighbourhood of the object, the one before if it will do; None without a mask."""
    mask = (last.probability[0, 0] >= 0.5).cpu().numpy()
    if not mask.any():
        return None
    new, old = Window.around(mask, clicks), last.window
    stays = old is not None and old.holds(clicks) and new.overlap(old) >= SAME
    return old if stays else new


def _squares(places: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (B, 2, h, w): 1 in 3 x 3 pixels round positive, and round negative clicks.

    Parameters
    ----------
    places : (B, N, 3) float tensor; see `disks`
    size : h and w
    """
    squares = places.new_zeros(len(places), 2, *size)
    for image, clicks in zip(squares, places.tolist(), strict=True):
        for y, x, kind in clicks:
            top, left = round(y) - 1, round(x) - 1
            within = (slice(max(0, top), max(0, top + 3)), slice(max(0, left), max(0, left + 3)))
            image[0 if kind > 0 else 1][within] = 1
    return squares


def _mean_square(x: Tensor, within: Tensor) -> Tensor:
    return x.square().sum() / (within.sum() + 1e-5)  # 0 where there are no such clicks


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    if image.shape[-2:] == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=True)
