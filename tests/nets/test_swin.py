"""Swin-B against the one that comes with torchvision, since no output of the authors' is stored."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_lazyvos.nets.swin import SwinB

STAGES = (1, 3, 5)  # of torchvision's features; those between them merge patches
NAMES = {"0.0.": "patch_embed.proj.", "0.2.": "patch_embed.norm."}
NAMES |= {f"{stage}.": f"layers.{number}.blocks." for number, stage in enumerate(STAGES)}
NAMES |= {f"{stage + 1}.": f"layers.{n}.downsample." for n, stage in enumerate(STAGES[:2])}


def named(key):
    """Return the name that published weights have for one of torchvision's."""
    key = key.removeprefix("features.")
    begin = max((each for each in NAMES if key.startswith(each)), key=len)
    rest = key.removeprefix(begin).replace("mlp.0", "mlp.fc1").replace("mlp.3", "mlp.fc2")
    return NAMES[begin] + rest


@torch.no_grad()
def test_features_are_those_of_torchvision():
    """Of a picture that fills no whole number of windows, at any of the strides."""
    pytest.importorskip("torchvision")
    from torchvision.models.swin_transformer import SwinTransformer

    torch.manual_seed(0)
    other = SwinTransformer([4, 4], 128, [2, 2, 18], [4, 8, 16], [7, 7], stochastic_depth_prob=0.0)
    for key, each in other.named_parameters():
        if key.endswith("relative_position_bias_table"):
            each.normal_()  # else it hardly matters
    other.eval()
    with torch.device("meta"):
        ours = SwinB().eval()
    theirs = {
        named(key): each for key, each in other.state_dict().items() if key.startswith("features.")
    }
    for key, each in ours.state_dict().items():
        if key.endswith("relative_position_index"):
            theirs[key] = theirs[key].view(49, 49)
        elif key not in theirs:  # torchvision has none between the stages
            assert key.startswith("norm")
            theirs[key] = torch.ones_like(each, device="cpu") * key.endswith("weight")
    ours.load_state_dict(theirs, assign=True)
    x = picture = torch.randn(1, 3, 64, 96)
    stored = []
    for number, layer in enumerate(other.features):
        x = layer(x)
        if number in STAGES:
            stored.append(F.layer_norm(x, x.shape[-1:]).movedim(-1, 1))
    found = ours(picture)
    assert [tuple(each.shape[1:]) for each in found] == [(512, 4, 6), (256, 8, 12), (128, 16, 24)]
    for one, expected in zip(found[1:], stored[1::-1], strict=True):
        torch.testing.assert_close(one, expected, atol=1e-4, rtol=1e-4)


def test_the_offsets_of_tokens_in_a_window_are_those_of_published_weights():
    """Weights bring them along; nobody who loads some sees what is made here."""
    from torchvision.models.swin_transformer import ShiftedWindowAttention

    theirs = ShiftedWindowAttention(128, [7, 7], [0, 0], 4).relative_position_index
    own = SwinB().layers[0].blocks[0].attn.relative_position_index
    assert torch.equal(own.flatten(), theirs)
