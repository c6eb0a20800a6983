"""Why a key does nothing just now."""

from __future__ import annotations

from napari_lazyvos.gui.asking import Asking
from napari_lazyvos.gui.binding import Binding
from napari_lazyvos.gui.rounds import Rounds
from napari_lazyvos.gui.track_box import TrackBox

__all__ = ["inactive"]


def inactive(
    binding: Binding | None, asking: Asking, track: TrackBox, rounds: Rounds
) -> dict[str, str]:
    """Return the actions of `keys.KEYS` that do nothing now, each with the reason.

    Parameters
    ----------
    binding : of the open session
    asking : Asking
    track : TrackBox
    rounds : Rounds
    """
    session = binding.session if binding is not None else None
    status = binding.status if binding is not None else None
    if binding is None or session is None or status is None:
        actions = ("undo", "redo", "new", "go", "step", "next", "call", "correction")
        return dict.fromkeys((*actions, *ANSWERS, "later"), "no session is open")
    reasons: dict[str, str] = {}
    if not asking.open:
        reasons |= dict.fromkeys((*ANSWERS, "later"), "no open call is shown")
    if not asking.overview.calls:
        reasons["call"] = "no open call"
    if not len(session.store.ledger.human_frames()):
        reasons["correction"] = "you have corrected nothing yet"
    if track.why_not:
        reasons["step"] = track.why_not
    if track.why_not and not binding.running:
        reasons["go"] = track.why_not
    if track.in_rounds:
        reasons["step"] = "a round is run as a whole"
    if binding.running:
        reasons["mode"] = "a run is on"
    if not track.in_rounds:
        reasons["next"] = "it is for rounds"
    elif rounds.suggestion is None:
        reasons["next"] = "no frame is known to be worth one"
    for action, can in (("undo", status.can_undo), ("redo", status.can_redo)):
        if not can:
            reasons[action] = f"nothing to {action}"
    return reasons


ANSWERS = ("fine", "absent", "ends")
