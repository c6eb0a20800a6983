"""A training run goes on where it stopped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.run import Run


def steps(run, count):
    for _ in range(count):
        inputs = torch.full((4, 3), float(run.step))
        run.update((run.net(inputs) - 1).square().mean())


def fresh(folder, minutes=1000.0):
    torch.manual_seed(0)
    return Run(nn.Linear(3, 1), folder, minutes=minutes, rate=0.01)


def test_resumed_is_as_if_never_stopped(tmp_path):
    whole, parts = fresh(tmp_path / "whole"), fresh(tmp_path / "parts")
    steps(whole, 6)
    steps(parts, 3)
    parts.save()
    resumed = fresh(tmp_path / "parts")
    steps(resumed, 3)
    assert resumed.step == whole.step == 6
    torch.testing.assert_close(resumed.average, whole.average)


def test_the_rate_falls_at_the_end_of_the_time(tmp_path):
    run = fresh(tmp_path)
    run.step = 1000
    assert run._factor(0.0) == run._factor(0.6) == 1
    assert run._factor(0.8) == pytest.approx(0.51)
    assert run._factor(1.0) == pytest.approx(0.02)


def test_exported_weights_have_a_checksum(tmp_path):
    from safetensors.torch import load_file

    run = fresh(tmp_path)
    run.export(tmp_path / "weights" / "linear.safetensors")
    assert load_file(tmp_path / "weights" / "linear.safetensors")["weight"].dtype == torch.float16
    assert "linear.safetensors" in (tmp_path / "weights" / "SHA256SUMS").read_text()
