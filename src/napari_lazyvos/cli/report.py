"""What a run did, in numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from napari_lazyvos import __version__
from napari_lazyvos.cli.memory import peak_rss_mb
from napari_lazyvos.lazy.events import Finished, FinishReason
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.ledger import Origin

__all__ = ["make_report"]


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
