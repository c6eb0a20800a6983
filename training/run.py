"""What every training run needs: a schedule by the clock, averaged weights, a way to resume."""

from __future__ import annotations

import argparse
import csv
import hashlib
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from napari_lazyvos.nets.clicks import ClickNet
from napari_lazyvos.nets.compact import CompactNet
from napari_lazyvos.nets.weights import fill
from training.pretrained import open_eyes

__all__ = ["EYES_PACE", "SHARED", "Clock", "Run", "parse", "write"]

SHARED = Path(os.environ.get("LAZYVOS_SHARED", Path(__file__).resolve().parents[2] / "shared"))

EYES_PACE = 0.2
"""Share of the learning rate for eyes that have seen much before."""


def parse(description: str, out: Path) -> argparse.Namespace:
    """Read the command line of a training script, whose results go to `out` if nothing is said."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--out", type=Path, default=out, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=120.0, help="of training in all")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--workers", type=int, default=1, help="processes that make clips")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--start", type=Path, help="weights that a new run begins with")
    parser.add_argument("--export", type=Path, help="write the weights here, and do not train")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    return chosen


@dataclass(slots=True)
class Clock:
    """Counts the seconds of training over all sessions, as a share of what was planned."""

    planned: float  # seconds
    spent: float = 0.0
    _last: float = 0.0

    def start(self) -> None:
        """Begin, or go on after a break that does not count."""
        self._last = time.monotonic()

    def tick(self) -> float:
        """Return the share of the plan that is spent, 0 to 1."""
        now = time.monotonic()
        self.spent += now - self._last
        self._last = now
        return min(1.0, self.spent / self.planned)


class Run:
    """Optimizes a network, keeps an average of its weights, and writes both to a folder.

    The learning rate warms up, stays, and falls in the last 40 % of the planned time to a
    fiftieth, so that a run may be stopped at any time; the average is what to use.

    Parameters
    ----------
    net : nn.Module
    folder : Path
        Holds ``state.pt``, from which a run goes on to the step, and ``log.csv``.
    minutes : float, planned in all
    rate : float, the highest learning rate; eyes learn at `EYES_PACE` of it
    """

    def __init__(self, net: nn.Module, folder: Path, *, minutes: float, rate: float) -> None:
        self.net = net
        self.folder = folder
        self.step = 0
        self.clock = Clock(60 * minutes)
        self.average = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        self._rate = rate
        self._optimizer = torch.optim.AdamW(_groups(net), lr=rate, weight_decay=0.01)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "state.pt").exists():
            self._resume(torch.load(folder / "state.pt", weights_only=True))
        self.clock.start()

    @classmethod
    def begin(cls, net: CompactNet | ClickNet, name: str, chosen: argparse.Namespace) -> Run:
        """Return the run that the command line asks for; `name` is that of its weights.

        A network with eyes begins with open ones.
        """
        if chosen.start:
            fill(net, chosen.start, name).train()
        else:
            open_eyes(net.eyes)
        net.to(chosen.device)
        return cls(net, chosen.out, minutes=chosen.minutes, rate=chosen.rate)

    def update(self, loss: torch.Tensor) -> float:
        """Take one step down the loss; return the share of the time that is spent."""
        share = self.clock.tick()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * group["pace"] * self._factor(share)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        keep = min(0.999, self.step / (self.step + 9))
        with torch.no_grad():
            for name, tensor in self.net.state_dict().items():
                self.average[name].lerp_(tensor, 1 - keep)
        return share

    def _factor(self, share: float) -> float:
        warm = min(1.0, (self.step + 1) / 100)
        fall = max(0.0, (share - 0.6) / 0.4)
        return warm * (0.02 + 0.98 * (1 + math.cos(math.pi * fall)) / 2)

    def save(self) -> None:
        """Write everything that going on needs; whole or not at all."""
        state: dict[str, Any] = {
            "net": self.net.state_dict(),
            "average": self.average,
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
            "spent": self.clock.spent,
        }
        torch.save(state, self.folder / "state.part")
        os.replace(self.folder / "state.part", self.folder / "state.pt")

    def export(self, path: Path) -> None:
        """Write the averaged weights; see `write`."""
        write(self.average, path)
        print(f"after {self.clock.spent / 60:.0f} minutes, {self.step} steps")

    def log(self, **values: float) -> None:
        """Append a row to ``log.csv``, and print it."""
        row = {"step": self.step, "minutes": round(self.clock.spent / 60, 2)}
        row |= {name: round(value, 4) for name, value in values.items()}
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)

    def _resume(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.average = state["average"]
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.clock.spent = state["step"], state["spent"]


def write(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights as float16, and all checksums of the folder anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: each.half().contiguous() for name, each in weights.items()}, path)
    path.chmod(0o644)
    files = sorted(path.parent.glob("*.safetensors"))
    rows = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files]
    (path.parent / "SHA256SUMS").write_text("\n".join(rows) + "\n")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _groups(net: nn.Module) -> list[dict[str, Any]]:
    """Return the parameters in two groups: what was open before, and what begins at random."""
    before, anew = [], []
    for name, each in net.named_parameters():
        opened = name.startswith("eyes.") and "beside" not in name
        (before if opened else anew).append(each)
    return [{"params": before, "pace": EYES_PACE}, {"params": anew, "pace": 1.0}]
