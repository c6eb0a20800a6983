"""What is known of each object in one frame, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lazyvos.gui.objects_box import ObjectRow

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["name_of", "object_rows"]


def name_of(session: Session, label: int) -> str:
    """Return what a person calls an object."""
    info = session.store.document.objects.get(label)
    return info.name if info is not None and info.name else f"Object {label}"


def object_rows(session: Session, t: int, label: int) -> list[ObjectRow]:
    """Return a line for each object, and for `label` even if nobody has clicked on it yet."""
    rows = [
        ObjectRow(each, name_of(session, each), _state(session, each, t)) for each in session.labels
    ]
    if label not in session.labels:
        rows.append(ObjectRow(label, name_of(session, label), "click on it"))
    return rows


def _state(session: Session, label: int, t: int) -> str:
    """Say whether the object is there, and who says so."""
    from napari_lazyvos.store.ledger import Origin, State

    row = session.store.ledger.row(label, t)
    if session.state(label, t) == State.ENDED:
        return "ended"
    if row.origin == Origin.HUMAN:
        return "not here (by you)" if row.state == State.ABSENT else "by you"
    if row.stale:
        return "out of date"
    if row.state == State.TRACKED and row.origin == Origin.PSEUDO:
        return "corrected by itself"
    return {State.TRACKED: "tracked", State.ABSENT: "not seen"}.get(row.state, "to do")
