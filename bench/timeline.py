"""What the timeline costs the main thread while frames are tracked.

    QT_QPA_PLATFORM=offscreen python bench/timeline.py [--rounds 40]

For videos of 1000 and of 100 000 frames with 1, 5 and 10 objects, most of it tracked: one more
frame is recorded, then "written" is `refresh()` that is told which frame, "any" is `refresh()` that
is not, "same" is `refresh()` when nothing has changed, "repaint" draws the widget, "cursor" shows
another frame. Milliseconds of the main thread, medians; the ratio is that of "written" and
"repaint" together to those of the first row. "pyqtgraph" sets the same curves with pyqtgraph's own
automatic thinning ("peak", clipped to what is in sight), which is what ours replaces, and repaints
them: without lanes and marks.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtWidgets import QApplication

from napari_lazyvos.gui.timeline import Timeline
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.document import ObjectInfo, PlacedClick
from napari_lazyvos.store.ledger import BLANK, SCHEMA, Call, Ledger, Origin, Row, State

LENGTHS, OBJECTS = (1000, 100_000), (1, 5, 10)
SIZE = 1300, 320  # of a dock below the viewer
TRACKED = 0.8  # part of the video
CALLS = 100  # for help, at most, on each object
COLUMNS = ("written", "any", "same", "repaint", "cursor")


def main() -> None:
    """Print a row for each length and number of objects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    application = QApplication([])
    print("frames objects" + "".join(f"{name:>10}" for name in (*COLUMNS, "ratio", "pyqtgraph")))
    first = None
    for frames, objects in product(LENGTHS, OBJECTS):
        with TemporaryDirectory() as folder:
            row = measure(application, make_session(Path(folder), frames, objects), rounds)
        whole = row["written"] + row["repaint"]
        first = first or whole
        times = "".join(f"{row[name]:10.2f}" for name in COLUMNS)
        print(f"{frames:6} {objects:7}{times}{whole / first:10.1f}{row['pyqtgraph']:10.2f}")


def make_session(folder: Path, frames: int, objects: int) -> SimpleNamespace:
    """Return what the timeline reads of a session: noisy scores, some jumps, calls and clicks."""
    ledger = Ledger(Database(folder / "rows.sqlite", SCHEMA), frames)
    tracked, clicks = int(TRACKED * frames), []
    for label in range(1, objects + 1):
        rng = np.random.default_rng(label)
        scores = 0.1 + np.abs(rng.normal(0, 0.02, frames))
        asked = rng.choice(np.arange(1, tracked), min(CALLS, frames // 50), replace=False)
        scores[asked] += rng.uniform(0.2, 0.7, len(asked))
        cells = np.full(frames, BLANK)
        cells["state"], cells["origin"], cells["area"] = State.TRACKED, Origin.MACHINE, 100
        cells["score"], cells["rise"] = scores, np.diff(scores, prepend=np.nan)
        cells["call"][asked] = rng.choice([Call.OPEN, Call.ANSWERED, Call.FINE], len(asked))
        answered = asked[cells["call"][asked] == Call.ANSWERED]
        cells["origin"][answered], cells["score"][answered] = Origin.HUMAN, np.nan
        cells[tracked:] = BLANK
        ledger.put_column_image(label, zlib.compress(cells.tobytes(), 1))
        clicks += [PlacedClick(len(clicks), int(t), 5, 5, label, True) for t in answered]
    document = SimpleNamespace(objects={label: ObjectInfo(label) for label in ledger.labels})
    store = SimpleNamespace(ledger=ledger, document=document)
    return SimpleNamespace(clicks=tuple(clicks), store=store)


def measure(application: Any, session: SimpleNamespace, rounds: int) -> dict[str, float]:
    """Return the median of each column, in ms; the columns take turns."""
    timeline, ledger = Timeline(), session.store.ledger
    timeline.resize(*SIZE)
    timeline.show()
    timeline.show_session(session)
    timeline.set_label(1)
    timeline.set_thresholds(0.5, 0.3, 0.4)
    own = own_curves(ledger)
    application.processEvents()
    viewport = timeline.plot.viewport()
    times: dict[str, list[float]] = {name: [] for name in (*COLUMNS, "pyqtgraph")}
    t = int(TRACKED * ledger.frames)
    for _ in range(rounds):
        record(ledger, t)
        times["written"].append(clock(lambda t=t: timeline.refresh({t})))
        times["repaint"].append(clock(viewport.repaint))
        record(ledger, t + 1)
        times["any"].append(clock(timeline.refresh))
        application.processEvents()
        times["same"].append(clock(timeline.refresh))
        times["pyqtgraph"].append(clock(own))
        timeline.set_frame(t)
        times["cursor"].append(clock(application.processEvents))
        t += 2
    timeline.close()
    return {name: median(each) for name, each in times.items()}


def record(ledger: Ledger, t: int) -> None:
    """Write what a pass writes of one frame."""
    rows = [Row(n, State.TRACKED, Origin.MACHINE, False, 1, 0.12, 100, 0.01) for n in ledger.labels]
    ledger.record(t, rows)


def own_curves(ledger: Ledger) -> Callable[[], None]:
    """Return what updates and repaints the same curves with pyqtgraph's own thinning."""
    view = pg.GraphicsView()
    view.resize(*SIZE)
    plot = pg.PlotItem()
    view.setCentralItem(plot)
    plot.setXRange(0, ledger.frames, padding=0)
    plot.setYRange(-0.25, 1, padding=0)
    curves = [plot.plot(pen=pg.mkPen(pg.intColor(n)), connect="finite") for n in ledger.labels]
    plot.setDownsampling(auto=True, mode="peak")
    plot.setClipToView(True)
    view.show()
    frames = np.arange(ledger.frames)

    def update() -> None:
        for label, curve in zip(ledger.labels, curves, strict=True):
            curve.setData(frames, ledger.rises(label))
        view.viewport().repaint()

    return update


def clock(work: Callable[[], object]) -> float:
    """Return how long this thread computes, in ms."""
    began = time.thread_time()
    work()
    return 1000 * (time.thread_time() - began)


if __name__ == "__main__":
    main()
