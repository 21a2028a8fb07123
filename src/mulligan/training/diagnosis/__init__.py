"""What is wrong with a run, how one can tell, and what to do.

- `rules`: what each failure looks like; start here. `remedies`: what to do about it; `second_try`: doing it.
- `observer`: watches the stream of events; `measure`: the figures it takes; `measurements`: those so far.
- `config_faults`: failures that the configuration already shows; `statistics`, `findings`, `descriptions`, `changes`.
"""
