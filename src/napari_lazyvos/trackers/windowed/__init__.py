"""What trackers share that look through a window at the objects and follow them by flow."""
