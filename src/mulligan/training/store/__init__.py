"""A run on disk.

- `folder`: the files of a run, and `resume`; start here. `checkpoint`: everything that the next step depends on.
- `recorder`: writes the events of a run and survives a kill at any moment. `log`: reads them back.

Programs import the public names from `mulligan.training`. The names below are for the project itself.
"""

from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import newest_in, next_free, restored

__all__ = ["checkpoints", "newest_in", "next_free", "restored", "step_of"]
