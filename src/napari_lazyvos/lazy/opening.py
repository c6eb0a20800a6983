"""The store of a session: made for a video, or opened again with the same one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.models import Models
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.store.store import Store
from napari_lazyvos.video import Video, open_video

__all__ = ["open_store", "read_making"]


def open_store(path: Path, video: Video, models: Models, policy: Policy) -> Store:
    """Open the store in a folder, or make one for this video.

    Raises
    ------
    LazyVosError
        If the folder holds something else, or a session on another video.
    """
    if video.frames is None:
        raise LazyVosError(f"{video.name} is still growing: its length must be known.")
    size = (video.frames, video.height, video.width)
    if not Store.exists(path):
        frames, height, width = size
        metadata = {
            "video": video.describe(),
            "tracker": models.tracker_name,
            "tracker_options": _written("tracker", models.tracker_options),
            "refiner": models.refiner_name,
            "refiner_options": _written("refiner", models.refiner_options),
            "policy": policy.options,
        }
        return Store.create(
            path, frames=frames, height=height, width=width, scale=video.scale, metadata=metadata
        )
    store = Store.open(path)
    if store.masks.shape != size:
        store.close()
        raise LazyVosError(
            f"{path} holds a session on another video: its (frames, height, width) is "
            f"{store.masks.shape}, this video's is {size}. Choose another folder."
        )
    return store


def _written(what: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are kept, so that the session can be opened again.

    Raises
    ------
    LazyVosError
        If one of them cannot be written down, such as weights that are in memory only.
    """
    for name, value in options.items():
        try:
            json.dumps(value)
        except TypeError:
            raise LazyVosError(
                f"the option {name} of the {what} is a {type(value).__name__}, which cannot be "
                "kept with the session: give a name or a path, or in place of the name of the "
                f"{what} a ready-made one."
            ) from None
    return dict(options)


def read_making(path: str | os.PathLike[str]) -> tuple[Video, dict[str, Any]]:
    """Return the video of a store, and the options that its session was made with.

    Raises
    ------
    LazyVosError
        If the folder holds no session, or its video was in memory only, or is gone.
    """
    with Store.open(path) as store:
        metadata = store.metadata
    if metadata["video"].get("what") is None:
        raise LazyVosError(
            f"the video of {path} was in memory only: give it again, Session(video, store=...)"
        )
    options = {name: metadata[name] for name in ("tracker", "refiner", "tracker_options")}
    options["refiner_options"] = metadata.get("refiner_options", {})  # older stores have none
    if "policy" in metadata:
        options["policy"] = Policy(**metadata["policy"])
    return open_video(**metadata["video"]), options
