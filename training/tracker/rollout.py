"""Track a batch of clips as the tracker does, and measure how well."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.nets.compact import CompactNet, Looks, Witnesses
from napari_lazyvos.trackers.compact.witnesses import Bank, Sighting, predict
from napari_lazyvos.trackers.windowed.flow import consistency, motion, warp

__all__ = ["Batch", "Scores", "flows", "rollout"]

KEEP_EVERY = 3  # frames; clips are shorter than videos, so more often than the tracker does
_HARDEST = 0.4  # share of the pixels that the cross-entropy counts


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips, and the flow between their frames.

    Frame 0 is the one that a person annotated. Frame 1 may have come much later: its masks are
    what the tracker then made of them. From frame 2 on we track.
    """

    frames: Tensor  # (B, T, 3, h, w) float32 in [0, 1]
    labels: Tensor  # (B, T, h, w) uint8
    first: Tensor  # (B, h, w) uint8: the masks of frame 0 as the tracker got them, perhaps coarse
    begun: Tensor  # (B, h, w) uint8: those of frame 1, perhaps wrong
    drift: Tensor  # (B, 2, h, w): from frame 1 to frame 0, as far as it was not lost
    back: Tensor  # (B, T - 2, 2, h, w): from frame t to frame t - 1, beginning with t = 2
    forth: Tensor  # (B, T - 2, 2, h, w): from frame t - 1 to frame t

    def to(self, device: str) -> Batch:
        """Return the batch on a device."""
        return Batch(**{each.name: getattr(self, each.name).to(device) for each in fields(self)})


@dataclass(frozen=True, slots=True)
class Scores:
    """How a batch went."""

    loss: Tensor  # scalar
    similarity: float  # mean J over objects in frames after the first


def flows(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Return the flows of a (B, T, 3, h, w) batch, (B, T - 1, 2, h, w) each.

    The first is from frame t to frame t - 1, the second from frame t - 1 to frame t, for t from 1.
    """
    grey = (frames * frames.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(2)
    pictures = (grey * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    pairs = [[(clip[t], clip[t - 1]) for t in range(1, len(clip))] for clip in pictures]
    back = [torch.stack([motion(here, before) for here, before in clip]) for clip in pairs]
    forth = [torch.stack([motion(before, here) for here, before in clip]) for clip in pairs]
    return torch.stack(back), torch.stack(forth)


def rollout(net: CompactNet, batch: Batch) -> Scores:
    """Track all clips from where they begin; its own masks are what the tracker goes on with."""
    objects = int(batch.first.max())
    first, last = (_one_hot(masks, objects) for masks in (batch.first, batch.begun))
    targets = _known(batch.labels, batch.first, objects)
    seen = _look(net, batch.frames)
    drift = batch.drift
    kept_far = [(seen[0].far, first), (seen[1].far, last)]
    losses, overlaps = [], []
    for t in range(2, batch.frames.shape[1]):
        back, forth = batch.back[:, t - 2], batch.forth[:, t - 2]
        trust = consistency(back, forth).clamp(min=0.2)[:, None]
        drift = back + warp(drift, back)
        logits, said = predict(
            net,
            seen[t],
            trust,
            Sighting(seen[t - 1].near, last, back),
            [Sighting(seen[0].near, first, drift)],
            _bank(kept_far),
        )
        target = targets[:, t]
        losses.append(_loss(logits, target) + 0.5 * _raw_loss(said, target))
        last = logits.softmax(1).detach()
        if (t - 1) % KEEP_EVERY == 0:
            kept_far.append((seen[t].far, last))
        overlaps.append(_similarity(logits, target, objects))
    return Scores(torch.stack(losses).mean(), float(np.nanmean(np.concatenate(overlaps))))


def _look(net: CompactNet, frames: Tensor) -> list[Looks]:
    """Look at all frames at once, in units of what the first frame holds."""
    first = frames[:, 0].flatten(1)
    mean, deviation = first.mean(1), first.std(1).clamp(min=0.02)
    images = (frames - mean[:, None, None, None, None]) / deviation[:, None, None, None, None]
    device = frames.device.type
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        looks = net.look(images.flatten(0, 1))
    parts = (looks.fine, looks.shared, looks.near, looks.far)
    split = (part.float().unflatten(0, frames.shape[:2]).unbind(1) for part in parts)
    return [Looks(*each) for each in zip(*split, strict=True)]


def _bank(kept: list[tuple[Tensor, Tensor]]) -> Bank:
    keys = torch.cat([far.flatten(2) for far, _ in kept], 2)
    masks = torch.cat([F.avg_pool2d(masks, 8).flatten(2) for _, masks in kept], 2)
    return Bank(keys, masks)


def _one_hot(labels: Tensor, objects: int) -> Tensor:
    """(B, h, w) labels to (B, 1 + K, h, w) float masks."""
    return F.one_hot(labels.long(), objects + 1).movedim(-1, 1).float()


def _known(labels: Tensor, first: Tensor, objects: int) -> Tensor:
    """Turn objects that the first masks do not show to background: nobody was told of them."""
    shown = torch.stack([(first == k).flatten(1).any(1) for k in range(objects + 1)], 1)
    labels = labels.clamp(max=objects).long() * (labels <= objects)
    known = shown.gather(1, labels.flatten(1)).view_as(labels)
    return torch.where(known, labels, torch.zeros_like(labels))


def _loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of the hardest pixels, and soft Dice of the objects."""
    each = F.cross_entropy(logits, target, reduction="none").flatten(1)
    hardest = each.topk(int(_HARDEST * each.shape[1]), dim=1).values.mean()
    probabilities, truth = logits.softmax(1)[:, 1:], _one_hot(target, logits.shape[1] - 1)[:, 1:]
    both = (probabilities * truth).sum((2, 3))
    either = probabilities.sum((2, 3)) + truth.sum((2, 3))
    there = (truth.sum((2, 3)) > 0).float()
    dice = ((1 - 2 * both / (either + 1)) * there).sum() / there.sum().clamp(min=1)
    return hardest + 0.5 * dice


def _raw_loss(said: Witnesses, target: Tensor) -> Tensor:
    """Cross-entropy of what was read, so that the keys learn before the decoder does."""
    total = torch.zeros((), device=target.device)
    for read in (said.last, said.kept, said.far):
        step = target.shape[-1] // read.shape[-1]
        truth = F.avg_pool2d(_one_hot(target, read.shape[1] - 1), step)
        total = total - (truth * read.clamp(min=1e-4).log()).sum(1).mean()
    return total / 3


@torch.no_grad()
def _similarity(logits: Tensor, target: Tensor, objects: int) -> np.ndarray:
    found = logits.argmax(1)
    values = []
    for label in range(1, objects + 1):
        mask, truth = found == label, target == label
        both, either = ((op).sum((1, 2)).float() for op in (mask & truth, mask | truth))
        values.append(torch.where(truth.any(2).any(1), both / either.clamp(min=1), torch.nan))
    return torch.cat(values).cpu().numpy()
