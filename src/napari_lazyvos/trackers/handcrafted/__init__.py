"""The tracker that needs no weights."""
