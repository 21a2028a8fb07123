"""Configuration, the run, its event stream, checkpoints, diagnosis.

What stands here is imported at first use: whoever draws one digit needs the tables, and no loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from mulligan.training.companions import Evaluator, Observer
    from mulligan.training.config import Config, DataSpec, Parent, dumps_toml, load_config, with_all_of, with_overrides
    from mulligan.training.diagnosis import Diagnosis
    from mulligan.training.folder import RunFolder, resume
    from mulligan.training.interrupt import Interrupt
    from mulligan.training.loop import train
    from mulligan.training.recipes import RECIPES, describe, recipe
    from mulligan.training.recorder import Recorder
    from mulligan.training.run import Run
    from mulligan.training.second_try import SecondTry, diagnoses, plan

__all__ = [
    "RECIPES",
    "Checkpoint",
    "Config",
    "DataSpec",
    "Diagnosis",
    "Evaluator",
    "Interrupt",
    "Observer",
    "Parent",
    "Recorder",
    "Run",
    "RunFolder",
    "SecondTry",
    "describe",
    "diagnoses",
    "dumps_toml",
    "load_checkpoint",
    "load_config",
    "plan",
    "recipe",
    "resume",
    "save_checkpoint",
    "train",
    "with_all_of",
    "with_overrides",
]

_HOMES = {
    "Checkpoint": "checkpoint",
    "Config": "config",
    "DataSpec": "config",
    "Diagnosis": "diagnosis",
    "Evaluator": "companions",
    "Interrupt": "interrupt",
    "Observer": "companions",
    "Parent": "config",
    "RECIPES": "recipes",
    "Recorder": "recorder",
    "Run": "run",
    "RunFolder": "folder",
    "SecondTry": "second_try",
    "describe": "recipes",
    "diagnoses": "second_try",
    "dumps_toml": "config",
    "load_checkpoint": "checkpoint",
    "load_config": "config",
    "plan": "second_try",
    "recipe": "recipes",
    "resume": "folder",
    "save_checkpoint": "checkpoint",
    "train": "loop",
    "with_all_of": "config",
    "with_overrides": "config",
}
"""Which module has what."""

if not TYPE_CHECKING:  # which knows the names from above, and would take any other for one of them
    __getattr__, __dir__ = lazily(__name__, _HOMES)
