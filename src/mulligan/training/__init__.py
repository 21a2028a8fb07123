"""Configuration, the run, its event stream, checkpoints, diagnosis."""

from __future__ import annotations

from mulligan.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mulligan.training.config import Config, DataSpec, Parent, dumps_toml, load_config, with_all_of, with_overrides
from mulligan.training.diagnosis import Diagnosis
from mulligan.training.folder import RunFolder, resume
from mulligan.training.interrupt import Interrupt
from mulligan.training.loop import Evaluator, Observer, train
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
