"""The layers, by name."""
