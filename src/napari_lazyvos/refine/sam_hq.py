"""SAM-HQ (Ke et al. 2023), the refiner of Lazy-XMem; it needs the extra sam.

The network sees 1024 x 1024 pixels. A frame is brought to that size as a whole; where it is larger
and the object in it small, the neighbourhood of the object is looked at once more, closer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.sam_hq import PROMPT, SIDE, Features, SamHq
from napari_lazyvos.nets.weights import Weights
from napari_lazyvos.refine.protocol import Click, Refined, check_clicks

__all__ = ["SamHqRefiner"]

CLOSER = 1.5  # times finer than the whole frame a crop must be seen, or it is not worth its time
SMALL = 1 / 8  # of the frame's longer side: the extent below which an object is looked at closer
ROOM = 1.5  # least side of a crop, in extents of the object
GRID = 1 / 4  # of a crop's side: crops begin there, so that the next click finds the same crop
CROPS_KEPT = 2  # for a frame; one is 12 MB
CUT = 1 / 64  # of the side of a crop: a mask that meets its border over more goes on beyond it
SURE = 1e-3  # away from 0 and 1 the mask so far is taken to be, where it is a prompt

_CROP = ("auto", "never", "always")
_GEOMETRY = ("aspect", "squash")


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a frame, in whole pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Where it is in an (H, W) image."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    def holds(self, click: Click) -> bool:
        """Return whether a click is on one of its pixels."""
        y, x = round(click.y) - self.top, round(click.x) - self.left
        return 0 <= y < self.height and 0 <= x < self.width

    def cuts(self, mask: np.ndarray) -> bool:
        """Return whether an (H, W) bool mask of the frame, 0 around the window, seems cut by it."""
        height, width = mask.shape
        inside = mask[self.place]
        borders = (
            (self.top > 0, inside[0]),
            (self.left > 0, inside[:, 0]),
            (self.top + self.height < height, inside[-1]),
            (self.left + self.width < width, inside[:, -1]),
        )
        return any(within and border.mean() > CUT for within, border in borders)


@dataclass(frozen=True, slots=True)
class _View:
    """A window as the network saw it."""

    window: Window
    inner: tuple[int, int]  # height and width that it was brought to, at most `SIDE`
    features: Features


@dataclass(slots=True)
class _Looked:
    """What is known of a frame before any click, and the crops that clicks asked for."""

    picture: np.ndarray  # (H, W, 3) uint8
    whole: _View
    crops: OrderedDict[Window, _View] = field(default_factory=OrderedDict)  # the latest last


class SamHqRefiner:
    """Answer clicks with SAM-HQ.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, such as ``sam_hq_vit_b``, or a file. None means the
        installed ones, ``sam_hq_vit_tiny`` if they are there: those are for a CPU. Lazy-XMem used
        ``sam_hq_vit_l``. Which of the four networks they are of is seen from them.
    device : where the network computes; None is the CPU
    hq_token_only : bool
        The mask is that of the HQ token, as in Lazy-XMem; else SAM's own mask is added to it.
    multimask : bool
        SAM's own mask is the likeliest of three, else the single one; of no effect with
        `hq_token_only`.
    mask_prompt : bool
        Show the network the mask so far. Lazy-XMem does not; its authors saw no gain.
    crop : {"auto", "never", "always"}
        Whether the neighbourhood of an object is looked at once more: a square of 1024 pixels, or
        twice, four times, ... as many, in frames with a longer side of at least 1.5 times that.
        "auto": where the object is small. Its mask so far (if there is none, the answer for the
        whole frame) and the positive clicks extend over less than an eighth of the longer side.
        "always": however large it is. An answer that goes on beyond its crop is dropped for that
        of the whole frame.
    geometry : {"aspect", "squash"}
        How a frame is brought to the network's size: "aspect" scales it and pads it, as SAM was
        trained; "squash" makes it square, as the published evaluation of Lazy-XMem did.

    Raises
    ------
    LazyVosError
        If an option is unknown, the extra sam is not installed, or the weights do not fit.
    """

    name = "sam_hq"

    def __init__(
        self,
        *,
        weights: Weights = None,
        device: torch.device | None = None,
        hq_token_only: bool = True,
        multimask: bool = True,
        mask_prompt: bool = False,
        crop: str = "auto",
        geometry: str = "aspect",
    ) -> None:
        for option, given, known in (("crop", crop, _CROP), ("geometry", geometry, _GEOMETRY)):
            if given not in known:
                raise LazyVosError(
                    f"{option} is {given!r}, which sam_hq does not know: choose one of "
                    f"{', '.join(known)}."
                )
        self._net = SamHq(weights, device or torch.device("cpu"))
        self._tokens = {"hq_token_only": hq_token_only, "multimask": multimask}
        self._mask_prompt, self._crop, self._geometry = mask_prompt, crop, geometry

    def embed(self, frame: np.ndarray) -> _Looked:
        """Encode a (3, H, W) float32 frame in [0, 1]; NaN is 0. See `Refiner.embed`."""
        levels = frame * np.float32(255)
        levels += 0.5
        np.fmax(levels, 0, out=levels)  # the number where the other is NaN
        np.fmin(levels, 255, out=levels)
        picture = np.ascontiguousarray(levels.astype(np.uint8).transpose(1, 2, 0))
        return _Looked(picture, self._look(picture, Window(0, 0, *picture.shape[:2])))

    def refine(
        self, embedding: _Looked, clicks: Sequence[Click], previous: np.ndarray | None = None
    ) -> Refined:
        """Segment the one object that all the clicks are about; see `Refiner.refine`."""
        height, width = embedding.picture.shape[:2]
        check_clicks(clicks, height, width)
        before = None if previous is None else np.asarray(previous, np.float32)
        if before is not None and not (before >= 0.5).any():
            before = None
        known = before
        if known is None:
            known = self._answer(embedding, embedding.whole, clicks)
        window = self._closer(known >= 0.5, clicks)
        if window is not None:
            close = self._answer(embedding, self._view(embedding, window), clicks, before)
            if not window.cuts(close >= 0.5):
                return _refined(close)
        if before is not None:
            known = self._answer(embedding, embedding.whole, clicks, before)
        return _refined(known)

    def _look(self, picture: np.ndarray, window: Window) -> _View:
        """Encode a window of a picture."""
        inner = (SIDE, SIDE)
        how = Image.Resampling.BICUBIC
        if self._geometry == "aspect":
            inner = _fitted(window.height, window.width)
            how = Image.Resampling.BILINEAR
        image = Image.fromarray(picture[window.place]).resize(inner[::-1], how)
        pixels = torch.from_numpy(np.array(image).transpose(2, 0, 1).copy())
        return _View(window, inner, self._net.look(pixels))

    def _view(self, looked: _Looked, window: Window) -> _View:
        """Return a crop, encoded now or before."""
        if window not in looked.crops:
            looked.crops[window] = self._look(looked.picture, window)
        looked.crops.move_to_end(window)
        while len(looked.crops) > CROPS_KEPT:
            looked.crops.popitem(last=False)
        return looked.crops[window]

    @torch.inference_mode()
    def _answer(
        self,
        looked: _Looked,
        view: _View,
        clicks: Sequence[Click],
        before: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the (H, W) float32 probability that a view gives; 0 around its window.

        Negative clicks around it are obeyed by that.
        """
        window = view.window
        clicks = [click for click in clicks if window.holds(click)]
        scale = (view.inner[1] / window.width, view.inner[0] / window.height)
        places = [(click.x - window.left, click.y - window.top) for click in clicks]
        points = torch.from_numpy((np.array(places) * scale).astype(np.float32))
        kinds = torch.tensor([int(click.positive) for click in clicks])
        prompt = None
        if self._mask_prompt and before is not None:
            prompt = as_prompt(before[window.place], view.inner)
        logits = self._net.answer(view.features, points, kinds, prompt, **self._tokens)
        square = _resized(logits[None, None], (SIDE, SIDE))[..., : view.inner[0], : view.inner[1]]
        inside = _resized(square, (window.height, window.width))[0, 0].sigmoid().cpu().numpy()
        if view is looked.whole:
            return inside
        probability = np.zeros(looked.picture.shape[:2], np.float32)
        probability[window.place] = inside
        return probability

    def _closer(self, mask: np.ndarray, clicks: Sequence[Click]) -> Window | None:
        """Return the crop in which to look at an object once more; None if there is no need.

        Parameters
        ----------
        mask : (H, W) bool, what the object is thought to be; empty where nothing is known
        """
        height, width = mask.shape
        longer = max(height, width)
        positive = [click for click in clicks if click.positive]
        rows, columns = _span(mask, 0, positive), _span(mask, 1, positive)
        extent = max(rows[1] - rows[0], columns[1] - columns[0]) + 1
        side = SIDE
        while side < ROOM * extent:
            side *= 2
        large = self._crop == "auto" and extent >= SMALL * longer
        if self._crop == "never" or large or longer < CLOSER * side:
            return None
        top, left = _begin(rows, side, height), _begin(columns, side, width)
        return Window(top, left, min(side, height), min(side, width))


