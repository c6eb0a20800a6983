"""What keeps the main thread quick while the engine's thread computes."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["calm", "step_back"]

COURTESY = 5  # of 19: how readily the engine's threads let others go first

_lock = threading.Lock()
_inside = 0  # runs that go on at this moment, in all viewers
_threads = 0  # of torch, before the first of them


STEPS_BACK = sys.platform == "linux"
"""Whether the system can let the main thread go first; only Linux can, for one thread."""


def step_back() -> None:
    """Let others go before this thread, and those that it will start, where cores are few."""
    if STEPS_BACK:
        me = os.PRIO_PROCESS, threading.get_native_id()
        if os.getpriority(*me) < COURTESY:
            os.setpriority(*me, COURTESY)


@contextmanager
def calm() -> Iterator[None]:
    """Hold back, for as long as this lasts, what would make the main thread wait.

    A full garbage collection looks at every object of napari and torch, and stops all threads for
    about 0.2 s: what exists now is left out of it until the end. And torch takes every core, so
    that the main thread would wait for one: it is left one, unless the system lets the main thread
    go first (see `step_back`). Several may overlap.
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
            torch.set_num_threads(_threads if STEPS_BACK else max(1, _threads - 1))
            gc.freeze()


def _leave() -> None:
    import torch

    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            gc.unfreeze()
            torch.set_num_threads(_threads)
