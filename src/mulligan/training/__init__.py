"""Configuration, the run, its event stream, checkpoints, diagnosis.

What stands here is imported at first use: whoever draws one digit needs the tables, and no loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.training.companions import Evaluator, Observer
    from mulligan.training.config import Config, DataSpec, Parent, dumps_toml, load_config, with_all_of
    from mulligan.training.diagnosis.observer import Diagnosis
    from mulligan.training.diagnosis.second_try import SecondTry, diagnoses, plan
    from mulligan.training.interrupt import Interrupt
    from mulligan.training.loop import train
    from mulligan.training.overrides import with_overrides
    from mulligan.training.recipes import RECIPES, describe, recipe
    from mulligan.training.run import Run
    from mulligan.training.store.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from mulligan.training.store.folder import RunFolder, resume, take_next
    from mulligan.training.store.log import read_events
    from mulligan.training.store.recorder import Recorder

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
    "read_events",
    "recipe",
    "resume",
    "save_checkpoint",
    "take_next",
    "train",
    "with_all_of",
    "with_overrides",
]

_HOMES = {
    "Checkpoint": "store.checkpoint",
    "Config": "config",
    "DataSpec": "config",
    "Diagnosis": "diagnosis.observer",
    "Evaluator": "companions",
    "Interrupt": "interrupt",
    "Observer": "companions",
    "Parent": "config",
    "RECIPES": "recipes",
    "Recorder": "store.recorder",
    "Run": "run",
    "RunFolder": "store.folder",
    "SecondTry": "diagnosis.second_try",
    "describe": "recipes",
    "diagnoses": "diagnosis.second_try",
    "dumps_toml": "config",
    "load_checkpoint": "store.checkpoint",
    "load_config": "config",
    "plan": "diagnosis.second_try",
    "read_events": "store.log",
    "recipe": "recipes",
    "resume": "store.folder",
    "save_checkpoint": "store.checkpoint",
    "take_next": "store.folder",
    "train": "loop",
    "with_all_of": "config",
    "with_overrides": "overrides",
}
"""Which module has what."""

if not TYPE_CHECKING:  # which knows the names from above, and would take any other for one of them
    __getattr__, __dir__ = lazily(__name__, _HOMES)
