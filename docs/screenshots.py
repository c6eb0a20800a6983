"""Take the screenshots of the documentation from the real window.

    xvfb-run -a -s "-screen 0 1400x900x24" python docs/screenshots.py [NAME...]

NAME is that of a picture, such as cells; without one, all are taken. Needs an X server, Qt's xcb
platform and a shown window: all else gives an empty canvas.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import cv2
import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QEventLoop, QTimer

from napari_lazyvos.cli.demo import VENTRICLE
from napari_lazyvos.gui import errand, samples
from napari_lazyvos.gui.memory_dock import MemoryDock
from napari_lazyvos.gui.widget import LazyWidget
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find

IMAGES = Path(__file__).parent / "images"
WINDOW = (1400, 900)
BARS = (150, 215)  # columns where a dark bar begins
BAR_WIDTH = 14


def main() -> None:
    """Take the pictures that are asked for."""
    IMAGES.mkdir(exist_ok=True)
    for take in (heart, cells, asked, help_list, timeline, rounds, memory, asking, models):
        name = take.__name__.replace("_", "-")
        # Nobody's own results or models shall show, or be written.
        with (
            TemporaryDirectory() as home,
            patch.object(Path, "home", partial(Path, home)),
            patch.dict(os.environ, {cache.FOLDER: home}),
        ):
            if name in sys.argv[1:] or not sys.argv[1:]:
                take(IMAGES / f"{name}.png")


def heart(path: Path) -> None:
    """One click on the left ventricle, and its mask."""
    viewer, widget = open_sample(samples.echocardiogram())
    viewer.dims.set_current_step(0, 0)
    widget.start()
    wait(lambda: widget.session is not None)
    widget.binding.layers.show_frame(0)
    click(widget, 1, *VENTRICLE)
    shoot(viewer, path, zoom=2.6, centre=(118, 165))


def cells(path: Path) -> None:
    """Several cells, tracked, with the uncertainty."""
    layers = samples.cells()
    viewer, widget = open_sample(layers)
    widget.start()
    wait(lambda: widget.session is not None)
    truth = layers[1][0][0]
    for label in range(1, 6):
        y, x = np.argwhere(truth == label).mean(axis=0)
        click(widget, label, 0, y, x)
    widget.binding.layers.uncertainty.visible = True
    widget.help.modes.setCurrentText("Collect for later")
    widget.track.track.click()
    wait(lambda: not widget.binding.busy)
    widget.binding.layers.show_frame(24)
    shoot(viewer, path, zoom=2.5, centre=(128, 160))


def asked(path: Path) -> None:
    """Stop where a cell passes behind a dark bar, and the tracker asks about it."""
    viewer, widget = behind_bars()
    widget.track.track.click()
    wait(lambda: widget.asking.question is not None)
    wait(seconds=2.5)  # the blink is over
    engine = widget.binding.engine
    save(viewer, path)
    engine.join()  # it keeps the tracker's memory for later


def help_list(path: Path) -> None:
    """List all calls of the same movie, the greatest rise first."""
    viewer, widget = behind_bars()
    widget.help.modes.setCurrentText("Collect for later")
    widget.track.track.click()
    wait(lambda: not widget.binding.busy)
    widget.show_help_list()
    wait(lambda: widget.asking.overview.calls != ())
    wait(seconds=3.0)  # for the pictures
    save(viewer, path)


def timeline(path: Path) -> None:
    """Show the timeline of the same movie, tracked to the end."""
    viewer, widget = behind_bars()
    widget.help.modes.setCurrentText("Collect for later")
    widget.show_timeline()
    widget.track.track.click()
    wait(lambda: not widget.binding.busy)
    widget.binding.choose(label=2)
    widget.binding.layers.show_frame(28)
    wait(seconds=2.0)
    save(viewer, path)


def rounds(path: Path) -> None:
    """Correct one cell of the same movie in a frame between two others, before its round is run."""
    viewer, widget = behind_bars()
    widget.track.rounds.click()
    viewer.window.resize(1100, WINDOW[1])
    widget.show_timeline()
    widget.binding.layers.show_frame(0)
    widget.track.track.click()
    wait(lambda: not widget.binding.busy)
    for t in (44, 30):
        widget.binding.layers.show_frame(t)
        click(widget, 2, t, *between_bars(t))
    widget.binding.layers.uncertainty.visible = False
    wait(seconds=2.0)
    save(viewer, path)


def memory(path: Path) -> None:
    """Show what is remembered of the cells with READMem; one frame is kept for good."""
    layers = samples.cells()
    viewer, widget = open_sample(layers)
    widget.advanced.memory.kind.setCurrentText("readmem")
    widget.advanced.memory.size.setValue(2)
    widget.start()
    wait(lambda: widget.session is not None)
    truth = layers[1][0][0]
    for label in range(1, 6):
        y, x = np.argwhere(truth == label).mean(axis=0)
        click(widget, label, 0, y, x)
    widget.help.modes.setCurrentText("Never ask")
    widget.show_memory()
    widget.track.track.click()
    wait(lambda: not widget.binding.busy)
    chosen = widget.session.memory.frames[-2].t
    widget.session.keep_frame(chosen)
    docked = viewer.window.dock_widgets.values()
    panel = next(each for each in docked if isinstance(each, MemoryDock))
    panel.strip.choose(chosen)
    widget.binding.layers.show_frame(chosen)
    widget.binding.layers.uncertainty.visible = False
    wait(seconds=3.0)  # for the pictures
    save(viewer, path)


def asking(path: Path) -> None:
    """Film a call for help: the tracker stops, one click answers, and it goes on."""
    viewer, widget = behind_bars()
    film: list[Image.Image] = []

    def roll(until: Callable[[], bool]) -> None:
        while not until():
            picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False))
            film.append(picture.convert("RGB").reduce(2))
            wait(seconds=0.12)

    def seconds(length: float) -> Callable[[], bool]:
        end = time.monotonic() + length
        return lambda: time.monotonic() > end

    widget.binding.layers.show_frame(0)
    widget.track.track.click()
    wait(lambda: widget.binding.layers.shown_frame() >= 22)
    roll(lambda: widget.asking.question is not None)
    roll(seconds(2.5))
    t = widget.asking.question.t
    widget.binding.layers.clicks.add((t, *between_bars(t)))
    roll(seconds(4.0))
    engine = widget.binding.engine
    viewer.close()
    engine.join()
    # One palette for all: colours shall not change from picture to picture.
    colours = film[-1].quantize(200)
    first, *others = [
        picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in film
    ]
    first.save(
        path.with_suffix(".gif"), save_all=True, append_images=others, duration=250, loop=0,
        optimize=True,
    )  # fmt: skip


def behind_bars() -> tuple[napari.Viewer, LazyWidget]:
    """Open the cells with two dark bars before them, and click on three."""
    layers = samples.cells()
    movie, truth = layers[0][0].copy(), layers[1][0][0]
    for left in BARS:
        bar = movie[:, :, left : left + BAR_WIDTH]
        bar[:] = 0.1 * bar + 110
    viewer, widget = open_sample([(movie, *layers[0][1:])])
    widget.start()
    wait(lambda: widget.session is not None)
    for label, cell in enumerate((2, 7, 8), start=1):
        y, x = np.argwhere(truth == cell).mean(axis=0)
        click(widget, label, 0, y, x)
    return viewer, widget


def between_bars(t: int) -> tuple[int, int]:
    """Return a place on the second cell that no bar hides, (y, x)."""
    cell = (samples.cells()[1][0][t] == 7).astype(np.uint8)
    for left in BARS:
        cell[:, left : left + BAR_WIDTH] = 0
    depth = cv2.distanceTransform(cell, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return int(y), int(x)


def models(path: Path) -> None:
    """One model that is installed, one in part, and one that seems to be on its way."""
    empty_file(cache.place(find("sam_hq_vit_tiny")), 42_526_881)
    empty_file(cache.unfinished(find("sam_hq_vit_l")), 520_000_000)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(WINDOW[0], 800)  # the dock's lower end is empty
    dock, widget = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Models")
    with patch.object(errand, "download", pretend_to_download):
        widget.download.click()
        wait(seconds=3.0)
        picture = Image.fromarray(viewer.screenshot(canvas_only=False))
        place = dock.geometry()
        box = (place.left(), place.top(), place.right() + 1, place.bottom() + 1)
        picture.convert("RGB").crop(box).save(path, optimize=True)
        viewer.close()


def empty_file(path: Path, size: int) -> None:
    """Make a file that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)


