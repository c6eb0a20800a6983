"""How the widget differs from napari's theme; readable on light and on dark."""

from __future__ import annotations

from napari_lazyvos.gui.colours import EXCLUDE, INCLUDE

__all__ = ["ACCENT", "SHEET"]

ACCENT = "#4560c4"  # what napari's own themes call "current"
ERROR = "#d55e00"

SHEET = f"""
QLabel#hint {{
    background: rgba(127, 127, 127, 40);
    border-left: 3px solid {ACCENT};
    padding: 7px 8px;
}}
QLabel#hint[tone="error"] {{ border-left-color: {ERROR}; }}
QFrame#helpBar {{
    background: rgba(127, 127, 127, 55);
    border-left: 4px solid {ACCENT};
}}
QFrame#helpBar QWidget {{ background: transparent; }}
QFrame#helpBar QPushButton {{ background: rgba(127, 127, 127, 70); padding: 4px 2px; }}
QFrame#helpBar QPushButton:hover {{ background: rgba(127, 127, 127, 120); }}
QFrame#helpBar QPushButton#quiet {{
    background: transparent;
    text-decoration: underline;
    padding: 0 4px;
}}
QLabel#helpTitle {{ font-weight: bold; font-size: 12pt; }}
QLabel#dim {{ color: rgba(160, 160, 160, 255); }}
QLabel#title {{ font-weight: bold; padding-top: 6px; }}
QPushButton {{ padding: 4px 6px; }}
QPushButton#primary:enabled {{ background: {ACCENT}; color: white; }}
QPushButton#primary:enabled:hover {{ background: #5b76da; }}
QPushButton#mode:checked {{
    background: rgba(127, 127, 127, 90);
    border-bottom: 2px solid {ACCENT};
}}
QPushButton#include:checked:enabled {{ background: {INCLUDE}; color: white; }}
QPushButton#exclude:checked:enabled {{ background: {EXCLUDE}; color: white; }}
QTreeWidget {{ background: rgba(127, 127, 127, 25); border-radius: 3px; }}
QHeaderView::section {{ background: transparent; border: none; padding: 2px 4px; }}
"""
