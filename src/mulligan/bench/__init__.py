"""Time training steps of Mulligan beside torch and jax: the same arithmetic, in turns, one process for each library."""
