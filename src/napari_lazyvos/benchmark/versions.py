"""What figures depend on, besides the settings."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from napari_lazyvos import __version__

__all__ = ["versions"]

MEASURED_WITH = ("torch", "numpy", "scipy", "opencv-python-headless", "segment-anything-hq")


def versions() -> dict[str, str]:
    """Return the versions of this package and of those that change its figures, where installed."""
    found = {"napari-lazyvos": __version__}
    for name in MEASURED_WITH:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
