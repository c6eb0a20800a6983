"""What a run leaves in its folder: the exports, and what it did in numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_lazyvos import __version__
from napari_lazyvos.lazy.events import Finished, FinishReason
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store import atomic
from napari_lazyvos.store.export import FORMATS
from napari_lazyvos.store.ledger import Origin

__all__ = [
    "MASKS",
    "REPORT",
    "export_all",
    "export_places",
    "make_report",
    "peak_rss_mb",
    "write_report",
]

MASKS = "masks"  # a folder of palette PNG
REPORT = "report.json"


def make_report(session: Session, finished: Finished) -> dict[str, Any]:
    """Return the content of ``report.json``.

    ``seconds`` and ``fps`` are of this run: decoding, tracking and writing. A user correction is an
    annotated frame of an object after its first one. ``calls`` are those for help that wait for an
    answer.
    """
    ledger = session.store.ledger
    annotated = [len(ledger.human_frames(label)) for label in session.labels]
    pseudo = sum(int((ledger.origins(label) == Origin.PSEUDO).sum()) for label in session.labels)
    return {
        "video": session.video.name,
        "frames": session.store.frames,
        "height": session.video.height,
        "width": session.video.width,
        "objects": len(session.labels),
        "tracker": session.tracker_name,
        "refiner": session.refiner_name,
        "device": session.device,
        "finished": finished.reason == FinishReason.COMPLETED,
        "tracked": finished.tracked,
        "seconds": round(finished.seconds, 3),
        "fps": round(finished.tracked / finished.seconds, 3) if finished.seconds else None,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "user_corrections": sum(max(0, frames - 1) for frames in annotated),
        "pseudo_corrections": pseudo,
        "calls": [asdict(call) for call in session.calls],
        "store": str(session.store.path),
        "version": __version__,
    }


def write_report(report: Mapping[str, Any], folder: Path) -> None:
    """Write ``report.json`` to a folder, in place of an earlier one."""
    atomic.write_bytes(folder / REPORT, (json.dumps(report, indent=2) + "\n").encode())


def export_places(folder: Path, name: str, formats: Iterable[str]) -> list[tuple[str, Path]]:
    """Return what is written to the folder of a run, and where: the masks, then other formats.

    Parameters
    ----------
    folder : of the results
    name : of the video
    formats : of `store.export.FORMATS`

    Returns
    -------
    list of (format, path)
    """
    others = []
    for each in formats:
        suffix = FORMATS[each].suffix
        others.append((each, folder / (f"{name}{suffix}" if suffix else each)))
    return [("png", folder / MASKS), *others]


def export_all(session: Session, folder: Path, formats: Iterable[str]) -> None:
    """Write the masks and other formats to a folder, in place of earlier ones."""
    for each, path in export_places(folder, session.video.name, formats):
        session.export(each, path, overwrite=True)


def peak_rss_mb() -> float:
    """Return the largest resident memory that this process ever had, in 10^6 bytes."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # kilobytes everywhere but on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
