"""Configuration, the run, its event stream, checkpoints, diagnosis."""

from __future__ import annotations

from mulligan.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mulligan.training.config import Config, DataSpec, Parent, dumps_toml, load_config, with_overrides
from mulligan.training.folder import RunFolder, resume
from mulligan.training.interrupt import Interrupt
from mulligan.training.loop import Evaluator, Observer, train
from mulligan.training.recipes import RECIPES, describe, recipe
from mulligan.training.recorder import Recorder
from mulligan.training.run import Run

__all__ = [
    "RECIPES",
    "Checkpoint",
    "Config",
    "DataSpec",
    "Evaluator",
    "Interrupt",
    "Observer",
    "Parent",
    "Recorder",
    "Run",
    "RunFolder",
    "describe",
    "dumps_toml",
    "load_checkpoint",
    "load_config",
    "recipe",
    "resume",
    "save_checkpoint",
    "train",
    "with_overrides",
]
