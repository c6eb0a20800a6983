"""Time `import napari_lazyvos` in fresh processes, beside `import numpy`.

    python bench/import_time.py

napari imports a plugin's package early, so this is what every user of napari waits for.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

ROUNDS = 15
MODULES = ("napari_lazyvos", "numpy")
TIMED_IMPORT = (
    "import sys, time; start = time.perf_counter(); __import__(sys.argv[1]);"
    "print(time.perf_counter() - start)"
)


def seconds_to_import(module: str) -> float:
    """Return how long one fresh process took to import a module."""
    command = [sys.executable, "-c", TIMED_IMPORT, module]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the medians and their ratio; rounds alternate, so that both see the same machine."""
    rounds = [[seconds_to_import(module) for module in MODULES] for _ in range(ROUNDS)]
    ours, numpy = (median(column) for column in zip(*rounds, strict=True))
    print(
        f"napari_lazyvos {ours * 1e3:.1f} ms, numpy {numpy * 1e3:.1f} ms, ratio {ours / numpy:.3f}"
    )


if __name__ == "__main__":
    main()
