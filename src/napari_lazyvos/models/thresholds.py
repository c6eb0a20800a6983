"""When to ask, to correct and to remember: the three thresholds of Lazy-XMem, for each tracker.

How high a score is when a mask goes wrong differs from tracker to tracker, and from one kind of
video to another. So thresholds belong to a tracker: those that ``lazyvos calibrate`` found on
somebody's own videos, which are kept in the folder of published weights, else those in the package.
"""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from urllib.parse import quote
from warnings import warn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.cache import folder, writing
from napari_lazyvos.store.atomic import write_bytes

__all__ = [
    "DEFAULT",
    "TABLE",
    "Thresholds",
    "forget_thresholds",
    "place_of",
    "store_thresholds",
    "thresholds_of",
]

TABLE = Path(__file__).parent / "thresholds.toml"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which uncertainty something is done; None never does it.

    Raises
    ------
    LazyVosError
        If one is not above 0, or the tracker would correct itself only where it asks already.
    """

    tau_user: float | None = None  # rise of a score from which the person is asked
    tau_pseudo: float | None = None  # rise from which the tracker corrects itself; below tau_user
    tau_memory: float | None = None  # score from which a frame is not written to memory

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and 0 < value < math.inf):
                raise LazyVosError(
                    f"{field.name} is {value!r}: give a number above 0, or None for never."
                )
        user, pseudo = self.tau_user, self.tau_pseudo
        if user is not None and pseudo is not None and pseudo >= user:
            raise LazyVosError(
                f"tau_pseudo is {pseudo} and tau_user {user}: give a tau_pseudo below tau_user, "
                "since from there on the person is asked."
            )


DEFAULT = Thresholds(tau_user=0.5)
"""Of a tracker that nobody has calibrated: it asks at a rise that is large for any tracker.

A rise is measured on a scale that ends at about 1. To correct itself or to forget frames at the
wrong moment does harm, so without a calibration it does neither.
"""


def thresholds_of(tracker_name: str) -> Thresholds:
    """Return a tracker's thresholds: the user's own, else those in the package, else `DEFAULT`.

    Parameters
    ----------
    tracker_name : str
        One of `trackers.names`, or the name of a tracker of your own.

    Returns
    -------
    Thresholds

    Warns
    -----
    UserWarning
        If the user's own are damaged: then they are not used.
    """
    path = place_of(tracker_name)
    try:
        return Thresholds(**json.loads(path.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError, TypeError) as error:
        warn(
            f"the thresholds of {tracker_name} in {path} are not used, but those of the package "
            f"({str(error).rstrip('.')}): calibrate the tracker anew, or delete the file.",
            stacklevel=2,
        )
    return _packaged().get(tracker_name, DEFAULT)


def store_thresholds(tracker_name: str, thresholds: Thresholds) -> Path:
    """Let a tracker have these thresholds from now on, and return the file that says so.

    Raises
    ------
    LazyVosError
        If the folder cannot be written.
    """
    path = place_of(tracker_name)
    with writing(path.parent):
        write_bytes(path, (json.dumps(asdict(thresholds), indent=1) + "\n").encode())
    return path


def forget_thresholds(tracker_name: str) -> bool:
    """Return to the thresholds of the package; tell whether there were any others.

    Raises
    ------
    LazyVosError
        If the file cannot be deleted.
    """
    path = place_of(tracker_name)
    if not path.exists():
        return False
    with writing(path.parent):
        path.unlink()
    return True


def place_of(tracker_name: str) -> Path:
    """Return the file of the user's own thresholds, be it there or not."""
    return folder() / "thresholds" / f"{quote(tracker_name, safe=' ')}.json"


@cache
def _packaged() -> dict[str, Thresholds]:
    tables = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {tracker: Thresholds(**table) for tracker, table in tables.items()}
