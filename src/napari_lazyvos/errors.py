"""The one error that is meant for a person.

Everything that a person can cause (a wrong file, a click outside the frame, an unknown tracker)
raises `LazyVosError` with a sentence that says what was wrong, with the value, and what to do.
The command line prints that sentence alone; the viewer shows it as a notification. Any other
exception is a defect of this package.
"""

from __future__ import annotations

__all__ = ["LazyVosError"]


class LazyVosError(ValueError):
    """What was wrong, with the offending value, and what to do about it, in one sentence."""
