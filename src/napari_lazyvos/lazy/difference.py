"""MiVOS' difference-aware fusion in a round (Cheng, Tai & Tang 2021, sec. 4.3)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from napari_lazyvos.lazy.fusion import Meeting
from napari_lazyvos.nets.mivos_fusion import MivosFusionNet
from napari_lazyvos.nets.stm import aggregate
from napari_lazyvos.nets.weights import Weights, build
from napari_lazyvos.trackers.canvas import Canvas

__all__ = ["MivosFusion"]

SIZE = 480  # short side in pixels that the network was trained for


class MivosFusion:
    """Let a network decide, which sees both masks, the image, and what the person changed.

    The network looks at one object at a time; then all are made to sum to one.

    Parameters
    ----------
    weights : None, str, Path or state dict
        The published ``fusion.pth``: a name of the catalogue, or a file. None: the installed ones.
    device : torch.device
    """

    name: ClassVar[str] = "mivos"

    def __init__(self, weights: Weights = None, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.net = build(MivosFusionNet, weights, "mivos-fusion").to(self.device)

    @torch.no_grad()
    def fuse(self, meeting: Meeting) -> Tensor:
        """Return probabilities; see `Fusion`."""
        height, width = meeting.frame.shape[1:]
        canvas = Canvas(height, width, SIZE)
        chosen = [label for label in meeting.labels if label in meeting.nearness]
        rows = [1 + meeting.labels.index(label) for label in chosen]
        near = torch.tensor([meeting.nearness[label] for label in chosen], device=self.device)
        logits = self.net(
            canvas.image(meeting.frame, self.device),
            canvas.smooth(meeting.before[rows].to(self.device)),
            canvas.smooth(meeting.new[rows].to(self.device)),
            torch.stack([canvas.smooth(meeting.changed(k).to(self.device)) for k in chosen]),
            torch.stack([near, 1 - near], 1),
        )
        fused = meeting.new[1:].clone()
        fused[[row - 1 for row in rows]] = canvas.back(logits.sigmoid()).to(fused.device)
        return aggregate(fused)
