"""How much the frames of a memory differ: the determinant of their Gram matrix (READMem, ch. 5).

An element of the Gram matrix is the similarity of two frames, and the absolute value of its
determinant is the squared volume of what their keys span. Which frame of N a new one should replace
is asked as "which of N determinants is largest". The author computes them one by one, in O(N^4). By
Schur's complement all follow from one inverse P of the matrix G, in O(N^2): with the new frame's
similarities s and its own similarity c, y = P s and q = s . y,

    det G(n) / det G = P_nn (c - q) + y_n^2

where in G(n) the new frame took the place of frame n.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["NUGGET", "Diversity"]

NUGGET = 1e-8
"""Added to each frame's similarity to itself, in parts of it. Without it a memory that holds a
frame twice has a determinant of zero whatever else it holds, and nothing can be compared."""

UPDATES = 16  # of the inverse, before it is computed anew
INACCURATE = 1e-9  # largest error of G P that is put up with
SMALL = 1e-8  # a change of the determinant that an update would have to divide by
CROWDED = 1e4  # own similarity by squared distance from the other frames' span; see `_trusted`


class Diversity:
    """The Gram matrix of N frames, with what is needed to compare determinants of such matrices.

    The matrix is symmetric, but may be singular, or indefinite if its elements were found in
    different frames of reference. Determinants are only handled as logarithms and as quotients of
    two, so that none is too small or too large.

    Parameters
    ----------
    gram : (N, N) float64 array, optional
        Of a memory that is not empty, with the `NUGGET` on its diagonal.
    """

    log_determinant: float  # log |det G|, with the nugget; 0 of an empty memory

    def __init__(self, gram: np.ndarray | None = None) -> None:
        self._gram = np.empty((0, 0)) if gram is None else gram
        self._inverse: np.ndarray | None  # None: not to be relied upon
        self._factorise()

    def __len__(self) -> int:
        return len(self._gram)

    @property
    def gram(self) -> np.ndarray:
        """A copy of the Gram matrix, (N, N) float64, with the `NUGGET` on its diagonal."""
        return self._gram.copy()

    def ratios(self, similarities: np.ndarray, own: float) -> np.ndarray:
        """Return what the determinant is multiplied with if a new frame replaces another.

        Parameters
        ----------
        similarities : (N,) float64
            Of the new frame to each of the memory's. That to the frame which it replaces does not
            matter.
        own : float
            Its similarity to itself.

        Returns
        -------
        (N,) float64
            For each frame that may be replaced; of any sign if the matrix is indefinite. Zero
            divided by zero is 1: nothing is gained.
        """
        if self._inverse is None:
            return self._divided(self._replaced(similarities, own))
        y = self._inverse @ similarities
        ratios: np.ndarray = np.diag(self._inverse) * (_raised(own) - similarities @ y) + y**2
        return ratios

    def growth(self, similarities: np.ndarray, own: float) -> float:
        """Return what the determinant is multiplied with if a new frame is appended: c - q.

        For the parameters see `ratios`.
        """
        if self._inverse is None:
            return float(self._divided(self._bordered(similarities, own)))
        return float(_raised(own) - similarities @ self._inverse @ similarities)

    def append(self, similarities: np.ndarray, own: float) -> None:
        """Add a frame behind the others; for the parameters see `ratios`."""
        growth = self.growth(similarities, own)
        inverse = None
        if self._inverse is not None and abs(growth) > SMALL * own:
            column = np.append(self._inverse @ similarities, -1.0)
            inverse = np.pad(self._inverse, (0, 1)) + np.outer(column, column) / growth
        self._renew(self._bordered(similarities, own), inverse, growth)

    def replace(self, place: int, similarities: np.ndarray, own: float) -> None:
        """Take a frame out and add another behind those that are left; see `ratios`."""
        self.put(place, similarities, own)
        order = [*range(place), *range(place + 1, len(self)), place]
        at = np.ix_(order, order)
        self._gram = self._gram[at]
        self._inverse = None if self._inverse is None else self._inverse[at]

    def put(self, place: int, similarities: np.ndarray, own: float) -> None:
        """Put another frame where one is; see `ratios`."""
        ratio = self.ratios(similarities, own)[place]
        gram = self._replaced(similarities, own)[place]
        inverse = None
        if self._inverse is not None and abs(ratio) > SMALL:
            # G(n) = G + e u^T + u e^T, and so the inverse changes by a matrix of rank two.
            u = gram[place] - self._gram[place]
            u[place] /= 2
            columns = self._inverse @ np.stack([np.eye(len(self))[place], u], axis=1)
            middle = np.array([[0.0, 1.0], [1.0, 0.0]])
            middle += np.stack([columns[place], u @ columns])
            inverse = self._inverse - columns @ np.linalg.solve(middle, columns.T)
        self._renew(gram, inverse, ratio)

    def remove(self, place: int) -> None:
        """Take a frame out."""
        self._gram = np.delete(np.delete(self._gram, place, 0), place, 1)
        self._factorise()

    def pack(self) -> Tensor:
        """Return a copy of the Gram matrix that can be saved."""
        return torch.from_numpy(self.gram)

    @classmethod
    def unpack(cls, packed: Tensor) -> Diversity:
        """Return the diversity that was packed."""
        return cls(packed.numpy().copy())

    def _bordered(self, similarities: np.ndarray, own: float) -> np.ndarray:
        """Return the Gram matrix with the new frame at its end, (N + 1, N + 1)."""
        gram = np.pad(self._gram, (0, 1))
        gram[-1, :-1] = gram[:-1, -1] = similarities
        gram[-1, -1] = _raised(own)
        return gram

    def _replaced(self, similarities: np.ndarray, own: float) -> np.ndarray:
        """Return the Gram matrices with the new frame in each place, (N, N, N)."""
        grams = np.repeat(self._gram[None], len(self), axis=0)
        n = np.arange(len(self))
        grams[n, n] = grams[n, :, n] = similarities
        grams[n, n, n] = _raised(own)
        return grams

    def _divided(self, grams: np.ndarray) -> np.ndarray:
        """Return determinants (...) of other Gram matrices by that of this one."""
        sign, log = np.linalg.slogdet(grams)
        sign_now, log_now = np.linalg.slogdet(self._gram)
        with np.errstate(invalid="ignore", over="ignore"):
            quotients = np.exp(np.where(log == log_now, 0.0, log - log_now))
        return np.where(sign * sign_now < 0, -quotients, quotients)

    def _renew(self, gram: np.ndarray, inverse: np.ndarray | None, factor: float) -> None:
        """Go over to another matrix: with its inverse, if it is known and good enough."""
        self._gram = gram
        if inverse is None or self._updates + 1 == UPDATES or not _trusted(gram, inverse):
            self._factorise()
        else:
            self._inverse = inverse
            self._updates += 1
            self.log_determinant += float(np.log(abs(factor)))

    def _factorise(self) -> None:
        """Compute anew what follows from the matrix."""
        self._updates = 0
        self._inverse = None
        self.log_determinant = float(np.linalg.slogdet(self._gram)[1])
        if np.isfinite(self.log_determinant):
            inverse = np.linalg.inv(self._gram)
            self._inverse = inverse if _trusted(self._gram, inverse) else None


def _raised(own: float) -> float:
    """Return a similarity of a frame to itself with the nugget."""
    return own * (1 + NUGGET)


def _trusted(gram: np.ndarray, inverse: np.ndarray) -> bool:
    """Return whether determinants can be compared by this inverse.

    1 / P_nn is the squared distance of frame n from what the others span. If it is tiny, c - q is a
    small difference of large numbers, and the determinants have to be computed one by one.
    """
    error = np.abs(gram @ inverse - np.eye(len(gram))).max(initial=0.0)
    crowded = np.abs(inverse).max(initial=0.0) * np.abs(gram).max(initial=0.0)
    return bool(error < INACCURATE and crowded < CROWDED)
