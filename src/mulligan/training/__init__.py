"""Train a GAN: a run, its events, its folder, and the diagnosis of what goes wrong.

- `loop`: `train`, which yields the events; start here. `run`: the state of a run. `events`: the kinds of events.
- `samples`: its data. Its settings are in the package `config`.
- `store`: run folders, checkpoints, logs. `diagnosis`: measures regularly, and names a failure that shows twice.
- `remedies`: what to change. `second_try`: goes back to a healthy checkpoint and applies the remedy.
- `monitor`: figures during training. `progress`: shows a run in a terminal or a notebook. `interrupt`: Ctrl-C.
- `start`: begins with the weights of another run.

Names are imported at first use, so that drawing a digit does not import the training loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.config.change import with_overrides as with_overrides
    from mulligan.config.model import Config as Config
    from mulligan.config.model import DataSpec as DataSpec
    from mulligan.config.model import Parent as Parent
    from mulligan.config.model import dumps_toml as dumps_toml
    from mulligan.config.model import load_config as load_config
    from mulligan.config.recipes import RECIPES as RECIPES
    from mulligan.config.recipes import describe as describe
    from mulligan.config.recipes import recipe as recipe
    from mulligan.training.diagnosis import Diagnosis as Diagnosis
    from mulligan.training.events import *  # noqa: F403
    from mulligan.training.interrupt import Interrupt as Interrupt
    from mulligan.training.loop import train as train
    from mulligan.training.run import Evaluator as Evaluator
    from mulligan.training.run import Observer as Observer
    from mulligan.training.run import Run as Run
    from mulligan.training.second_try import SecondTry as SecondTry
    from mulligan.training.second_try import plan as plan
    from mulligan.training.store.checkpoint import Checkpoint as Checkpoint
    from mulligan.training.store.checkpoint import load_checkpoint as load_checkpoint
    from mulligan.training.store.checkpoint import save_checkpoint as save_checkpoint
    from mulligan.training.store.folder import RunFolder as RunFolder
    from mulligan.training.store.folder import resume as resume
    from mulligan.training.store.folder import take_next as take_next
    from mulligan.training.store.history import read_events as read_events
    from mulligan.training.store.history import read_run as read_run
    from mulligan.training.store.recorder import Recorder as Recorder

_NAMES = {
    ".config.change": "with_overrides",
    ".config.model": "Config DataSpec Parent dumps_toml load_config",
    ".config.recipes": "describe recipe RECIPES",
    "diagnosis": "Diagnosis",
    "events": "Adjusted Clock Diagnosed Evaluated Event Failed Finished Measured Sampled Saved Started Stepped Waiting",
    "interrupt": "Interrupt",
    "loop": "train",
    "run": "Evaluator Observer Run",
    "second_try": "plan SecondTry",
    "store.checkpoint": "Checkpoint load_checkpoint save_checkpoint",
    "store.folder": "resume RunFolder take_next",
    "store.history": "read_events read_run",
    "store.recorder": "Recorder",
}
"""The public names of each module."""
__all__ = [name for names in _NAMES.values() for name in names.split()]

if not TYPE_CHECKING:  # because of __getattr__, a type checker would accept any name
    __getattr__, __dir__ = lazily(__name__, _NAMES)
