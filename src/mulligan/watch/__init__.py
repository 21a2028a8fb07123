"""Watch a GAN of any framework: `mulligan.Watch` around the user's own loop. Read `watch` first.

- `watch`: what the user calls, which also writes a run folder.
- `arrays`: arrays of any framework, and their range. `copies`: copies of the user's nets.
- `nets`: asks G and D; `torch_nets` those of torch, and records what a few steps of the loop do, as facts.
- `losses`: tells D's loss from its gradients. `detectors`: mistakes of the loop, from facts.
- `faults`: names them, with the signs of `faults.toml`.
- `afterwards`: reads the logs and pictures that people keep, for `mulligan diagnose --log --samples`.
"""

from mulligan.watch.watch import Watch as Watch

__all__ = ["Watch"]
