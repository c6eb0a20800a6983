"""Two rounds of MiVOS, against the authors' code with the same weights."""

from __future__ import annotations

import numpy as np
import torch

from napari_lazyvos import trackers
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.lazy.difference import MivosFusion
from napari_lazyvos.lazy.fusion import Meeting
from napari_lazyvos.lazy.round import bounds
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.mivos_fusion import MivosFusionNet

CPU = torch.device("cpu")
LABELS = (1, 2)


def given(parity, clip, t):
    return one_hot(parity.clips[f"{clip}_labels"][t], LABELS, CPU)


def test_what_two_rounds_fuse_is_as_published(parity):
    """Of a clip that needs no padding: what is predicted beyond a frame is not kept here."""
    name, second, clip = "main", 8, "main"
    case, golden = parity.cases("mivos")[name], parity.golden("mivos")
    options = {key: case["config"][key] for key in ("top_k", "mem_freq")}
    weights = parity.weights(MivosNet())
    tracker = trackers.load("mivos", weights=weights, device="cpu", size=-1, **options)
    fusion = MivosFusion(parity.weights(MivosFusionNet()))
    objects = torch.from_numpy(golden[f"{name}__prob_round1"]).float()
    first = torch.cat([1 - objects.sum(1, keepdim=True), objects], 1)
    for t in (0, second):
        masks = given(parity, clip, t)
        tracker.commit(t, parity.frame(clip, t), masks, LABELS, permanent=True)
    wanted, was = given(parity, clip, second), first[second]
    changed = torch.stack([(wanted - was).clamp(0, 1), (was - wanted).clamp(0, 1)], 1).numpy()
    published, reach = golden[f"{name}__prob_round2"], bounds([0], second, len(objects))
    for t in range(second - 1, reach.first - 1, -1):
        frame = parity.frame(clip, t)
        new = tracker.step(frame)
        near = dict.fromkeys(LABELS, reach.nearness(t, second))
        fused = fusion.fuse(
            Meeting(
                frame,
                first[t],
                new,
                LABELS,
                near,
                lambda label: tracker.attend(second, label, changed[label]),
            )
        )
        assert np.abs(fused[1:].numpy() - published[t]).max() < 1e-3
        tracker.commit(t, frame, new, LABELS)
