"""Train the bundled click network on synthetic stills and labelled images."""
