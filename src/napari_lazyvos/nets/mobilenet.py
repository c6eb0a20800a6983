"""MobileNetV2 (Sandler et al. 2018) to stride 16, with the names that published weights have."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["MobileNetV2"]

_STAGES = (
    # widens, channels, blocks, stride, dilation of the first and of the others
    (1, 16, 1, 1, 1, 1),
    (6, 24, 2, 2, 1, 1),
    (6, 32, 3, 2, 1, 1),
    (6, 64, 4, 2, 1, 1),
    (6, 96, 3, 1, 1, 1),
    (6, 160, 3, 1, 1, 2),  # would stride to 32: the blocks after it look twice as far instead
    (6, 320, 1, 1, 2, 2),
)
_LAST = 1280
_TAPS = (3, 6, 13)  # layers after which features are taken, at strides 4, 8 and 16


class MobileNetV2(nn.Module):
    """Table 2 of the paper, without the classifier, and not beyond stride 16."""

    def __init__(self) -> None:
        super().__init__()
        features: list[nn.Module] = [_convolved(3, 32, 3, 2)]
        before = 32
        for widens, channels, blocks, stride, first, others in _STAGES:
            features.append(InvertedResidual(before, channels, widens, stride, first))
            for _ in range(blocks - 1):
                features.append(InvertedResidual(channels, channels, widens, 1, others))
            before = channels
        self.features = nn.Sequential(*features, _convolved(before, _LAST, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, 3, h, w) to the last features, at stride 16, and to those at strides 16, 8 and 4.

        They have 1280, 96, 32 and 24 channels.
        """
        taken, x = [], image
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in _TAPS:
                taken.append(x)
        f4, f8, f16 = taken
        return x, f16, f8, f4


class InvertedResidual(nn.Module):
    """Widens, looks around channel by channel, and narrows; beside a short cut (sec. 3.3).

    Parameters
    ----------
    before, after : channels
    widens : how many times as many channels there are between
    stride, dilation : of the convolution of 3 x 3
    """

    def __init__(self, before: int, after: int, widens: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.is_residual = stride == 1 and before == after
        width = widens * before
        widening = [] if widens == 1 else [_convolved(before, width, 1)]
        self.conv = nn.Sequential(
            *widening,
            _convolved(width, width, 3, stride, dilation, groups=width),
            nn.Conv2d(width, after, 1, bias=False),  # linear: a ReLU would lose what it narrows to
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, h, w) to (B, after, h / stride, w / stride)."""
        y: Tensor = self.conv(x)
        return y.add_(x) if self.is_residual else y


def _convolved(
    before: int, after: int, kernel: int, stride: int = 1, dilation: int = 1, *, groups: int = 1
) -> nn.Sequential:
    """Return a convolution with a normalisation and an activation."""
    return nn.Sequential(
        nn.Conv2d(
            before, after, kernel, stride, kernel // 2 * dilation, dilation, groups, bias=False
        ),
        nn.BatchNorm2d(after),
        nn.ReLU6(inplace=True),
    )
