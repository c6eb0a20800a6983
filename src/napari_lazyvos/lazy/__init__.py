"""The lazy loop: a session, its events, and what a person says in between."""

from napari_lazyvos.lazy.events import (
    Corrected,
    Event,
    Failed,
    Finished,
    FinishReason,
    FrameResult,
    HelpRequest,
    ObjectScore,
    RunState,
    Status,
    WelcomeBack,
)

__all__ = [
    "Corrected",
    "Event",
    "Failed",
    "FinishReason",
    "Finished",
    "FrameResult",
    "HelpRequest",
    "ObjectScore",
    "RunState",
    "Status",
    "WelcomeBack",
]
