"""How long napari's main thread is held up while the plugin tracks.

    xvfb-run -a -s "-screen 0 1400x900x24" python bench/gui.py [--frames 60]

A real viewer with the docked widget and a real session track a video of 1024 x 1024 uint8 and 1000
frames. A timer that is due every millisecond ticks in the main thread; when it comes late, the
main thread was busy for that long. Each row is one way of showing: the viewer on screen (drawn by
the processor where there is no graphics card) or off screen, the slider parked or following. "own"
is the longest that the plugin held the main thread for tracked frames, napari's part of showing one
included, and "end" the same for the pass that ends the run: all that tracking asks of the main
thread goes through one gate, `Binding.look`. The rows "idle" and
"napari alone" are the same viewer and layers without tracking, in the same process: what the
machine and napari cost by themselves. Where there is no graphics card, even a label in a dock
costs much: Qt composes the whole window anew, the canvas included, by the processor. "in a
script" is the same session without a viewer, for the speed of the worker to be compared with.
The tracker
is "copy", which repeats the last mask and so is faster than any real one (the most updates per
second), or "compact", the default.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

TRACKERS = ("copy", "compact")
LENGTH, SIDE = 1000, 1024
LIMIT_MS = 16.0  # one frame of a 60 Hz screen
SETTLE_SECONDS = 1.5  # from the start of a run to the first measurement: models load


def main() -> None:
    """Measure off screen and on screen, each tracker in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60, help="frames to track in each row")
    parser.add_argument("--tracker", choices=TRACKERS, help="measure only this, in this process")
    parser.add_argument("--script", action="store_true", help="and without a viewer")
    arguments = parser.parse_args()
    if arguments.script:
        script(arguments.tracker, arguments.frames)
        return
    if arguments.tracker:
        measure(arguments.tracker, arguments.frames)
        return
    print(f"{LENGTH} frames of {SIDE} x {SIDE} uint8; stalls of the main thread in ms")
    spans = ("p50", "p95", "p99", "max")
    print(" " * 38 + "".join(f"{n:>7}" for n in spans) + "  >16 ms    own    end  frames/s")
    for platform, tracker in product(("offscreen", "xcb"), TRACKERS):
        for row in run_alone(platform, tracker, arguments.frames):
            print_row(platform, row)
    for tracker in TRACKERS:
        for row in run_alone("offscreen", tracker, arguments.frames, "--script"):
            print(f"{row['name']:80}{row['fps']:10.1f}")


