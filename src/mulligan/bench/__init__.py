"""Time training steps of the standard workloads on this machine, beside the time of their matrix products alone.

`bench` runs it all; `workloads` lists what is timed. ``python benchmarks/rivals`` times torch and jax in the same way.
"""
