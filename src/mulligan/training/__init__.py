"""Configuration, the run, its event stream, checkpoints, diagnosis."""
