"""A benchmark as one HTML file, to be read in any browser: figures, plots and the worst frames.

Nothing is loaded from elsewhere, and no script runs. Jinja2 fills in the templates beside this
file, and matplotlib draws; both come with the extra benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from napari_lazyvos.benchmark.correlation import Study
from napari_lazyvos.benchmark.means import MEASURES, means
from napari_lazyvos.benchmark.results import ObjectResult, Report, SequenceResult
from napari_lazyvos.benchmark.settings import PROTOCOLS
from napari_lazyvos.benchmark.variants import VARIANTS
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.atomic import write_bytes

__all__ = ["check_libraries", "write_html", "write_study"]

MOST_DRAWN = 12  # objects of a sequence: more would not be looked at
MANY_DRAWN = 8  # beside more of them there is room for the worst frames
OF_SEQUENCES = (
    "J&F", "J", "F", "J recall", "F recall", "J decay", "R@0.1", "R@0.25", "R@0.5",
    "SEG", "DET", "TRA", "R-AUC", "Spearman", "NoC", "frames/s",
)  # fmt: skip
OF_OBJECTS = (
    "J&F", "J", "F", "J recall", "F recall", "J decay", "R@0.1", "R@0.25", "R@0.5",
    "Spearman", "NoC",
)  # fmt: skip


def check_libraries() -> None:
    """Refuse what is to end in an HTML file while there is time.

    Raises
    ------
    LazyVosError
        If the extra benchmark is not installed.
    """
    _libraries()


def write_html(report: Report, path: Path) -> None:
    """Write a report as an HTML file, whole or not at all.

    Parameters
    ----------
    report : Report
    path : Path; its folder is made if it is not there

    Raises
    ------
    LazyVosError
        If the extra benchmark is not installed.
    """
    _, plots = _libraries()
    judged = [each for each in report.sequences if each.judged]
    everybody = [each for sequence in judged for each in sequence.judged]
    rows = [(each, means([each])) for each in judged]
    _write_page(
        "report.html.jinja",
        path,
        settings=report.settings,
        versions=report.versions,
        failed=report.failed,
        protocol=PROTOCOLS.get(report.settings.get("protocol", "")),
        means=report.means,
        titles=MEASURES,
        objects=len(everybody),
        columns=_present(OF_SEQUENCES, (own for _, own in rows)),
        rows=rows,
        sequences=[_sequence(each, plots) for each in report.sequences],
        scores=plots.draw_scores(everybody, plots.HALF),
        rounds=plots.draw_rounds({each.name: each.rounds for each in judged}, plots.HALF),
    )


def write_study(study: Study, path: Path) -> None:
    """Write a study of uncertainty as an HTML file, whole or not at all; see `write_html`."""
    _, plots = _libraries()
    columns = {name: study.correlations(name).tolist() for name in study.variants}
    _write_page(
        "correlation.html.jinja",
        path,
        settings=study.settings,
        versions=study.versions,
        failed=study.failed,
        objects=study.objects,
        variants=[
            (name, VARIANTS[name].title, study.quartiles(name), len(values))
            for name, values in columns.items()
        ],
        boxes=plots.draw_boxes(columns) if any(columns.values()) else None,
    )


def _write_page(template: str, path: Path, **content: Any) -> None:
    """Fill in a template, which escapes all but our plots, and write it to a file."""
    jinja2, _ = _libraries()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": _number, "setting": _setting}
    text = environment.get_template(template).render(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode())


def _libraries() -> tuple[ModuleType, ModuleType]:
    """Return jinja2 and our plots."""
    try:
        import jinja2

        from napari_lazyvos.benchmark import plots
    except ImportError as error:
        raise LazyVosError(
            f"a report with plots needs jinja2 and matplotlib ({error}): "
            'pip install "napari-lazyvos[benchmark]".'
        ) from error
    return jinja2, plots


def _sequence(sequence: SequenceResult, plots: ModuleType) -> dict[str, Any]:
    """Return what the template shows of one sequence."""
    judged = sequence.judged
    rows = [(each, _means_of(sequence, each)) for each in judged]
    worst = sorted(rows, key=lambda row: (row[1]["J"], row[0].label))[:MOST_DRAWN]
    return {
        "result": sequence,
        "columns": _present(OF_OBJECTS, (own for _, own in rows)),
        "rows": rows,
        "drawn": len(worst),
        "aside": len(worst) > MANY_DRAWN,
        "absent": not all(there for each, _ in worst for there in each.present),
        "courses": plots.draw_courses([each for each, _ in worst]) if worst else None,
        "scores": plots.draw_scores(judged),
        "rounds": plots.draw_rounds({sequence.name: sequence.rounds}),
    }


def _means_of(sequence: SequenceResult, each: ObjectResult) -> dict[str, float]:
    """Return the measures of one object."""
    return means([replace(sequence, objects=(each,))])


def _present(names: Iterable[str], rows: Iterable[Mapping[str, float]]) -> list[str]:
    """Return those of the names that any row has."""
    known = {name for row in rows for name in row}
    return [name for name in names if name in known]


def _number(value: float | None, name: str = "") -> str:
    """Return a measure as a table shows it."""
    if value is None or math.isnan(value):
        return "-"
    digits = {"NoC": 0, "IDI": 1, "frames/s": 1}.get(name, 3)
    return f"{round(value, digits) + 0.0:.{digits}f}"  # not -0.000


def _setting(value: Any) -> str:
    """Return the value of a setting in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_setting(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_setting, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
