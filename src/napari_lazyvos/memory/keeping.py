"""Which frames a tracker remembers: the options that all matching trackers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.retention import FirstInFirstOut, KeepAll, Retention

if TYPE_CHECKING:
    from napari_lazyvos.memory.readmem import Scores

__all__ = ["Keeping"]

SIZE = 20  # READMem, thesis sec. 5.8


@dataclass(frozen=True, slots=True)
class Keeping:
    """A memory by its name, and how large it is.

    Raises
    ------
    LazyVosError
        If the size holds nothing.
    """

    memory: str
    """``"all"``: every frame that is offered stays, as STCN and MiVOS were published. ``"fifo"``:
    the latest ones stay. ``"readmem"``: those that differ most; see `ReadMem`. ``"quality"``: those
    whose masks are good; see `KeepGood`. ``"xmem"``: few frames, and prototypes of the others; see
    `XMemMemory`. Permanent frames stay in any of them."""

    memory_size: int | None = None
    """Frames in memory, the permanent ones counted in; there are more only if they are permanent.
    None: 20, or as many as the preset of READMem says. Of no meaning to ``"all"`` and
    ``"xmem"``."""

    readmem_preset: str = "thesis"  # see `ReadMem.preset`; so all that follow
    readmem_bound: float | None = 0.5
    readmem_similarity: str = "cosine"
    readmem_align: str = "affinity"
    readmem_initialisation: str = "stream"
    readmem_diversify: bool = True
    readmem_strict: bool | None = None  # None: as the preset says; so both that follow
    readmem_rounding: int | None = None
    readmem_align_filling: bool | None = None

    def __post_init__(self) -> None:
        if self.memory_size is not None and self.memory_size < 1:
            raise LazyVosError(f"memory_size is {self.memory_size}: give 1 frame or more.")

    def check(self, tracker: str, offered: Sequence[str]) -> None:
        """Refuse a memory that a tracker does not have.

        Raises
        ------
        LazyVosError
        """
        if self.memory not in offered:
            raise LazyVosError(
                f"memory is {self.memory!r}, and the tracker {tracker} has none of that name: "
                f"choose one of {', '.join(offered)}."
            )

    def rule(self, scores: Scores = "l2") -> Retention:
        """Return the rule that decides which frames stay.

        Parameters
        ----------
        scores : see `ReadMem`

        Raises
        ------
        LazyVosError
            If an option of READMem is none of its own.
        """
        size = self.memory_size or SIZE
        if self.memory == "fifo":
            return FirstInFirstOut(size)
        if self.memory == "quality":
            from napari_lazyvos.memory.quality import KeepGood

            return KeepGood(size)
        if self.memory == "readmem":
            return self._readmem(scores)
        return KeepAll()

    def _readmem(self, scores: Scores) -> Retention:
        from napari_lazyvos.memory.readmem import ReadMem

        preset: Any = self.readmem_preset
        beside: Any = {
            "size": self.memory_size,
            "strict": self.readmem_strict,
            "rounding": self.readmem_rounding,
            "align_filling": self.readmem_align_filling,
        }
        return ReadMem.preset(
            preset,
            bound=self.readmem_bound,
            similarity=self.readmem_similarity,
            align=self.readmem_align,
            initialisation=self.readmem_initialisation,
            diversify=self.readmem_diversify,
            scores=scores,
            **{name: value for name, value in beside.items() if value is not None},
        )
