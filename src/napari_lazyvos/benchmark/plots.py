"""Plots of a benchmark as SVG, to stand in a page; matplotlib comes with the extra benchmark.

Figures are made without pyplot, which would keep them. Colours are those of Okabe and Ito, which
people with any colour vision tell apart; each kind of mark has a shape of its own as well.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from napari_lazyvos.benchmark.results import ObjectResult

__all__ = ["draw_boxes", "draw_courses", "draw_rounds", "draw_scores"]

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"  # Okabe-Ito
GREY, PALE = "#555555", "#DDDDDD"
MARKS = {  # of an object: title, colour and shape
    "corrections": ("corrected by the person", VERMILLION, "v"),
    "pseudo": ("corrected by the tracker itself", GREEN, "o"),
    "idle": ("asked for, but not there", PURPLE, "X"),
}
STRIP = 1.13  # height of the marks, above any J
PAGE, HALF, LARGE, SMALL = 11.4, 5.5, 7.3, 3.65  # inches: widths of a page and of parts of it
PIXELS = 150  # per inch, of clouds of points
MOST_DOTS = 150  # frames on a line: more would touch
STYLE: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "svg.fonttype": "none",  # text stays text, in the fonts of whoever reads it
    "svg.hashsalt": "lazyvos",  # the same figure is the same file
    "text.color": "#222222",
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def draw_courses(objects: Sequence[ObjectResult]) -> str:
    """Draw J over time, one panel for each object, with what happened to it.

    Parameters
    ----------
    objects : of one sequence, at least one
    """
    columns = min(2, len(objects))
    rows = math.ceil(len(objects) / columns)
    with mpl.rc_context(STYLE):
        figure = Figure((LARGE, 1.25 * rows + 1.1), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for place, (axes, each) in enumerate(zip(grid.flat, objects, strict=False)):
            _course(axes, each)
            axes.tick_params(labelbottom=place + columns >= len(objects))  # the lowest of a column
        for axes in grid.flat[len(objects) :]:
            axes.set_visible(False)
        figure.supxlabel("frame", color=GREY, fontsize=9)
        marked = {
            line.get_label(): line
            for axes in grid.flat
            for line in axes.get_lines()
            if line.get_gid() in MARKS
        }
        if marked:
            figure.legend(marked.values(), marked.keys(), loc="outside upper right", ncols=3)
        return _svg(figure)


def draw_scores(objects: Sequence[ObjectResult], width: float = SMALL) -> str | None:
    """Draw the J of each object in each frame over its score; None if nobody gave scores."""
    found = [
        (score, region)
        for each in objects
        for score, region in zip(each.scores, each.region, strict=False)
        if score is not None
    ]
    if not found:
        return None
    with mpl.rc_context(STYLE):
        figure = Figure((width, 0.62 * width + 0.3), layout="constrained")
        axes = figure.subplots()
        # As pixels: as many marks as there are points would make the page heavy.
        scores, regions = zip(*found, strict=True)
        axes.scatter(scores, regions, s=7, c=BLUE, alpha=0.4, lw=0, rasterized=True)
        axes.set(title="J over score", xlabel="score: uncertainty by area", ylim=(-0.03, 1.03))
        axes.set_xlim(left=0)
        return _svg(figure)


def draw_rounds(curves: Mapping[str, Sequence[float]], width: float = SMALL) -> str | None:
    """Draw J&F after each round, by the name of the sequence, and their mean if there are more."""
    curves = {name: curve for name, curve in curves.items() if curve}
    if not curves:
        return None
    with mpl.rc_context(STYLE):
        figure = Figure((width, 0.62 * width + 0.3), layout="constrained")
        axes = figure.subplots()
        alone = len(curves) == 1
        for curve in curves.values():
            colour = BLUE if alone else "#AAAAAA"
            axes.plot(range(1, 1 + len(curve)), curve, color=colour, marker="o", ms=3, lw=1)
        if not alone:
            rounds = range(min(map(len, curves.values())))
            means = [float(np.mean([curve[k] for curve in curves.values()])) for k in rounds]
            axes.plot([1 + k for k in rounds], means, color=BLUE, marker="o", lw=2, label="mean")
            axes.legend(loc="lower right")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(title="J&F after each round", xlabel="round")
        return _svg(figure)


def draw_boxes(columns: Mapping[str, Sequence[float]]) -> str:
    """Draw how rank correlations are distributed over objects, by what was correlated.

    The box holds the quartiles, the line in it is the median, and the whiskers reach to what lies
    within 1.5 times the box's length; each point is an object.
    """
    with mpl.rc_context(STYLE):
        figure = Figure((PAGE, 4), layout="constrained")
        axes = figure.subplots()
        places = range(1, 1 + len(columns))
        axes.boxplot(
            [*columns.values()],
            positions=[*places],
            widths=0.5,
            showfliers=False,
            medianprops={"color": VERMILLION, "lw": 1.5},
        )
        for place, values in zip(places, columns.values(), strict=True):
            aside = place + 0.18 * np.sin(np.arange(len(values)) * 2.4)  # no two near each other
            axes.scatter(aside, values, s=9, c=BLUE, alpha=0.5, lw=0, rasterized=True)
        axes.axhline(0, color=GREY, lw=0.8)
        axes.set_xticks(places, columns)
        axes.grid(visible=False, axis="x")
        axes.set(ylabel="Spearman's rank correlation", ylim=(-1.05, 1.05))
        return _svg(figure)


def _course(axes: Axes, each: ObjectResult) -> None:
    dots = "." if len(each.frames) <= MOST_DOTS else ""
    axes.plot(each.frames, each.region, color=BLUE, lw=1.2, marker=dots, ms=2.5)
    for first, last in _absent(each):
        axes.axvspan(first - 0.5, last + 0.5, color=PALE, lw=0, zorder=0)
    for name, (title, colour, shape) in MARKS.items():
        frames = getattr(each, name)
        if frames:
            heights = [STRIP] * len(frames)
            axes.plot(frames, heights, shape, color=colour, ms=4.5, mew=0, label=title, gid=name)
    axes.set(title=f"J of object {each.label}", ylim=(-0.04, STRIP + 0.1), yticks=(0, 0.5, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _absent(each: ObjectResult) -> list[tuple[int, int]]:
    """Return the first and the last frame of each time in which the object is not there."""
    runs = groupby(zip(each.frames, each.present, strict=True), key=lambda pair: pair[1])
    gone = [[t for t, _ in run] for present, run in runs if not present]
    return [(run[0], run[-1]) for run in gone]


def _svg(figure: Figure) -> str:
    """Return a figure as an element of a page; what was the id of a group is its class."""
    file = io.StringIO()
    unsigned = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", dpi=PIXELS, metadata=unsigned, transparent=True)
    text = file.getvalue()
    return re.sub(r'<g id="', '<g class="', text[text.index("<svg") :])
