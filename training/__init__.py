"""How the bundled weights were made; every script runs again from the data alone."""
