"""``lazyvos track``: follow objects through a video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_lazyvos.cli.options import (
    ClickOption,
    Debug,
    Device,
    ExportFormats,
    Json,
    OutFolder,
    Overwrite,
    parse_click,
    parse_limits,
    parse_others,
    parse_weights,
)
from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.lazy.policy import Policy
    from napari_lazyvos.lazy.session import Session, Way
    from napari_lazyvos.video import Video

__all__ = ["track"]


def track(
    video: Annotated[Path, typer.Argument(help="Movie, TIFF, OME-Zarr, DICOM or folder.")],
    out: OutFolder,
    click: Annotated[
        list[str] | None,
        typer.Option(metavar="T,Y,X[,LABEL[,-]]", help="A click; may be repeated."),
    ] = None,
    init_mask: Annotated[
        Path | None, typer.Option(help="Picture of labels to begin with, instead of clicks.")
    ] = None,
    init_frame: Annotated[int, typer.Option(help="The frame that --init-mask belongs to.")] = 0,
    tracker: Annotated[str, typer.Option(help="Method that follows objects.")] = "compact",
    refiner: Annotated[str, typer.Option(help="Method that answers clicks.")] = "compact",
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Published weights, as `models list` shows them; may be repeated."
        ),
    ] = None,
    device: Device = "auto",
    size: Annotated[
        int, typer.Option(help="Short side to which the tracker brings larger frames; -1: none.")
    ] = 480,
    ask_at: Annotated[
        float | None,
        typer.Option(help="Rise of uncertainty from which help is asked; 0: never."),
    ] = None,
    start: Annotated[int | None, typer.Option(help="First frame to track.")] = None,
    stop: Annotated[int | None, typer.Option(help="One more than the last frame.")] = None,
    backward: Annotated[bool, typer.Option("--backward", help="Track backwards in time.")] = False,
    both: Annotated[bool, typer.Option("--both", help="Track forwards, then backwards.")] = False,
    axes: Annotated[str | None, typer.Option(help="Names of the axes, such as TCYX.")] = None,
    time: Annotated[str | None, typer.Option(help="The axis that is time, such as Z.")] = None,
    other: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=INDEX|max", help="What to take of another axis."),
    ] = None,
    channel: Annotated[
        list[int] | None, typer.Option(help="A channel to look at; up to three.")
    ] = None,
    contrast: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Values that become black and white.")
    ] = None,
    export: ExportFormats = [],  # noqa: B006  typer reads it, nobody writes it
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the session that DIR holds.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Follow objects through a video, from clicks or from a first mask.

    Writes DIR/masks/00000.png and so on (palette PNG at the video's size), DIR/report.json, and
    the session DIR/NAME.lazyvos, which napari and --resume open. Ctrl-C keeps what is done.
    """
    clicks = [parse_click(text) for text in click or ()]
    if bool(clicks) + (init_mask is not None) + resume != 1:
        raise typer.BadParameter("give --click or --init-mask or --resume, and only one of them")
    if backward and both:
        raise typer.BadParameter("give --backward or --both, not both of them")
    reading: dict[str, Any] = {
        "axes": axes,
        "time": time,
        "others": parse_others(other) if other else None,
        "channels": channel,
        "contrast_limits": parse_limits(contrast),
    }
    _check_formats(export)
    chosen = _installed(parse_weights(weights or [], tracker, refiner))
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.store.store import Store
    from napari_lazyvos.video import open_video

    way: Way = "both" if both else "backward" if backward else "forward"
    with open_video(video, **reading) as opened:
        store = _place(out, opened, resume=resume, overwrite=overwrite)
        methods: dict[str, Any] = {"tracker": tracker, "refiner": refiner, "device": device}
        methods["policy"] = _policy(tracker, ask_at)
        methods["tracker_options"] = {"size": size} | chosen["tracker"]
        methods["refiner_options"] = chosen["refiner"]
        with Session(opened, store=store, **methods) as session:
            try:
                _annotate(session, clicks, init_mask, init_frame)
            except LazyVosError:
                session.close()
                if not resume:
                    Store.remove(store)  # the corrected command finds the place free
                raise
            _run(session, out, (start, stop, way), export, as_json)


def _policy(tracker: str, ask_at: float | None) -> Policy:
    from napari_lazyvos.lazy.policy import Policy

    if ask_at is None:
        return Policy.for_tracker(tracker)
    return Policy.for_tracker(tracker, tau_user=ask_at or None)


def _calls_in_words(session: Session) -> str:
    """Say how many calls for help wait, and what to do about them."""
    frames = sorted({call.t for call in session.calls})
    which = ", ".join(map(str, frames[:8])) + (", …" if len(frames) > 8 else "")
    calls = "1 call" if len(session.calls) == 1 else f"{len(session.calls)} calls"
    return f"{calls} for help, in frames {which}: open {session.store.path} in napari to answer"


def _check_formats(formats: list[str]) -> None:
    from napari_lazyvos.store.export import FORMATS

    for name in formats:
        if name not in FORMATS:
            raise typer.BadParameter(f"no format {name!r}: choose from {', '.join(FORMATS)}")


def _installed(names: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Return the options of tracker and refiner that choose weights, if they can be used."""
    from napari_lazyvos.models import cache
    from napari_lazyvos.models.catalogue import find

    for name in (*names["tracker"], *names["refiner"]):
        cache.verified(find(name))  # before anything is made for the session
    return {
        kind: {"weights": given[0] if len(given) == 1 else given} if given else {}
        for kind, given in names.items()
    }


def _place(out: Path, video: Video, *, resume: bool, overwrite: bool) -> Path:
    """Return where the session is, or is to be, and make room for it."""
    from napari_lazyvos.store.store import Store

    out.mkdir(parents=True, exist_ok=True)
    store = out / f"{video.name}.lazyvos"
    if resume and not Store.exists(store):
        raise LazyVosError(f"there is nothing to resume: {store} is no session.")
    if Store.exists(store) and not resume:
        if not overwrite:
            raise LazyVosError(
                f"{store} is there already: --resume goes on with it, --overwrite replaces it."
            )
        Store.remove(store)
    return store


def _annotate(
    session: Session, clicks: list[ClickOption], init_mask: Path | None, init_frame: int
) -> None:
    for click in clicks:
        session.click(click.t, click.y, click.x, label=click.label, positive=click.positive)
    if init_mask is not None:
        from napari_lazyvos.cli.label_file import read_label_map

        session.paint(init_frame, read_label_map(init_mask, init_frame))


def _run(
    session: Session,
    out: Path,
    what: tuple[int | None, int | None, Way],
    formats: list[str],
    as_json: bool,
) -> None:
    from napari_lazyvos.cli.progress import follow
    from napari_lazyvos.cli.report import make_report
    from napari_lazyvos.store.export import FORMATS

    finished = follow(session, *what, quiet=as_json)
    report = make_report(session, finished)
    session.export("png", out / "masks", overwrite=True)
    for name in formats:
        suffix = FORMATS[name].suffix
        target = out / (f"{session.video.name}{suffix}" if suffix else name)
        session.export(name, target, overwrite=True)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print(json.dumps(report))
    elif report["finished"]:
        typer.echo(f"{report['frames']} masks are in {out / 'masks'}", err=True)
        if session.calls:
            typer.echo(_calls_in_words(session), err=True)
    if not report["finished"]:
        raise LazyVosError(
            f"stopped after {finished.tracked} frames, which are kept: add --resume instead of "
            "clicks or masks to go on"
        )
