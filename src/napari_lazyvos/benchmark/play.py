"""One clip, from its references to what was measured of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from napari_lazyvos import metrics
from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.mask_folder import save_masks
from napari_lazyvos.benchmark.pictures import worst_pictures
from napari_lazyvos.benchmark.protocols import Diary, follow, policy_of
from napari_lazyvos.benchmark.results import ObjectResult, SequenceResult
from napari_lazyvos.benchmark.rounds import follow_in_rounds
from napari_lazyvos.benchmark.settings import Settings
from napari_lazyvos.benchmark.targets import Target, find_targets, judge
from napari_lazyvos.lazy.report import peak_rss_mb
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.video import Video, open_video

__all__ = ["measure", "play"]

Found = Callable[[int], np.ndarray]  # t -> (H, W) label map


def play(
    clip: Clip,
    folder: Path,
    on_frame: Callable[[], object] = lambda: None,
    *,
    settings: Settings,
    masks: Path | None = None,
    pictures: bool = False,
) -> SequenceResult:
    """Follow the objects of a clip as a protocol says, and measure how well; see `runner.Work`.

    Parameters
    ----------
    clip : Clip
    folder : Path
        Empty; the session lives there.
    on_frame : called after each frame that is tracked
    settings : Settings
    masks : Path, optional
        The masks are saved in a folder of the clip's name in this one; see `save_masks`.
    pictures : whether to draw the worst frames

    Raises
    ------
    LazyVosError
        If the video or a reference cannot be read, or no object is shown.
    """
    with open_video(clip.video) as video, closing(clip.references):
        targets = find_targets(clip, video.frames or 0, most=settings.most_objects)
        with Session(
            video,
            store=folder / "session.lazyvos",
            tracker=settings.tracker,
            refiner=settings.refiner,
            device=settings.device,
            tracker_options=settings.tracker_options,
            refiner_options=settings.refiner_options,
            policy=policy_of(clip, targets, settings),
        ) as session:
            diary = Diary(on_frame)
            curve: tuple[float, ...] = ()
            if settings.protocol == "ivos":
                curve = follow_in_rounds(session, clip, targets, settings, diary)
            else:
                follow(session, clip, targets, settings, diary)
            found = session.store.masks.stored
            if masks is not None:
                save_masks(clip, video, found, masks / clip.name)
            return measure(
                clip,
                video,
                targets,
                found,
                diary=diary,
                rounds=curve,
                cells=settings.cells,
                pictures=pictures,
            )


def measure(
    clip: Clip,
    video: Video,
    targets: tuple[Target, ...],
    found: Found,
    *,
    diary: Diary | None = None,
    rounds: tuple[float, ...] = (),
    cells: bool = False,
    pictures: bool = False,
) -> SequenceResult:
    """Compare the masks of a clip with its references.

    Parameters
    ----------
    clip, video, targets : what is known
    found : t -> (H, W) label map that was predicted
    diary, rounds : what happened meanwhile; None: the masks are not ours
    cells : whether the measures of the Cell Tracking Challenge are wanted, too
    pictures : whether to draw the worst frames
    """
    judged = judge(clip, targets, found)
    objects = []
    for target in targets:
        of = judged[target.label]
        objects.append(
            ObjectResult(
                target.label,
                target.given,
                target.end,
                target.judged,
                of.region,
                of.contour,
                of.present,
                of.predicted,
                unseen=None if clip.unseen is None else target.label in clip.unseen,
                **({} if diary is None else diary.of(target)),
            )
        )
    return SequenceResult(
        clip.name,
        video.frames or 0,
        video.height,
        video.width,
        tuple(objects),
        tracked=None if diary is None else diary.tracked,
        seconds=None if diary is None else round(diary.seconds, 3),
        peak_mb=None if diary is None else round(peak_rss_mb(), 1),
        fps=clip.fps,
        rounds=rounds,
        cells=_cells(clip, video, found) if cells else None,
        worst=worst_pictures(video, clip, tuple(objects), found) if pictures else (),
    )


def _cells(clip: Clip, video: Video, found: Found) -> dict[str, float]:
    """Return SEG, DET and TRA over the frames that have references."""
    frames = [t for t in range(video.frames or 0) if clip.references.at(t)]

    def truth() -> Iterator[np.ndarray]:
        for t in frames:
            label_map = np.zeros((video.height, video.width), np.int32)
            for label, mask in clip.references.at(t).items():
                label_map[mask] = label
            yield label_map

    of = metrics.cell_tracking((found(t) for t in frames), truth())
    return {"SEG": of.seg, "DET": of.det, "TRA": of.tra}
