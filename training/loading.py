"""Endless batches, made beside the training in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.data import Generator

__all__ = ["endless"]

Batch = TypeVar("Batch")
Make = Callable[[Generator, int], Batch]
"""Makes one batch from the generator's next clips and the number of the batch."""


class _Endless(IterableDataset[Batch]):
    """Batches number `start`, `start` + 1 and so on, for ever; several workers share them."""

    def __init__(self, make: Make[Batch], start: int, how: dict[str, Any]) -> None:
        self._make, self._start, self._how = make, start, how

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        worker = get_worker_info()
        number, step = (worker.id, worker.num_workers) if worker else (0, 1)
        number += self._start
        generator = Generator(**self._how)
        generator.skip(number)
        while True:
            yield self._make(generator, number)
            generator.skip(step - 1)
            number += step


def endless(make: Make[Batch], *, start: int, workers: int, **how: Any) -> Iterator[Batch]:
    """Return batches without end.

    Parameters
    ----------
    make : callable
    start : number of the first batch
    workers : processes that make them; 0 makes them in this one
    **how : arguments of the `Generator`
    """
    return iter(DataLoader(_Endless(make, start, how), batch_size=None, num_workers=workers))
