"""Sample videos that need no download: a generated cell movie with its truth, and a real clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

__all__ = ["cells", "echocardiogram"]

SEED = 11
HEIGHT, WIDTH = 256, 320  # the field of view for which the paths below were drawn
TILE = 128  # pixels: side of a cell's texture

# y, x, their change per frame, and the radius. The first cell leaves to the right, and the last two
# pass by each other; no two touch.
PATHS = (
    (64, 252, -0.35, 1.75, 23),
    (56, 58, 0.05, 0.80, 25),
    (132, 158, -0.10, -0.20, 27),
    (186, 46, -0.65, 0.20, 23),
    (186, 276, -0.55, -0.10, 25),
    (88, 205, 0.00, 0.35, 20),
    (226, 112, 0.00, 1.70, 17),
    (196, 222, 0.00, -1.60, 17),
)

# Counts of a 12-bit camera
OFFSET = 100.0  # dark
GLOW = 70.0  # of the medium
CELL = 1300.0  # of a cell where it is thick
READ_NOISE = 6.0
COUNTS_PER_PHOTON = 2.0
BLEACHING = 400.0  # frames after which a cell has lost all but 1/e of its light


def cells(
    frames: int = 60, height: int = HEIGHT, width: int = WIDTH
) -> tuple[np.ndarray, np.ndarray]:
    """Generate a fluorescence movie of eight crawling cells, with the truth.

    The same arguments always give the same movie. The first cell leaves the field of view, and the
    last two pass by each other closely. Blur, uneven light, bleaching and noise are those of a
    camera on a wide-field microscope.

    Parameters
    ----------
    frames : int
    height, width : int
        Size in pixels; the cells' paths and radii grow with it.

    Returns
    -------
    movie : (frames, height, width) uint16, counts of a 12-bit camera
    labels : (frames, height, width) uint8, 0 = background, 1 to 8 = cells
    """
    size = (height / HEIGHT, width / WIDTH)
    crowd = [_Cell.make(i, path, size) for i, path in enumerate(PATHS)]
    light, glow = _light(height, width), _glow(height, width)
    movie = np.empty((frames, height, width), np.uint16)
    labels = np.zeros((frames, height, width), np.uint8)
    for t in range(frames):
        dye = np.zeros((height, width), np.float32)
        for i, cell in enumerate(crowd):
            cell.draw(t, dye, labels[t], i + 1)
        movie[t] = _photograph(dye * np.exp(-t / BLEACHING), light, glow, t)
    return movie, labels


def echocardiogram() -> Path:
    """Return a real ultrasound clip of a heart (DICOM, 30 frames, 240 x 320) that pydicom ships."""
    from pydicom.examples import get_path

    return Path(get_path("ybr_color"))


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell that crawls along a wavy line and changes its outline on the way."""

    start: np.ndarray  # (2,): y, x
    step: np.ndarray  # (2,): per frame
    radius: float
    phases: np.ndarray  # (6,): of the outline's waves and the path's
    texture: np.ndarray  # (TILE, TILE): granules, around 1; they move with the cell

    @classmethod
    def make(cls, i: int, path: tuple[float, ...], size: tuple[float, float]) -> _Cell:
        rng = np.random.default_rng([SEED, i])
        noise = rng.normal(size=(TILE, TILE))
        fine, coarse = (ndimage.gaussian_filter(noise, s, mode="wrap") for s in (1.3, 5.0))
        texture = 1 + 0.26 * fine / fine.std() + 0.18 * coarse / coarse.std()
        return cls(
            start=np.multiply(path[:2], size),
            step=np.multiply(path[2:4], size),
            radius=path[4] * min(size),
            phases=rng.uniform(0, 2 * np.pi, 6),
            texture=np.clip(texture, 0.3, 2.2).astype(np.float32),
        )

    def draw(self, t: int, dye: np.ndarray, label_map: np.ndarray, label: int) -> None:
        """Add the cell in frame `t` to the dye of all cells and to their label map."""
        y, x = self.start + self.step * t + 1.5 * np.sin(t / 8 + self.phases[:2])
        reach = int(1.6 * self.radius)
        rows = slice(max(0, int(y) - reach), max(0, int(y) + reach))
        columns = slice(max(0, int(x) - reach), max(0, int(x) + reach))
        grid = np.indices(dye[rows, columns].shape)
        dy, dx = grid[0] + rows.start - y, grid[1] + columns.start - x
        distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
        inside = 1 - distance / self._edge(angle, t)  # 1 in the middle, 0 at the edge
        granules = ndimage.map_coordinates(
            self.texture, [dy + TILE / 2, dx + TILE / 2], order=1, mode="grid-wrap"
        )
        thick = np.sqrt(np.clip(inside, 0, None))  # a cell is highest in its middle
        front = 1 + np.cos(angle - np.arctan2(*self.step))  # 2 ahead, 0 behind
        ruffle = 0.28 * front * np.exp(-(((inside - 0.09) / 0.05) ** 2))
        nucleus = _smooth(1.15 - np.hypot(dy - 2, dx + 2) / (0.36 * self.radius))
        body = (0.12 + 0.88 * thick) * granules * (1 - 0.55 * nucleus) + ruffle
        mine = inside > 0
        dye[rows, columns][mine] = body[mine]
        label_map[rows, columns][mine] = label

    def _edge(self, angle: np.ndarray, t: int) -> np.ndarray:
        """Return the distance of the outline from the middle, in pixels."""
        ahead = np.arctan2(*self.step)
        a, b, c = self.phases[2:5]
        shape: np.ndarray = (
            0.92
            + 0.14 * np.cos(2 * (angle - ahead) + 0.3 * np.sin(t / 11 + a))  # long when it crawls
            + 0.05 * np.cos(3 * angle + a + t / 9)
            + 0.03 * np.cos(5 * angle + b - t / 7)
            + 0.015 * np.cos(8 * angle + c + t / 5)
        )
        return self.radius * shape


