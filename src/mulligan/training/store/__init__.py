"""A run on disk.

- `folder`: what lies where, and `resume`; start here. `checkpoint`: all that the next step depends on.
- `recorder`: keeps the events of a run, safe against a kill at any moment. `log`: reads them back.
"""

from __future__ import annotations

from mulligan.training.store.checkpoint import Checkpoint, checkpoints, load_checkpoint, save_checkpoint, step_of
from mulligan.training.store.folder import RunFolder, newest_in, next_free, restored, resume, take_next
from mulligan.training.store.log import read_events, read_times
from mulligan.training.store.recorder import Recorder

__all__ = [
    "Checkpoint",
    "Recorder",
    "RunFolder",
    "checkpoints",
    "load_checkpoint",
    "newest_in",
    "next_free",
    "read_events",
    "read_times",
    "restored",
    "resume",
    "save_checkpoint",
    "step_of",
    "take_next",
]
