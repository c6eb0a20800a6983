"""Every Python example of the README and the documentation runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile

import napari_lazyvos as lv

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FRAMES, HEIGHT, WIDTH = 22, 240, 320  # room for the clicks and ranges that the pages name


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def moving_discs() -> np.ndarray:
    """Return a (T, Y, X) uint8 movie with a bright disc under each click of the pages."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    movie = np.full((FRAMES, HEIGHT, WIDTH), 40, np.uint8)
    for t in range(FRAMES):
        for centre_y, centre_x in ((80, 40), (108, 170), (120, 220)):
            near = (y - centre_y) ** 2 + (x - centre_x - t // 4) ** 2 < 26**2
            movie[t][near] = 200
    return movie


def write_mp4(path: Path, movie: np.ndarray) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for plane in movie:
            frame = av.VideoFrame.from_ndarray(np.repeat(plane[..., None], 3, -1))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    "page", [page for page in PAGES if python_blocks(page)], ids=lambda page: page.stem
)
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    movie = moving_discs()
    write_mp4(Path("heart.mp4"), movie)
    tifffile.imwrite("embryo.tif", np.stack([movie, movie // 2], 1), metadata={"axes": "TZYX"})
    with lv.Session(movie) as session, lv.Session("heart.mp4", store="heart.lazyvos") as other:
        other.close()  # a store that the pages may open
        names = {"lv": lv, "session": session, "volume": movie}
        for block in python_blocks(page):
            exec(compile(block, str(page), "exec"), names)
