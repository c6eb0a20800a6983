"""Frames in: arrays, files and folders as one small interface."""

from __future__ import annotations

from napari_lazyvos.video.opening import open_video
from napari_lazyvos.video.prefetch import ahead
from napari_lazyvos.video.source import PixelScale, Source
from napari_lazyvos.video.video import Video

__all__ = ["PixelScale", "Source", "Video", "ahead", "open_video"]
