"""Why a key does nothing just now."""

from __future__ import annotations

from napari_lazyvos.gui.asking import Asking
from napari_lazyvos.gui.binding import Binding

__all__ = ["inactive"]


def inactive(binding: Binding | None, asking: Asking, *, ready: bool) -> dict[str, str]:
    """Return the actions of `keys.KEYS` that do nothing now, each with the reason.

    Parameters
    ----------
    binding : of the open session
    asking : Asking
    ready : whether there is something to track
    """
    session = binding.session if binding is not None else None
    status = binding.status if binding is not None else None
    if binding is None or session is None or status is None:
        actions = ("undo", "redo", "new", "go", "step", "call", "correction")
        return dict.fromkeys((*actions, *ANSWERS, "later"), "no session is open")
    reasons: dict[str, str] = {}
    if not asking.open:
        reasons |= dict.fromkeys((*ANSWERS, "later"), "no open call is shown")
    if not asking.overview.calls:
        reasons["call"] = "no open call"
    if not len(session.store.ledger.human_frames()):
        reasons["correction"] = "you have corrected nothing yet"
    if not ready:
        reasons["step"] = "a run is on" if binding.running else "nothing is to be tracked"
    if not ready and not binding.running:
        reasons["go"] = "nothing is to be tracked"
    for action, can in (("undo", status.can_undo), ("redo", status.can_redo)):
        if not can:
            reasons[action] = f"nothing to {action}"
    return reasons


ANSWERS = ("fine", "absent", "ends")
