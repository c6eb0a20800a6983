"""What is known of each object in one frame, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lazyvos.gui.objects_box import ObjectRow

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["object_rows"]


def object_rows(session: Session, t: int, label: int) -> list[ObjectRow]:
    """Return a line for each object, and for `label` even if nobody has clicked on it yet."""
    objects = session.store.document.objects
    rows = [
        ObjectRow(info.label, info.name or f"Object {info.label}", _state(session, info.label, t))
        for info in objects.values()
    ]
    if label not in objects:
        rows.append(ObjectRow(label, f"Object {label}", "click on it"))
    return rows


def _state(session: Session, label: int, t: int) -> str:
    from napari_lazyvos.store.ledger import Origin, State

    row = session.store.ledger.row(label, t)
    if session.state(label, t) == State.ENDED:
        return "ended"
    if row.origin == Origin.HUMAN:
        return "by you"
    if row.stale:
        return "out of date"
    return {State.TRACKED: "tracked", State.ABSENT: "not seen"}.get(row.state, "to do")
