"""``python -m napari_lazyvos.cli`` is ``lazyvos``."""

from napari_lazyvos.cli import main

main()
