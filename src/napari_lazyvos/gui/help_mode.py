"""What is to happen when the tracker is unsure: three ways, of which the person chooses one."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum, auto

from napari_lazyvos.lazy.policy import Policy

__all__ = ["HelpMode", "in_mode", "mode_of"]


class HelpMode(StrEnum):
    """Whether and when a person is asked for help."""

    STOP = auto()  # tracking waits for the answer
    COLLECT = auto()  # tracking goes on; calls wait in a list
    NEVER = auto()  # nobody is asked


def in_mode(policy: Policy, mode: HelpMode, rise: float) -> Policy:
    """Return a policy that asks in this way.

    Parameters
    ----------
    policy : Policy
        All but its threshold for asking is kept.
    mode : HelpMode
    rise : float
        From which a person is asked. Where the tracker would correct itself from a higher one on,
        it does so from this one.
    """
    if mode is HelpMode.NEVER:
        return replace(policy, tau_user=None)
    pseudo = policy.tau_pseudo
    return replace(policy, tau_user=rise, tau_pseudo=None if pseudo is None else min(pseudo, rise))


def mode_of(policy: Policy, mode: HelpMode) -> HelpMode:
    """Return the mode that a policy is in; `mode` if that is one of those that it can be in."""
    if policy.tau_user is None:
        return HelpMode.NEVER
    return HelpMode.STOP if mode is HelpMode.NEVER else mode
