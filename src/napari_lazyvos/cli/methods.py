"""With what to track: the options that `track` and `batch` share, and what they come to."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import typer

from napari_lazyvos.cli.options import parse_values, parse_weights

__all__ = [
    "AskAt",
    "RefinerName",
    "Size",
    "TrackerName",
    "TrackerOptions",
    "WeightsNames",
    "check_formats",
    "choose_methods",
    "choose_weights",
]

TrackerName: TypeAlias = Annotated[
    str, typer.Option("--tracker", help="Method that follows objects.")
]
RefinerName: TypeAlias = Annotated[
    str, typer.Option("--refiner", help="Method that answers clicks.")
]
WeightsNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="NAME",
        help="Published weights, as `models list` shows them; may be repeated.",
    ),
]
TrackerOptions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker-option",
        metavar="NAME=VALUE",
        help="Of the tracker, such as memory=readmem; may be repeated.",
    ),
]
Size: TypeAlias = Annotated[
    int,
    typer.Option("--size", help="Short side to which the tracker brings larger frames; -1: none."),
]
AskAt: TypeAlias = Annotated[
    float | None,
    typer.Option("--ask-at", help="Rise of uncertainty from which help is asked; 0: never."),
]


def choose_methods(
    tracker: str,
    refiner: str,
    *,
    weights: list[str] | None,
    tracker_option: list[str] | None,
    device: str,
    size: int,
    ask_at: float | None,
) -> dict[str, Any]:
    """Return the options of a `Session` that say with what it tracks.

    Raises
    ------
    LazyVosError
        If weights are not installed, or are damaged, or the tracker has no such option.
    """
    from napari_lazyvos import refine, trackers

    for kind, name, known in (
        ("tracker", tracker, trackers.names()),
        ("refiner", refiner, refine.names()),
    ):
        if name not in known:
            raise typer.BadParameter(f"no {kind} {name!r}: choose from {', '.join(known)}")
    chosen = choose_weights(weights, tracker, refiner)
    methods: dict[str, Any] = {"tracker": tracker, "refiner": refiner, "device": device}
    own = parse_values(tracker_option or [])
    methods["tracker_options"] = {"size": size} | chosen["tracker"] | own
    if own:  # what is wrong with them is said before anything is made for the session
        trackers.load(tracker, device="cpu", **methods["tracker_options"])
    methods["refiner_options"] = chosen["refiner"]
    if ask_at is not None:
        from napari_lazyvos.lazy.policy import Policy

        methods["policy"] = Policy.for_tracker(tracker, tau_user=ask_at or None)
    return methods


def choose_weights(
    names: list[str] | None, tracker: str, refiner: str
) -> dict[str, dict[str, Any]]:
    """Return the options of the tracker and of the refiner that say which weights they load.

    Raises
    ------
    LazyVosError
        If weights are not installed, or are damaged.
    """
    from napari_lazyvos.models import cache
    from napari_lazyvos.models.catalogue import find

    given = parse_weights(names or [], tracker, refiner)
    for name in (*given["tracker"], *given["refiner"]):
        cache.verified(find(name))  # before anything is made for the session
    return {
        kind: {"weights": own[0] if len(own) == 1 else own} if own else {}
        for kind, own in given.items()
    }


def check_formats(formats: list[str]) -> None:
    """Refuse formats that nothing can be exported to."""
    from napari_lazyvos.store.export import FORMATS

    for name in formats:
        if name not in FORMATS:
            raise typer.BadParameter(f"no format {name!r}: choose from {', '.join(FORMATS)}")
