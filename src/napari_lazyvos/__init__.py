"""Lazy interactive video object segmentation, for napari and without it.

Conventions that hold everywhere in this package
------------------------------------------------
* A *frame* is one image of a video; frames are numbered from 0 by ``t``.
* A place in a video is ``(t, y, x)`` in data pixels: y down, x right, pixel centres at integers.
* A *label* is an object's integer id, 1 or more, the same through the whole video; 0 is background.
* A *mask* is one object's boolean image (H, W); a *label map* is the integer image of all objects.
* *Probabilities* are (1 + K, H, W) float32 that sum to 1 over axis 0; index 0 is background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from napari_lazyvos.errors import LazyVosError
    from napari_lazyvos.gui.show import show
    from napari_lazyvos.lazy.events import (
        Corrected,
        Event,
        Failed,
        Finished,
        FinishReason,
        FrameResult,
        HelpRequest,
        ObjectScore,
        WelcomeBack,
    )
    from napari_lazyvos.lazy.policy import Action, Policy
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.video import open_video

# What a person who writes Python needs, and the room that it lives in. It is imported when it is
# first asked for: `import napari_lazyvos` loads neither torch nor Qt, and napari starts as fast.
_ROOMS = {
    "Action": "lazy.policy",
    "Corrected": "lazy.events",
    "Event": "lazy.events",
    "Failed": "lazy.events",
    "FinishReason": "lazy.events",
    "Finished": "lazy.events",
    "FrameResult": "lazy.events",
    "HelpRequest": "lazy.events",
    "LazyVosError": "errors",
    "ObjectScore": "lazy.events",
    "Policy": "lazy.policy",
    "Session": "lazy.session",
    "WelcomeBack": "lazy.events",
    "open_video": "video",
    "show": "gui.show",
}

__all__ = [
    "Action",
    "Corrected",
    "Event",
    "Failed",
    "FinishReason",
    "Finished",
    "FrameResult",
    "HelpRequest",
    "LazyVosError",
    "ObjectScore",
    "Policy",
    "Session",
    "WelcomeBack",
    "__version__",
    "open_video",
    "show",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its room."""
    from importlib import import_module

    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    """List the public names without importing them."""
    return __all__
