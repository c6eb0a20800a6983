"""MiVOS' fusion network, against what the authors' code computed with the same weights."""

from __future__ import annotations

import json

import torch

from napari_lazyvos.nets.mivos_fusion import MivosFusionNet
from napari_lazyvos.nets.weights import fill
from napari_lazyvos.trackers.canvas import Canvas


def test_the_keys_are_the_published_ones(parity):
    published = json.loads((parity.folder / "mivos_keys.json").read_text())["fusion"]["keys"]
    ours = {name: list(each.shape) for name, each in MivosFusionNet().state_dict().items()}
    assert ours == {name: shape for name, (shape, _) in published.items()}


@torch.no_grad()
def test_two_masks_become_the_published_one(parity):
    net = fill(MivosFusionNet(), parity.weights(MivosFusionNet()), "mivos-fusion")
    golden = parity.golden("mivos")

    def stored(name):
        return torch.from_numpy(golden[f"main__fusion_first_{name}"]).float()

    # The first frame that the second round fuses is the one before its own, 8.
    image = Canvas(112, 144, -1).image(parity.frame("main", 7), torch.device("cpu"))
    # What is stored as the mask before was written over already; it is that of the first round.
    before = torch.from_numpy(golden["main__prob_round1"][7, :1]).float()
    new = stored("object_curr")[:, 0]
    found = net(image, before, new, stored("attention"), stored("time"))
    parity.compare(found[:, None], golden["main__fusion_first_logits"])
