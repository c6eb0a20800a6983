"""Cells side by side that look alike, each with a motion of its own, as microscopes show them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.data.procedural import smooth
from training.data.shapes import Blob, wander
from training.data.take import Film, Take, numbered, speed

__all__ = ["film"]

MOST_CELLS = 36
TEXTURE = 96  # side in pixels, of the texture inside the cells


def film(rng: np.random.Generator, take: Take) -> Film:
    """Film a crowd; object 1 is the cell where the crowd begins."""
    look = rng.choice(list(_LOOKS), p=_SHARES)
    cells, size = _crowd(rng, take, spread=look == "spread")
    manner = _Manner.drawn(rng, len(cells), size)
    rows, columns = take.grid()
    dirt = _dirt(rng, take.side) if look in ("phase", "relief", "spread") else 0.0
    grey, ids = [], []
    for t in range(take.frames):
        sheet = _lay(cells, t, rows, columns)
        grey.append(_LOOKS[look](sheet, manner) + dirt)
        ids.append(np.where(sheet.inside > 0, sheet.ids, 0))
    if rng.random() < 0.6:
        sigma = rng.uniform(0.4, 1.3)
        grey = [cv2.GaussianBlur(frame, (0, 0), sigma) for frame in grey]
    return take.film(grey, numbered(rng, np.stack(ids), 1))


def _crowd(rng: np.random.Generator, take: Take, *, spread: bool) -> tuple[list[Blob], float]:
    """Return cells on a jittered lattice around the first, and their width in pixels.

    Those that spread on the glass have corners, sides that curve inwards, and change fast.
    """
    extent = take.extent(rng)
    long = rng.choice([1.0, 1.3, 2.0, 3.5], p=[0.35, 0.3, 0.2, 0.15])
    half = np.array([extent / 2, extent / 2 / long])
    angle, room = rng.uniform(0, np.pi), rng.choice([0.93, 1.1, 1.5, 2.3])
    places = _places(rng, take, half * room, angle)
    pace, steady = extent * speed(rng), rng.random()
    drift = wander(rng, take.frames, pace * steady, 2)
    rough, pointed = rng.choice([0.02, 0.08, 0.16]), rng.uniform(1.0, 2.0) if long > 1.5 else 2.0
    change = rng.choice([0.01, 0.03, 0.06])
    if spread:
        rough, pointed, change = rng.choice([0.16, 0.25]), rng.uniform(0.75, 1.5), 0.05
    cells = []
    for place in places:
        path = drift + wander(rng, take.frames, pace * (1 - steady) + 0.2, 2)
        stretch = np.clip(wander(rng, take.frames, change), -0.3, 0.3) * [1, -1] + rng.normal(
            0, 0.12, 2
        )
        waves = rng.normal(0, rough / 2, 4) + wander(rng, take.frames, change * rough, 4)
        turns = angle + rng.normal(0, 0.3) + wander(rng, take.frames, change / 2)[:, 0]
        cells.append(
            Blob(
                place + path, half * np.exp(stretch), turns, waves, rng.uniform(0, 6.3, 4),
                pointed, rng.normal(0, 0.25) if long > 1.5 else 0.0,
            )
        )  # fmt: skip
    if take.frames > 1 and len(cells) > 4 and rng.random() < 0.25:
        _divide(rng, cells)
    return cells, float(half[1] * 2)


def _places(
    rng: np.random.Generator, take: Take, room: np.ndarray, angle: float
) -> list[np.ndarray]:
    """Return y, x of cells, the nearest to the first ones; the first is within the frame."""
    row, column = np.mgrid[-6:7, -6:7].astype(float)
    along = (column + 0.5 * (row % 2)) * 2 * room[0]
    across = row * 1.75 * room[1]
    cosine, sine = np.cos(angle), np.sin(angle)
    offsets = np.stack([sine * along + cosine * across, cosine * along - sine * across], -1)
    offsets = offsets.reshape(-1, 2)
    offsets += rng.normal(0, 0.15 * room.min(), offsets.shape)
    offsets = offsets[np.argsort((offsets**2).sum(1))]
    places = take.centre(rng) + offsets - offsets[0]
    near = np.all((places > -room.max()) & (places < take.side + room.max()), 1)
    near[1:] &= rng.random(len(near) - 1) > rng.choice([0, 0.15, 0.4])
    return list(places[near][:MOST_CELLS])


def _divide(rng: np.random.Generator, cells: list[Blob]) -> None:
    """Let one cell other than the first become two."""
    mother = cells[int(rng.integers(1, len(cells)))]
    when = int(rng.integers(1, len(mother.angles)))
    apart = np.clip(np.arange(len(mother.angles)) - when + 1, 0, 2)[:, None] / 2
    direction = np.stack([np.sin(mother.angles), np.cos(mother.angles)], 1)
    way = direction * mother.axes[:, :1] * 0.8 * apart
    axes = mother.axes * (1 - 0.35 * apart)
    daughter = Blob(
        mother.centres + way, axes, mother.angles, mother.lobes, mother.phases,
        mother.sharpness, mother.bend,
    )  # fmt: skip
    mother.centres, mother.axes = mother.centres - way, axes
    cells.append(daughter)


@dataclass(slots=True)
class _Sheet:
    """The nearest cell of each pixel; all arrays (h, w)."""

    ids: np.ndarray  # int32, from 1
    inside: np.ndarray  # px to the outline, very negative far from all cells
    along: np.ndarray
    across: np.ndarray


def _lay(cells: list[Blob], t: int, rows: np.ndarray, columns: np.ndarray) -> _Sheet:
    sheet = _Sheet(
        np.zeros(rows.shape, np.int32), np.full(rows.shape, -99, np.float32),
        np.zeros_like(rows), np.zeros_like(rows),
    )  # fmt: skip
    best = np.full(rows.shape, np.inf, np.float32)
    for number, cell in enumerate(cells, start=1):
        seen = cell.seen(t, rows, columns, most=1.8)
        if seen is None:
            continue
        nearer = seen.reach < best[seen.window]
        best[seen.window][nearer] = seen.reach[nearer]
        sheet.ids[seen.window][nearer] = number
        sheet.inside[seen.window][nearer] = seen.inside[nearer]
        sheet.along[seen.window][nearer] = seen.along[nearer]
        sheet.across[seen.window][nearer] = seen.across[nearer]
    return sheet


@dataclass(slots=True)
class _Manner:
    """How the cells of one film look."""

    shades: np.ndarray  # of each id; 0 is the background's
    texture: np.ndarray  # (TEXTURE, TEXTURE) float32
    starts: np.ndarray  # (ids, 2), where in the texture each cell begins
    grain: float  # strength of the texture
    edge: float  # width of rings and halos, px
    sign: float
    way: float  # where the light comes from
    level: float  # of the background

    @classmethod
    def drawn(cls, rng: np.random.Generator, count: int, size: float) -> _Manner:
        spread = rng.choice([0.03, 0.1, 0.3])
        shades = np.clip(rng.uniform(0.35, 0.8) + rng.normal(0, spread, count + 1), 0.12, 1)
        texture = smooth(rng, TEXTURE, rng.uniform(3, 14))[..., 0]
        return cls(
            shades.astype(np.float32), texture, rng.uniform(32, TEXTURE - 32, (count + 1, 2)),
            rng.uniform(0, 0.22), float(np.clip(size * rng.uniform(0.05, 0.14), 0.9, 5)),
            rng.choice([-1.0, 1.0]), rng.uniform(0, 6.3), rng.uniform(0.02, 0.14),
        )  # fmt: skip

    def inner(self, sheet: _Sheet) -> np.ndarray:
        """Return the texture that each cell carries along: (h, w), about -1 to 1."""
        starts = self.starts[sheet.ids]
        rows = (np.clip(sheet.along, -1.4, 1.4) * 22 + starts[..., 0]).astype(np.float32)
        columns = (np.clip(sheet.across, -1.4, 1.4) * 22 + starts[..., 1]).astype(np.float32)
        return cv2.remap(self.texture, columns, rows, cv2.INTER_LINEAR)


def _body(sheet: _Sheet, soft: float = 1.0) -> np.ndarray:
    return np.clip(sheet.inside / soft + 0.5, 0, 1)


def _glow(sheet: _Sheet, manner: _Manner) -> np.ndarray:
    """Fluorescent bodies on a dark ground."""
    shade = manner.shades[sheet.ids] * (1 + 1.5 * manner.grain * manner.inner(sheet))
    return manner.level + _body(sheet, max(1.0, 0.7 * manner.edge)) * shade


def _phase(sheet: _Sheet, manner: _Manner) -> np.ndarray:
    """Halo outside, a rim inside, and a body whose grey is near to the ground's."""
    outer = np.exp(-(((sheet.inside + manner.edge) / manner.edge) ** 2))
    inner = np.exp(-(((sheet.inside - 0.8 * manner.edge) / manner.edge) ** 2))
    body = _body(sheet) * (0.5 * manner.grain * manner.inner(sheet) + manner.level - 0.08)
    return 0.45 + manner.sign * (0.35 * outer - 0.22 * inner) * (0.4 + manner.shades[0]) + body


