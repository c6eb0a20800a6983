"""Trackers: one package or file per method, behind the one protocol `Tracker`."""

from __future__ import annotations

__all__ = ["names"]


def names() -> tuple[str, ...]:
    """Return the names of the trackers, the default first."""
    return ()
