"""What trackers share that look up the places of a frame in a memory of frames."""
