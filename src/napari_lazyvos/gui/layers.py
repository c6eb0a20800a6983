"""The three layers of a session in a viewer: clicks, masks and uncertainty.

They are found by ``layer.metadata["lazyvos"]``, never by name: people rename and delete layers.
Scale, affine, units and axis labels are those of the video's layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Layer, Points
from napari.viewer import Viewer

from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.colours import INCLUDE, label_colormap
from napari_lazyvos.gui.lifted import Lifted

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.store.stack import FrameStack

__all__ = ["CLICKS", "MASKS", "UNCERTAINTY", "SessionLayers", "is_ours", "placement"]

Kind: TypeAlias = Literal["clicks", "masks", "uncertainty"]
CLICKS: Kind = "clicks"
MASKS: Kind = "masks"
UNCERTAINTY: Kind = "uncertainty"

KEY = "lazyvos"  # in layer.metadata
MASK_OPACITY = 0.5
UNCERTAINTY_OPACITY = 0.6
CLICK_SHARE = 0.025  # a click's disc, as a share of the frame's shorter side
SMALLEST_CLICK = 5  # data pixels


def is_ours(layer: Layer) -> bool:
    """Tell whether a layer was made by this plugin."""
    return KEY in layer.metadata


class SessionLayers:
    """Makes, finds and refreshes the layers of one session.

    Parameters
    ----------
    viewer : napari viewer
    session : Session
    axes : Axes
        Of the video's layer.
    like : dict
        Arguments of the video's layer that place it in the world, which ours copy; see
        `placement`.
    """

    def __init__(self, viewer: Viewer, session: Session, axes: Axes, like: dict[str, Any]) -> None:
        self.axes = axes
        self._viewer = viewer
        self._session = session
        self._like = like
        self._mark = str(session.store.path)
        self._dtype = session.store.masks.dtype

    @property
    def clicks(self) -> Points | None:
        """The layer of clicks, unless it was deleted."""
        return self._find(CLICKS)

    @property
    def masks(self) -> Labels | None:
        """The layer of masks, unless it was deleted."""
        return self._find(MASKS)

    @property
    def uncertainty(self) -> Image | None:
        """The layer of uncertainty, unless it was deleted."""
        return self._find(UNCERTAINTY)

    @property
    def missing(self) -> tuple[Kind, ...]:
        """The layers that are not in the viewer."""
        return tuple(kind for kind in (UNCERTAINTY, MASKS, CLICKS) if self._find(kind) is None)

    def make(self) -> None:
        """Add the layers that are missing; the clicks end on top."""
        makers = {
            UNCERTAINTY: self._make_uncertainty,
            MASKS: self._make_masks,
            CLICKS: self._make_clicks,
        }
        for kind in self.missing:
            makers[kind]()

    def remove(self) -> None:
        """Take the layers out of the viewer; the results stay on disk."""
        for kind in (CLICKS, MASKS, UNCERTAINTY):
            layer = self._find(kind)
            if layer is not None:
                self._viewer.layers.remove(layer)

    def shown_frame(self) -> int:
        """Return the number of the frame that the viewer shows."""
        layer = self.masks or self.clicks or self.uncertainty
        if layer is None:
            return 0
        place = layer.world_to_data(self._viewer.dims.point)
        frames = self.axes.shape[self.axes.time]
        return min(max(round(float(place[self.axes.time])), 0), frames - 1)

    def show_frame(self, t: int) -> None:
        """Move the viewer's slider to a frame."""
        layer = self.masks or self.clicks or self.uncertainty
        if layer is None or t == self.shown_frame():
            return
        point = list(layer.world_to_data(self._viewer.dims.point))
        point[self.axes.time] = t
        world = layer.data_to_world(point)
        first = self._viewer.dims.ndim - layer.ndim
        self._viewer.dims.set_point(first + self.axes.time, world[self.axes.time])

    def refresh(self, frames: Iterable[int] | None = None) -> None:
        """Draw what is shown again, if it is one of these frames (None: whatever it is)."""
        if frames is not None and self.shown_frame() not in frames:
            return
        self._relink()
        for layer in (self.masks, self.uncertainty):
            if layer is not None:
                # The costs of thumbnail, highlight and extent are not worth paying per frame.
                layer.refresh(thumbnail=False, highlight=False, extent=False)

    def show_uncertainty(self) -> None:
        """Make the uncertainty visible; it is hidden until there is some."""
        layer = self.uncertainty
        if layer is not None:
            layer.visible = True

    def forget_strokes(self) -> None:
        """Empty napari's own undo history, which would put old pixels into new masks."""
        masks = self.masks
        if masks is not None and masks.editable:
            mode = masks.mode
            masks.editable = False
            masks.editable = True
            masks.mode = mode

    def _find(self, kind: Kind) -> Any:
        for layer in self._viewer.layers:
            mark = layer.metadata.get(KEY)
            if mark is not None and mark["kind"] == kind and mark["store"] == self._mark:
                return layer
        return None

    def _data(self, stack: FrameStack) -> FrameStack | Lifted:
        return Lifted(stack, self.axes) if self.axes.others else stack

    def _relink(self) -> None:
        """Tell napari when the masks have become wider, for a label above 255."""
        masks, stack = self.masks, self._session.store.masks
        if masks is not None and stack.dtype != self._dtype:
            masks.data = self._data(stack)
            self._dtype = stack.dtype

    def _common(self, kind: Kind) -> dict[str, Any]:
        name = f"{kind} {self._session.video.name}"
        return {"name": name, "metadata": {KEY: {"kind": kind, "store": self._mark}}, **self._like}

    def _make_masks(self) -> None:
        layer = self._viewer.add_labels(
            self._data(self._session.store.masks),
            opacity=MASK_OPACITY,
            colormap=label_colormap(),
            **self._common(MASKS),
        )
        layer.n_edit_dimensions = 2

    def _make_uncertainty(self) -> None:
        self._viewer.add_image(
            self._data(self._session.store.uncertainty),
            contrast_limits=(0, 255),  # 255 is an entropy of 1
            colormap="inferno",
            blending="additive",  # certain pixels are black, and black adds nothing
            opacity=UNCERTAINTY_OPACITY,
            visible=False,
            **self._common(UNCERTAINTY),
        )

    def _make_clicks(self) -> None:
        video = self._session.video
        layer = self._viewer.add_points(
            np.empty((0, self.axes.ndim)),
            ndim=self.axes.ndim,
            features=pd.DataFrame(
                {
                    "label": np.empty(0, int),
                    "kind": np.empty(0, object),
                    "click": np.empty(0, int),
                }
            ),
            feature_defaults={"label": 1, "kind": "include", "click": 0},
            size=max(SMALLEST_CLICK, round(CLICK_SHARE * min(video.height, video.width))),
            face_color=INCLUDE,
            border_width=0.2,
            **self._common(CLICKS),
        )
        layer.mode = "add"


def placement(layer: Image | None) -> dict[str, Any]:
    """Return the arguments that place a new layer where this one is."""
    if layer is None:
        return {}
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }
