"""What is to be measured: the protocol, the methods, and how the simulated user behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.round import MEMORIES, RoundMemory

__all__ = ["PROTOCOLS", "Protocol", "Settings"]

Protocol = Literal["svos", "ivos", "zivos", "random"]

PROTOCOLS: Mapping[str, str] = {
    "svos": "the first mask of each object is given, and nobody helps",
    "ivos": "in rounds: the worst frame is clicked, and that spreads to both sides",
    "zivos": "each object is clicked once, and calls for help are answered",
    "random": "as zivos, with as many corrections at random moments instead",
}

CHOICES = {
    "protocol": tuple(PROTOCOLS),
    "start": ("click", "mask"),
    "answer": ("click", "mask"),
    "strategy": ("a1", "a2", "a3"),
    "next_frame": ("worst", "suggested"),
    "round_memory": tuple(MEMORIES),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One benchmark; picklable.

    Parameters
    ----------
    protocol : one of `PROTOCOLS`
    tracker, refiner, device, tracker_options, refiner_options : as of `Session`
    policy : mapping
        Options of `Policy`, such as ``{"tau_user": 0.1}``, instead of those that suit the tracker.
    start : {"click", "mask"}
        What is given of an object first: a click, which makes an imperfect mask, or the reference.
        Of ``svos`` it is always the reference, of ``ivos`` always a click.
    answer : {"click", "mask"}
        What a call for help is answered with.
    absence : bool
        Whether the user answers a call for an object that is not there by saying so. If not, such a
        call is passed over. Neither counts as a correction.
    spread, seed : of the simulated user's clicks, see `SimulatedUser`; `seed` is that of ``random``, too
    calls : mapping
        For ``random``: how many corrections to make in each sequence, by name.
    rounds, strategy, clicks : of ``ivos``: how many, where to click, and clicks per object at most
    next_frame : {"worst", "suggested"}
        Of ``ivos``: the frame with the lowest J&F, or what `Session.rounds.suggest` says without any
        reference; the worst one if that is not judged.
    fusion, round_memory : of ``ivos``: see `Session.rounds.run`
    most_objects : int, optional
        Follow at most so many objects of a video, see `find_targets`.
    cells : bool
        Whether SEG, DET and TRA are wanted, which needs the extra ``cells``.

    Raises
    ------
    LazyVosError
        If an option is out of its range.
    """  # noqa: E501

    protocol: Protocol = "svos"
    tracker: str = "compact"
    refiner: str = "compact"
    device: str = "auto"
    tracker_options: Mapping[str, Any] = field(default_factory=dict)
    refiner_options: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    start: Literal["click", "mask"] = "click"
    answer: Literal["click", "mask"] = "click"
    absence: bool = False
    spread: float = 0.0
    seed: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    rounds: int = 8  # CiVOS
    strategy: Literal["a1", "a2", "a3"] = "a3"
    clicks: int = 3  # CiVOS
    next_frame: Literal["worst", "suggested"] = "worst"
    fusion: str = "distance"
    round_memory: RoundMemory = "all"
    most_objects: int | None = None
    cells: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise LazyVosError(f"{name} is {value!r}: choose {', '.join(choices)}.")
        for name in ("rounds", "clicks", "most_objects"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise LazyVosError(f"{name} is {value}: give 1 or more.")
        known = [each.name for each in fields(Policy)]
        for name in self.policy:
            if name not in known:
                raise LazyVosError(
                    f"there is no policy option {name!r}: it has {', '.join(known)}."
                )
        Policy.for_tracker(self.tracker, **self.policy)  # says what is out of range

    @property
    def described(self) -> dict[str, Any]:
        """All of it in JSON's types, as a report keeps it."""
        return asdict(self)