def run_alone(platform: str, tracker: str, frames: int, *more: str) -> list[dict[str, Any]]:
    """Measure one tracker in a process of its own: threads of another would slow it down."""
    command = [sys.executable, __file__, "--tracker", tracker, "--frames", str(frames), *more]
    run = subprocess.run(
        command,
        env={**os.environ, "QT_QPA_PLATFORM": platform, "NAPARI_CONFIG": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
    return rows


def print_row(platform: str, row: dict[str, Any]) -> None:
    """Print one line of the table."""
    gaps = np.array(row["gaps"])
    p50, p95, p99 = np.percentile(gaps, [50, 95, 99])
    late = f"{100 * np.mean(gaps > LIMIT_MS):.1f} %"
    name = f"{'on screen' if platform == 'xcb' else platform:10} {row['name']}"
    *frames, end = row.get("own") or (0.0, 0.0)
    own, end = (f"{each:.1f}" if row.get("own") else "" for each in (max(frames), end))
    speed = f"{row['fps']:.1f}" if row["fps"] else ""
    print(
        f"{name:38}{p50:7.1f}{p95:7.1f}{p99:7.1f}{gaps.max():7.1f}{late:>8}{own:>7}{end:>7}{speed:>10}"
    )


class Heartbeat:
    """Ticks in the main thread and notes by how much each tick comes late."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.gaps: list[float] = []  # ms beyond the due millisecond
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin anew."""
        self.gaps.clear()
        self._last = time.perf_counter()
        self._timer.start(1)

    def stop(self) -> list[float]:
        """Return what was noted."""
        self._timer.stop()
        return list(self.gaps)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(max(0.0, 1000 * (now - self._last) - 1.0))
        self._last = now


def measure(tracker: str, frames: int) -> None:
    """Print the rows of one tracker as json, for the platform that Qt was told."""
    import napari

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 900)
    viewer.add_image(moving_discs(), name="discs", contrast_limits=(0, 255))
    with TemporaryDirectory() as folder:
        print(json.dumps(measure_tracker(viewer, Heartbeat(), tracker, frames, Path(folder))))
    viewer.close()


def time_gate() -> list[float]:
    """Note from now on how long each pass through the gate to the main thread takes, in ms."""
    from napari_lazyvos.gui.binding import Binding

    passes: list[float] = []
    look = Binding.look

    def timed(binding: Binding) -> None:
        began = time.perf_counter()
        look(binding)
        passes.append(1000 * (time.perf_counter() - began))

    Binding.look = timed  # type: ignore[method-assign]
    return passes


# A call for help would pause the run, and a pseudo-correction is not the tracker's time.
NOTHING = {"tau_user": None, "tau_pseudo": None, "tau_memory": None}


def measure_tracker(
    viewer: Any, heartbeat: Heartbeat, tracker: str, frames: int, folder: Path
) -> list[dict[str, Any]]:
    """Return the rows of one tracker."""
    from napari_lazyvos.gui.widget import LazyWidget
    from napari_lazyvos.lazy.policy import Policy
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.video import open_video

    video = open_video(viewer.layers["discs"])
    chosen: Any = CopyTracker() if tracker == "copy" else tracker
    store = folder / "discs.lazyvos"
    session = Session(video, store=store, tracker=chosen, policy=Policy(**NOTHING))
    session.set_mask(0, video.raw(0)[0] > 150)
    passes = time_gate()
    widget = LazyWidget(viewer)
    viewer.window.add_dock_widget(widget, name="lazy")
    widget.adopt(session)
    spin(until=lambda: widget.session is not None)
    widget.binding.layers.uncertainty.visible = True
    spin(seconds=SETTLE_SECONDS)
    rows = [{"name": "idle", **idle(heartbeat)}]
    for follow in (False, True):
        widget.track.follow.setChecked(follow)
        where = "slider follows" if follow else "slider parked"
        rows.append({"name": f"{tracker}, {where}", **run(widget, heartbeat, passes, frames)})
    rows.append({"name": "napari alone, slider moves", **slide(viewer, heartbeat, frames)})
    rows.append({"name": "napari alone, a label changes", **count(viewer, heartbeat)})
    widget.stop()
    session.close()
    return rows


def idle(heartbeat: Heartbeat) -> dict[str, Any]:
    """Measure a viewer in which nothing happens."""
    heartbeat.start()
    spin(seconds=3)
    return {"gaps": heartbeat.stop(), "fps": None}


def run(widget: Any, heartbeat: Heartbeat, passes: list[float], frames: int) -> dict[str, Any]:
    """Measure while this many frames are tracked, from the first result on."""
    widget.binding.track(at_most=5)  # models load and memories fill
    spin(until=lambda: not widget.binding.running)
    spin(seconds=SETTLE_SECONDS)
    began = time.perf_counter()
    passes.clear()
    heartbeat.start()
    widget.binding.track(at_most=frames)
    spin(until=lambda: not widget.binding.running)
    gaps = heartbeat.stop()
    return {"gaps": gaps, "own": list(passes), "fps": frames / (time.perf_counter() - began)}


def script(tracker: str, frames: int) -> None:
    """Print the speed of the same session without a viewer, as json."""
    from napari_lazyvos.lazy.session import Session

    movie = moving_discs()
    chosen: Any = CopyTracker() if tracker == "copy" else tracker
    with Session(movie, tracker=chosen) as session:
        session.set_mask(0, movie[0] > 150)
        list(session.run(at_most=5))
        began = time.perf_counter()
        list(session.run(at_most=frames))
        fps = frames / (time.perf_counter() - began)
    print(json.dumps([{"name": f"{tracker}, in a script", "fps": fps}]))


def slide(viewer: Any, heartbeat: Heartbeat, frames: int) -> dict[str, Any]:
    """Measure while the slider is moved over the tracked frames, and nothing is tracked."""
    from qtpy.QtCore import QTimer

    left = list(range(frames))
    timer = QTimer()
    timer.timeout.connect(lambda: viewer.dims.set_point(0, left.pop()) if left else None)
    heartbeat.start()
    timer.start(100)
    spin(until=lambda: not left)
    timer.stop()
    return {"gaps": heartbeat.stop(), "fps": None}


def count(viewer: Any, heartbeat: Heartbeat) -> dict[str, Any]:
    """Measure while a number in a dock changes ten times a second, and nothing else happens."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QLabel

    label, timer = QLabel("0"), QTimer()
    dock = viewer.window.add_dock_widget(label, name="counter")
    spin(seconds=SETTLE_SECONDS)
    timer.timeout.connect(lambda: label.setText(str(int(label.text()) + 1)))
    heartbeat.start()
    timer.start(100)
    spin(seconds=5)
    timer.stop()
    gaps = heartbeat.stop()
    viewer.window.remove_dock_widget(dock)
    return {"gaps": gaps, "fps": None}


def spin(seconds: float | None = None, until: Any = None) -> None:
    """Run the event loop for a time, or until something holds."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    timer = QTimer()
    if until is None:
        timer.setSingleShot(True)
        timer.timeout.connect(loop.quit)
        timer.start(int(1000 * (seconds or 0)))
    else:
        timer.timeout.connect(lambda: loop.quit() if until() else None)
        timer.start(20)
    loop.exec_()


class CopyTracker:
    """Says that everything stays where it is."""

    name = "copy"

    def __init__(self) -> None:
        import torch

        self.device = torch.device("cpu")
        self._last: Any = None
        self._labels: tuple[int, ...] = ()

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of the masks."""
        return self._labels

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """None: there is no memory."""
        return ()

    def step(self, frame: np.ndarray) -> Any:
        """Predict what was there before."""
        return self._last

    def commit(
        self, t: int, frame: np.ndarray, probabilities: Any, labels: Any, *, permanent: bool = False
    ) -> None:
        """Take the mask over, a little softened, so that there is uncertainty to draw."""
        if probabilities is not None:
            self._last, self._labels = 0.9 * probabilities + 0.1 / len(probabilities), labels

    def forget(self, label: int) -> None:
        """Leave an object out."""
        self._labels = tuple(other for other in self._labels if other != label)

    def snapshot(self) -> dict[str, Any]:
        """Return the last mask."""
        return {"last": self._last, "labels": self._labels}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Put a last mask back."""
        self._last, self._labels = snapshot["last"], tuple(snapshot["labels"])


def moving_discs() -> np.ndarray:
    """Return (1000, 1024, 1024) uint8: bright discs on noise, the whole moving to the right."""
    rng = np.random.default_rng(0)
    first = rng.integers(20, 90, (SIDE, SIDE), dtype=np.uint8)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for y, x in ((300, 300), (300, 700), (700, 300), (700, 700)):
        first[np.hypot(rows - y, columns - x) < 90] = 200
    video = np.empty((LENGTH, SIDE, SIDE), np.uint8)
    for t in range(LENGTH):
        video[t] = np.roll(first, t, axis=1)
    return video


if __name__ == "__main__":
    main()