def pretend_to_download(
    entry: object, tell: Callable[[int, int], object], cancelled: Callable[[], bool]
) -> None:
    """Say that so much has arrived, and more every moment."""
    done = 88_000_000
    while not cancelled():
        tell(done, 249_000_000)
        done += 560_000
        time.sleep(0.05)


def open_sample(layers: list) -> tuple[napari.Viewer, LazyWidget]:
    """Open napari with a sample and the docked widget."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    for data, arguments, kind in layers:
        getattr(viewer, f"add_{kind}")(data, **arguments)
    _, widget = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Lazy segmentation")
    wait(seconds=0.5)
    return viewer, widget


def click(widget: LazyWidget, label: int, t: int, y: float, x: float) -> None:
    """Click on an object, and wait for its mask."""
    widget.binding.choose(label=label)
    widget.binding.layers.clicks.add((t, y, x))
    wait(lambda: not widget.binding.busy)


def shoot(viewer: napari.Viewer, path: Path, *, zoom: float, centre: tuple[float, float]) -> None:
    """Write a picture of the window."""
    viewer.scene.camera.center = (0, *centre)
    viewer.scene.camera.zoom = zoom
    wait(seconds=1.5)
    save(viewer, path)


def save(viewer: napari.Viewer, path: Path) -> None:
    """Write a picture of the window as it is, and close it."""
    picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False))
    picture.convert("RGB").save(path, optimize=True)
    viewer.close()


def wait(until: Callable[[], bool] | None = None, *, seconds: float = 0.0) -> None:
    """Run the event loop until something holds, or for a time."""
    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if until is None or until() else None)
    timer.start(int(1000 * seconds) or 30)
    loop.exec_()


if __name__ == "__main__":
    main()
