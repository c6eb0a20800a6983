"""What the DAVIS-2017 toolkit said of small masks; `davis2017.py` says how it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FILE = Path(__file__).with_name("davis2017.npz")


class Toolkit:
    """Masks, references and void pixels, and the toolkit's figures."""

    def __init__(self) -> None:
        self.file: Any = np.load(FILE)
        self.tolerances: list[float] = self.file["tolerances"].tolist()

    def masks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the masks in the order of the figures."""
        pixels = np.unpackbits(self.file["pixels"]).astype(bool)
        begin = 0
        for height, width in self.file["shapes"]:
            end = begin + 3 * height * width
            mask, truth, void = pixels[begin:end].reshape(3, height, width)
            yield mask, truth, void
            begin = end

    def scores(self) -> list[np.ndarray]:
        """Return the scores over time whose statistics are known."""
        return np.split(self.file["scores"], np.cumsum(self.file["lengths"])[:-1])


@pytest.fixture(scope="session")
def toolkit() -> Toolkit:
    return Toolkit()
