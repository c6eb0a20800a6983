"""Every example that a measure gives of itself is true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from napari_lazyvos import metrics

MODULES = [file.stem for file in sorted(Path(metrics.__file__).parent.glob("[a-z]*.py"))]
NO_NUMBER = {"cells", "masks"}  # worked out in their tests


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings(name):
    found = doctest.testmod(import_module(f"{metrics.__name__}.{name}"))
    assert found.failed == 0
    assert bool(found.attempted) == (name not in NO_NUMBER)