def as_prompt(before: np.ndarray, inner: tuple[int, int]) -> Tensor:
    """Return a mask as the network takes it.

    Parameters
    ----------
    before : (h, w) float32 in [0, 1], the mask so far in the window
    inner : height and width that the window was brought to

    Returns
    -------
    (1, 1, 256, 256) float32 logits
    """
    mask = torch.from_numpy(np.ascontiguousarray(before))[None, None]
    mask = F.interpolate(mask, inner, mode="bilinear", antialias=True)
    mask = F.pad(mask, (0, SIDE - inner[1], 0, SIDE - inner[0]))
    return torch.logit(F.avg_pool2d(mask, SIDE // PROMPT), eps=SURE)


def _refined(probability: np.ndarray) -> Refined:
    return Refined(probability >= 0.5, probability)


def _fitted(height: int, width: int) -> tuple[int, int]:
    """Return the size whose longer side is `SIDE`, of the same shape; at least one pixel wide."""
    scale = SIDE / max(height, width)
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(image, size, mode="bilinear", align_corners=False)


def _span(mask: np.ndarray, axis: int, clicks: Sequence[Click]) -> tuple[float, float]:
    """Return where a mask and clicks begin and end, in rows (axis 0) or columns (axis 1)."""
    filled = np.flatnonzero(mask.any(axis=1 - axis))
    places = [*filled[:1], *filled[-1:], *((click.y, click.x)[axis] for click in clicks)]
    return float(min(places)), float(max(places))


def _begin(span: tuple[float, float], side: int, length: int) -> int:
    """Return where a crop begins that is centred on a span, on the grid and within the frame."""
    step = int(GRID * side)
    middle = round(sum(span) / 2 / step) * step
    return max(0, min(middle - side // 2, length - side))
