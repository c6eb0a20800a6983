"""The plugin: dock widget, readers and samples; the only room that knows Qt and napari."""
