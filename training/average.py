"""Average the weights that one run exported at several times (Izmailov et al. 2018, SWA).

    python -m training.average runs/60.safetensors runs/75.safetensors --out runs/mean.safetensors

The average follows real videos more steadily than the last weights do.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from training.run import write

__all__ = ["average"]


def main() -> None:
    """Write the average of some files of weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="weights, as --export writes them")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    write(average(chosen.files), chosen.out)


def average(files: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of each tensor over the files, float32."""
    read = [load_file(file) for file in files]
    return {name: torch.stack([each[name].float() for each in read]).mean(0) for name in read[0]}


if __name__ == "__main__":
    main()
