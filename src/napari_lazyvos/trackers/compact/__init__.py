"""The bundled tracker: a small network that weighs motion against looks."""
