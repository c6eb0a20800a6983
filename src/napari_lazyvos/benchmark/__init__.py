"""Measuring trackers on videos whose masks are known."""
