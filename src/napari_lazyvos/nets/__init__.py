"""Networks in plain torch, one file per publication, and where they run."""
