"""Train the bundled tracker on synthetic clips."""
