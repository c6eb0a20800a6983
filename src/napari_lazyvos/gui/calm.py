"""What keeps the main thread quick while the engine's thread computes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["calm"]

_lock = threading.Lock()
_inside = 0  # runs that go on at this moment, in all viewers
_threads = 0  # of torch, before the first of them


@contextmanager
def calm() -> Iterator[None]:
    """Hold back, for as long as this lasts, what would make the main thread wait.

    A full garbage collection looks at every object of napari and torch, and stops all threads for
    about 0.2 s: what exists now is left out of it until the end. And torch takes every core, so
    that the main thread would wait for one: it is left one. Several may overlap.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    import torch  # loads in the engine's thread, long before this

    global _inside, _threads
    with _lock:
        _inside += 1
        if _inside == 1:
            _threads = torch.get_num_threads()
            torch.set_num_threads(max(1, _threads - 1))
            gc.freeze()


def _leave() -> None:
    import torch

    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            gc.unfreeze()
            torch.set_num_threads(_threads)
