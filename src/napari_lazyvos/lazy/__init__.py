"""The lazy loop: a session, its events, and what a person says in between."""

from napari_lazyvos.lazy.events import (
    Event,
    Failed,
    Finished,
    FinishReason,
    FrameResult,
    HelpRequest,
    ObjectScore,
    RunState,
    Status,
)

__all__ = [
    "Event",
    "Failed",
    "FinishReason",
    "Finished",
    "FrameResult",
    "HelpRequest",
    "ObjectScore",
    "RunState",
    "Status",
]
