"""MiVOS' difference-aware fusion (Cheng, Tai & Tang 2021, sec. 4.3): two masks become one.

Modules bear the names of the authors' checkpoint ``fusion.pth``, which loads unchanged.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MivosFusionNet"]

_WIDTH = 32
_IN = 3 + 1 + 1 + 2 + 2  # image, mask before, new mask, both differences, both distances


class MivosFusionNet(nn.Module):
    """Tells pixel by pixel what of the mask before and of the new one is right, in 40 000 weights.

    It sees where the person's correction changed the mask, brought from the frame of the
    correction to this one, so that it knows what the person wanted (eq. 6 and 7).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(_conv(_IN), nn.ReLU())
        self.conv2 = nn.Sequential(_conv(), nn.ReLU(), _conv())
        self.conv3 = nn.Sequential(_conv(), nn.ReLU(), _conv())
        self.final_conv = nn.Conv2d(_WIDTH, 1, 3, padding=1)

    def forward(
        self, image: Tensor, before: Tensor, new: Tensor, changed: Tensor, distances: Tensor
    ) -> Tensor:
        """Return (K, h, w) logits of the masks of K objects.

        Parameters
        ----------
        image : (1, 3, h, w) float tensor, normalised as ImageNet's
        before, new : (K, h, w) float tensors in [0, 1]
        changed : (K, 2, h, w) float tensor in [0, 1]
            Where the correction added to the mask and where it took away, brought to this frame.
        distances : (K, 2) float tensor in [0, 1]; the two of an object sum to 1
            From this frame to the one annotated before, and to that of the round, as parts of the
            way between the two.
        """
        constant = distances[:, :, None, None].expand(-1, -1, *image.shape[2:])
        many = image.expand(len(before), -1, -1, -1)
        x = self.conv1(torch.cat([many, before[:, None], new[:, None], changed, constant], 1))
        x = F.relu(self.conv2(x) + x)
        x = F.relu(self.conv3(x) + x)
        logits: Tensor = self.final_conv(x)
        return logits[:, 0]


def _conv(channels: int = _WIDTH) -> nn.Conv2d:
    return nn.Conv2d(channels, _WIDTH, 3, padding=1)
