"""A person and the network, click by click, on a batch of stills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.nets.clicks import ClickNet, discs
from training.clicks.loader import Stills
from training.clicks.person import first_click, next_click

__all__ = ["Scores", "standardize", "work"]


@dataclass(frozen=True, slots=True)
class Scores:
    """How a batch went."""

    loss: Tensor  # scalar, of the last click
    overlaps: list[float]  # mean intersection over union after each click


def work(net: ClickNet, batch: Stills, clicks: int) -> Scores:
    """Click so many times; only the answer to the last click is learned from (RITM, sec. 3.3)."""
    rng = np.random.default_rng((7, batch.number))
    device = next(net.parameters()).device
    images, truths = standardize(batch.images.to(device)), batch.truths.to(device)
    height, width = truths.shape[1:]
    places = torch.zeros(len(truths), clicks, 3)
    answer = torch.zeros(len(truths), 1, height, width, device=device)
    overlaps = []
    for number in range(clicks):
        places[:, number] = _click(batch.truths, answer[:, 0].cpu() > 0.5, number, rng)
        known = torch.from_numpy(rng.random((len(truths), 1, 1, 1)) < 0.8)
        previous = answer * known.to(device)
        learns = number == clicks - 1
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            logits, quality = net(images, discs(places.to(device), height, width), previous.float())
        answer = logits.detach().sigmoid()
        overlap = _overlap(answer[:, 0] > 0.5, truths)
        overlaps.append(float(overlap.mean()))
    return Scores(_loss(logits[:, 0], truths.float()) + F.mse_loss(quality, overlap), overlaps)


def standardize(images: Tensor) -> Tensor:
    """Bring (B, 3, h, w) crops to mean 0 and deviation 1, dark ones too."""
    flat = images.flatten(1)
    mean, deviation = flat.mean(1), flat.std(1).clamp(min=0.02)
    return (images - mean[:, None, None, None]) / deviation[:, None, None, None]


def _click(truths: Tensor, masks: Tensor, number: int, rng: np.random.Generator) -> Tensor:
    pairs = zip(truths.numpy(), masks.numpy(), strict=True)
    if number == 0:
        return torch.tensor([first_click(truth, rng) for truth, _ in pairs])
    return torch.tensor([next_click(truth, mask, rng) for truth, mask in pairs])


def _overlap(masks: Tensor, truths: Tensor) -> Tensor:
    both, either = (masks & truths).sum((1, 2)), (masks | truths).sum((1, 2))
    return both / either.clamp(min=1)


def _loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy, balanced between inside and outside near by, and soft Dice."""
    each = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    hardest = each.flatten(1).topk(each[0].numel() // 4, dim=1).values.mean()
    probability = logits.sigmoid()
    both = (probability * truth).sum((1, 2))
    dice = 1 - (2 * both + 1) / (probability.sum((1, 2)) + truth.sum((1, 2)) + 1)
    return hardest + dice.mean()
