"""What a network saw in pictures, kept for the next round over the same frames."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from hashlib import sha1
from typing import Any, TypeVar

import numpy as np
import torch

__all__ = ["BYTES", "Encodings"]

BYTES = 2 << 30
"""So much is kept by custom: 45 frames of 480 x 854 for XMem."""

Seen = TypeVar("Seen")


class Encodings:
    """Encodings of pictures, found again by what the pictures show.

    A picture that differs in one bit is another one, so that nothing in here can be out of date.

    When there is no more room, an encoding drawn by chance gives way. A round walks through the
    same frames as the one before it: what was used least lately would always be what is needed
    next, and of a stretch somewhat too long for the room nothing would ever be found.

    Parameters
    ----------
    limit : int or None
        Bytes of tensors to keep at most; None: `BYTES`.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = BYTES if limit is None else limit
        self.bytes = 0
        self._kept: dict[bytes, tuple[Any, int]] = {}  # by digest, with its size
        self._order: list[bytes] = []
        self._chance = random.Random(0)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, pictures: tuple[np.ndarray, ...], make: Callable[[], Seen]) -> Seen:
        """Return what `make` returns, or what it returned for these pictures before.

        Parameters
        ----------
        pictures : arrays of any shape and dtype; all that the encoding depends on
        make : returns tensors, or a dataclass or a tuple of such; nobody may write into them
        """
        digest = _digest(pictures)
        if digest in self._kept:
            found: Seen = self._kept[digest][0]
            return found
        made = make()
        self._keep(digest, made, nbytes(made))
        return made

    def clear(self) -> None:
        """Forget all."""
        self.bytes = 0
        self._kept.clear()
        self._order.clear()

    def _keep(self, digest: bytes, made: Any, size: int) -> None:
        if size > self.limit:
            return
        while self.bytes + size > self.limit:
            place = self._chance.randrange(len(self._order))
            self._order[place], self._order[-1] = self._order[-1], self._order[place]
            self.bytes -= self._kept.pop(self._order.pop())[1]
        self._kept[digest] = made, size
        self._order.append(digest)
        self.bytes += size


def nbytes(made: Any) -> int:
    """Return how many bytes the tensors in a dataclass, in a tuple, or alone take."""
    if isinstance(made, torch.Tensor):
        return made.nbytes
    if is_dataclass(made):
        return sum(nbytes(getattr(made, each.name)) for each in fields(made))
    return sum(map(nbytes, made)) if isinstance(made, tuple) else 0


def _digest(pictures: tuple[np.ndarray, ...]) -> bytes:
    digest = sha1(usedforsecurity=False)  # the fastest where processors know it
    for picture in pictures:
        digest.update(f"{picture.shape} {picture.dtype}".encode())
        digest.update(np.ascontiguousarray(picture).data)
    return digest.digest()