def _rings(sheet: _Sheet, manner: _Manner) -> np.ndarray:
    """Bright membranes."""
    ring = np.exp(-((sheet.inside / manner.edge) ** 2)) * manner.shades[sheet.ids]
    within = _body(sheet) * (0.3 * manner.grain * manner.inner(sheet) + manner.level)
    return manner.level + 0.9 * ring + within


def _relief(sheet: _Sheet, manner: _Manner) -> np.ndarray:
    """Light from the side: one edge bright, the other dark."""
    height = cv2.GaussianBlur(_body(sheet, 2 * manner.edge), (0, 0), 0.6 * manner.edge)
    height = height + 0.5 * manner.grain * _body(sheet) * manner.inner(sheet)
    dy, dx = np.gradient(height)
    slope = np.sin(manner.way) * dy + np.cos(manner.way) * dx
    return 0.5 + 1.1 * manner.edge * slope


def _spread(sheet: _Sheet, manner: _Manner) -> np.ndarray:
    """Bodies as grey as the ground but for a grainy core, and a thin bright line around them."""
    grains = manner.inner(sheet)
    line = np.exp(-(((sheet.inside + 0.6) / 1.2) ** 2)) * (0.6 + 0.4 * np.tanh(grains))
    core = np.clip(1.3 - 2.2 * np.hypot(sheet.along, sheet.across), 0, 1)
    body = _body(sheet) * (0.4 * (manner.level - 0.12) + 0.15 * manner.grain * grains)
    inner = _body(sheet) * core * (0.9 * manner.grain * np.abs(grains) - 0.25 * manner.shades[0])
    return 0.45 + body + inner + 0.35 * manner.shades[0] * line


_LOOKS = {
    "glow": _glow, "phase": _phase, "rings": _rings, "relief": _relief, "spread": _spread,
}  # fmt: skip
_SHARES = (0.2, 0.2, 0.1, 0.1, 0.4)  # how often each is drawn


def _dirt(rng: np.random.Generator, side: int) -> np.ndarray:
    """Specks that stay where they are, and uneven light."""
    specks = np.zeros((side, side), np.float32)
    count = int(rng.integers(0, 25))
    specks[tuple(rng.integers(0, side, (2, count)))] = rng.uniform(-2, 3, count)
    specks = cv2.GaussianBlur(specks, (0, 0), 1.0)
    return specks + 0.05 * smooth(rng, side, side)[..., 0] + 0.015 * smooth(rng, side, 4)[..., 0]
