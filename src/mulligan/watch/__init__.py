"""Watch a GAN of any framework: `mulligan.Watch` around the user's own loop. Read `watch` first.

- `watch`: what the user calls. `folder`: writes a watched run as a run folder.
- `arrays`: arrays of any framework, and their range. `nets`: asks G and D; `torch_nets` those of torch.
- `forms`: finds out which loss D trains with. `listener`: listens to a torch loop through hooks that only read.
- `faults`: names mistakes of a loop, and has the signs of `faults.toml`.
- `afterwards`: reads the logs and pictures that people keep, for `mulligan diagnose --log --samples`.
"""

from mulligan.watch.watch import Watch as Watch

__all__ = ["Watch"]
