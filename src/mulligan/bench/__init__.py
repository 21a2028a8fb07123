"""The speed of whole training steps, ours beside torch's and jax's: same arithmetic, same run, one process a side."""
