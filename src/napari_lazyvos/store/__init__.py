"""What a session knows, on disk: masks, uncertainty, scores, clicks, and their history.

The bottom room: it knows nothing of who writes. A folder ``NAME.lazyvos`` holds ``frames.zarr``
(masks and uncertainty), ``session.sqlite`` (rows, objects, clicks, history), ``session.json`` (what
was tracked with what) and ``checkpoint.pt`` (the tracker's memory).
"""
