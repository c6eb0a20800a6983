"""``lazyvos track``: follow objects through a video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_lazyvos.cli.methods import (
    AskAt,
    RefinerName,
    Size,
    TrackerName,
    TrackerOptions,
    WeightsNames,
    check_formats,
    choose_methods,
)
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
)
from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
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
    tracker: TrackerName = "compact",
    refiner: RefinerName = "compact",
    weights: WeightsNames = None,
    tracker_option: TrackerOptions = None,
    device: Device = "auto",
    size: Size = 480,
    ask_at: AskAt = None,
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
    check_formats(export)
    methods = choose_methods(
        tracker,
        refiner,
        weights=weights,
        tracker_option=tracker_option,
        device=device,
        size=size,
        ask_at=ask_at,
    )
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.store.store import Store
    from napari_lazyvos.video import open_video

    way: Way = "both" if both else "backward" if backward else "forward"
    with open_video(video, **reading) as opened:
        store = _place(out, opened, resume=resume, overwrite=overwrite)
        with Session(opened, store=store, **methods) as session:
            try:
                _annotate(session, clicks, init_mask, init_frame)
            except LazyVosError:
                session.close()
                if not resume:
                    Store.remove(store)  # the corrected command finds the place free
                raise
            _run(session, out, (start, stop, way), export, as_json)


def _calls_in_words(session: Session) -> str:
    """Say how many calls for help wait, and what to do about them."""
    frames = sorted({call.t for call in session.calls})
    which = ", ".join(map(str, frames[:8])) + (", …" if len(frames) > 8 else "")
    calls = "1 call" if len(session.calls) == 1 else f"{len(session.calls)} calls"
    return f"{calls} for help, in frames {which}: open {session.store.path} in napari to answer"


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
        from napari_lazyvos.video.label_file import read_label_map

        session.paint(init_frame, read_label_map(init_mask, init_frame))


def _run(
    session: Session,
    out: Path,
    what: tuple[int | None, int | None, Way],
    formats: list[str],
    as_json: bool,
) -> None:
    from napari_lazyvos.cli.progress import follow
    from napari_lazyvos.lazy.report import MASKS, export_all, make_report, write_report

    finished = follow(session, *what, quiet=as_json)
    report = make_report(session, finished)
    export_all(session, out, formats)
    write_report(report, out)
    if as_json:
        print(json.dumps(report))
    elif report["finished"]:
        typer.echo(f"{report['frames']} masks are in {out / MASKS}", err=True)
        if session.calls:
            typer.echo(_calls_in_words(session), err=True)
    if not report["finished"]:
        raise LazyVosError(
            f"stopped after {finished.tracked} frames, which are kept: add --resume instead of "
            "clicks or masks to go on"
        )