def _smooth(ramp: np.ndarray) -> np.ndarray:
    """Return 0 below 0, 1 above 0.3, and a smooth step between."""
    s: np.ndarray = np.clip(ramp / 0.3, 0, 1)
    step: np.ndarray = s * s * (3 - 2 * s)
    return step


def _light(height: int, width: int) -> np.ndarray:
    """Return the lamp's light: brightest left of the middle, half as bright in the corners."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lamp: np.ndarray = np.exp(-((y + 0.1) ** 2 + (x + 0.15) ** 2) / 1.3)
    return 0.45 + 0.55 * lamp


def _glow(height: int, width: int) -> np.ndarray:
    """Return the light of the medium, with clouds and a few specks that do not move."""
    rng = np.random.default_rng([SEED, 1000])
    clouds = ndimage.gaussian_filter(rng.normal(size=(height, width)), 22, mode="wrap")
    specks = np.zeros((height, width))
    specks[rng.integers(0, height, 25), rng.integers(0, width, 25)] = rng.uniform(2, 14, 25)
    glow: np.ndarray = 1 + 0.18 * clouds / clouds.std() + ndimage.gaussian_filter(specks, 1.3)
    return GLOW * glow


def _photograph(dye: np.ndarray, light: np.ndarray, glow: np.ndarray, t: int) -> np.ndarray:
    """Return what the camera sees of the dye: (H, W) uint16."""
    rng = np.random.default_rng([SEED, 2000, t])
    sharp = ndimage.gaussian_filter(dye, 1.1)
    haze = ndimage.gaussian_filter(dye, 9.0)  # what lies out of focus in a wide-field microscope
    counts = light * (CELL * (0.86 * sharp + 0.14 * haze) + glow)
    counts = COUNTS_PER_PHOTON * rng.poisson(counts / COUNTS_PER_PHOTON)
    counts = counts + OFFSET + rng.normal(0, READ_NOISE, counts.shape)
    pixels: np.ndarray = np.clip(counts.round(), 0, 4095).astype(np.uint16)
    return pixels
