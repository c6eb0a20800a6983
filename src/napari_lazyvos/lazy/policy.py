"""When to call the person.

Lazy-XMem reacts to the *rise* of an object's score from one frame to the next, not to the score:
a hard object that is hard everywhere is no reason to interrupt, a sudden loss of certainty is.
"""

from __future__ import annotations

from napari_lazyvos.lazy.events import ObjectScore

__all__ = ["TAU_USER", "needs_help"]

TAU_USER = 0.5  # Lazy-XMem, sec. 6.8.3: tuned for XMem; other trackers need their own


def needs_help(score: ObjectScore, tau_user: float | None) -> bool:
    """Tell whether an object's score rose so much that the person is asked.

    Parameters
    ----------
    score : ObjectScore
    tau_user : float or None
        The rise from which help is asked; None never asks.
    """
    return tau_user is not None and score.rise is not None and score.rise >= tau_user
