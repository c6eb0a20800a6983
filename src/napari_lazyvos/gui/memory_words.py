"""What the dock widget *Memory* says."""

from __future__ import annotations

from napari_lazyvos.lazy.remembering import MemoryFrame, MemoryView, Reason

__all__ = ["NO_SESSION", "about", "sentence", "why_not_forget", "why_not_keep"]

NO_SESSION = "Open Plugins ▸ Lazy VOS ▸ Lazy segmentation, and start a session there."
NOTHING_YET = "The frames that the tracker compares others with appear here as soon as it tracks."
SENTENCE = "The tracker compares each frame with these; those with a pin it never forgets."
NONE_CHOSEN = "Choose a frame first"

STAYS = {
    Reason.ANNOTATED: "It stays: you annotated it.",
    Reason.ASKED: "It stays: you asked for it.",
    Reason.FIRST: "It stays: it is the first that shows an object.",
}


def sentence(view: MemoryView, tracker: str) -> str:
    """Return what the panel says of itself."""
    if not view.is_told:
        return (
            f"The tracker {tracker} does not tell which frames it remembers, so none can be "
            "forgotten or kept here. Where a mask is wrong, correct it in the viewer."
        )
    return SENTENCE if view.frames else NOTHING_YET


def about(frame: MemoryFrame) -> str:
    """Return what is said of a frame."""
    stays = "It may make way for another." if frame.reason is None else STAYS[frame.reason]
    return f"Frame {frame.t}. {stays}"


def why_not_forget(frame: MemoryFrame | None) -> str:
    """Return why a frame cannot be forgotten; empty if it can."""
    if frame is None:
        return NONE_CHOSEN
    if frame.reason is Reason.ANNOTATED:
        return "You annotated this frame: remove your clicks or strokes there to have it forgotten"
    return ""


def why_not_keep(frame: MemoryFrame | None) -> str:
    """Return why it makes no sense to keep a frame; empty if it does."""
    if frame is None:
        return NONE_CHOSEN
    stays = {
        Reason.ANNOTATED: "You annotated this frame: it stays anyway",
        Reason.ASKED: "You asked for it already",
    }
    return stays.get(frame.reason, "") if frame.reason is not None else ""
