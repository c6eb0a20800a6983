"""When to go on, when to correct oneself, and when to call the person (Lazy-XMem, thesis ch. 6).

Lazy-XMem reacts to the *rise* of an object's score from one frame to the next, not to the score:
a hard object that is hard everywhere is no reason to interrupt, a sudden loss of certainty is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum, auto
from typing import Any, Literal

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import ObjectScore
from napari_lazyvos.models.thresholds import thresholds_of
from napari_lazyvos.uncertainty import MEASURES

__all__ = ["TAU_MEMORY", "TAU_PSEUDO", "TAU_USER", "Action", "Policy"]

# Lazy-XMem, sec. 6.8.3: tuned for XMem; other trackers need their own.
TAU_USER = 0.5
TAU_PSEUDO = 0.2
TAU_MEMORY = 0.8


class Action(StrEnum):
    """What is done about one object in one frame."""

    GO_ON = auto()
    PSEUDO = auto()  # a pseudo-click, which the refiner answers
    ASK = auto()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Lazy-XMem's policy; each row of its ablations (Tables 6.3 and 6.4) is a choice of options.

    To have one of your own, inherit and override `action`. The default thresholds are XMem's;
    `for_tracker` knows those of the others.

    Parameters
    ----------
    tau_user : float or None
        The person is asked at a rise of this much or more; None: never.
    tau_pseudo : float or None
        At a rise of this much or more, but less than `tau_user`, the tracker corrects itself with
        a pseudo-click; None: never.
    tau_memory : float or None
        A frame in which an object has this score or more is not remembered (UDU, the
        uncertainty-driven update); None: all are.
    trigger : {"rise", "score"}
        What `tau_user` and `tau_pseudo` are compared with.
    memory_scope : {"frame", "object"}
        Whether `tau_memory` keeps the whole frame from memory, or the unsure objects alone.
    immediate_update : bool
        A correction enters the memory at once (IDU, the interaction-driven update). If not, it
        does only when the memory is filled anew, as after an undo.
    pseudo_update : bool
        A pseudo-corrected mask enters the memory when the tracker's cadence has a turn for it.
        If not, nothing of such a frame is remembered.
    output : {"refined", "plain"}
        What stands in the masks of a frame that was pseudo-corrected; "plain" is what the published
        script does.
    pseudo_click : {"weighted", "centre"}
        Where it is placed: by Eq. 6.4, or at the centre of the mask.
    negative_clicks : bool
        A pseudo-correction has a negative click too, where outside of the mask most speaks for the
        object (thesis sec. 6.9, as an outlook).
    mask_prompt : bool
        The refiner gets the tracker's mask along with a pseudo-click, and with a person's first
        click where help was asked for.
    check : bool
        A pseudo-corrected mask must be plausible, see `pseudo.is_plausible`.
    uncertainty : {"entropy", "total", "epistemic", "quality"}
        See `uncertainty.MEASURES`. The second and the third need a `SamplingTracker`. The last
        needs a `RatingTracker`, as in Lazy-QDMN: an object's score is 1 less its quality, and what
        is shown is the entropy.
    normaliser : {"original", "dilated"}
    compat : bool
        See `uncertainty.region_scores`.
    absent_after : int or None
        An object whose mask was empty in so many frames counts as absent: its return is told, and
        not asked about. None: only what a person said is absent.
    patience : int
        After the answer "it is fine" nothing is asked about the object for so many frames.

    Raises
    ------
    LazyVosError
        If an option is out of its range.
    """

    tau_user: float | None = TAU_USER
    tau_pseudo: float | None = TAU_PSEUDO
    tau_memory: float | None = TAU_MEMORY
    trigger: Literal["rise", "score"] = "rise"
    memory_scope: Literal["frame", "object"] = "frame"
    immediate_update: bool = True
    pseudo_update: bool = False
    output: Literal["refined", "plain"] = "refined"
    pseudo_click: Literal["weighted", "centre"] = "weighted"
    negative_clicks: bool = False
    mask_prompt: bool = False
    check: bool = True
    uncertainty: str = "entropy"
    normaliser: Literal["original", "dilated"] = "original"
    compat: bool = False
    absent_after: int | None = 3
    patience: int = 10

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise LazyVosError(f"{name} is {value!r}: choose {' or '.join(choices)}.")
        user, pseudo = self.tau_user, self.tau_pseudo
        if user is not None and pseudo is not None and pseudo > user:
            raise LazyVosError(
                f"tau_pseudo is {pseudo:g} and tau_user {user:g}: a rise from which the tracker "
                "corrects itself must not be above the one from which it asks."
            )
        if self.absent_after is not None and self.absent_after < 1:
            raise LazyVosError(
                f"absent_after is {self.absent_after}: give 1 frame or more, or None."
            )
        if self.patience < 0:
            raise LazyVosError(f"patience is {self.patience}: give 0 frames or more.")

    @classmethod
    def for_tracker(cls, name: str, **options: Any) -> Policy:
        """Return the policy with the thresholds that suit a tracker, and these options.

        A tracker whose `tau_pseudo` is not below a given `tau_user` does not correct itself.
        """
        own = asdict(thresholds_of(name))
        user, pseudo = options.get("tau_user"), own["tau_pseudo"]
        if user is not None and pseudo is not None and pseudo >= user:
            own["tau_pseudo"] = None
        return cls(**(own | options))

    @property
    def options(self) -> dict[str, Any]:
        """The options above; what a class of one's own adds is not among them."""
        return {each.name: getattr(self, each.name) for each in fields(Policy)}

    def action(self, t: int, score: ObjectScore) -> Action:
        """Decide what to do about one object.

        Parameters
        ----------
        t : int, frame
        score : ObjectScore
            Of the plain prediction. Its rise is None where there is nothing to compare with, and
            then nothing is done about a rise.
        """
        value = score.rise if self.trigger == "rise" else score.score
        if value is None:
            return Action.GO_ON
        if self.tau_user is not None and value >= self.tau_user:
            return Action.ASK
        if self.tau_pseudo is not None and value >= self.tau_pseudo:
            return Action.PSEUDO
        return Action.GO_ON

    def unsure(self, scores: Iterable[ObjectScore]) -> frozenset[int]:
        """Return the labels of the objects whose masks are too unsure to be remembered."""
        if self.tau_memory is None:
            return frozenset()
        return frozenset(each.label for each in scores if each.score >= self.tau_memory)


_CHOICES = {
    "trigger": ("rise", "score"),
    "memory_scope": ("frame", "object"),
    "output": ("refined", "plain"),
    "pseudo_click": ("weighted", "centre"),
    "uncertainty": tuple(MEASURES),
    "normaliser": ("original", "dilated"),
}
