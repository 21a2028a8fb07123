"""A run on disk.

- `folder`: what lies where, and `resume`; start here. `checkpoint`: all that the next step depends on.
- `recorder`: keeps the events of a run, safe against a kill at any moment. `log`: reads them back.

What programs need of these, `mulligan.training` hands on; here stands the rest.
"""

from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import newest_in, next_free, restored
from mulligan.training.store.log import read_times

__all__ = ["checkpoints", "newest_in", "next_free", "read_times", "restored", "step_of"]
