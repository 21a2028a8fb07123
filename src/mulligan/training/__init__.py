"""Configuration, the run, its event stream, checkpoints, diagnosis."""

from __future__ import annotations

from mulligan.training.config import Config, DataSpec, Parent, dumps_toml, load_config, with_overrides
from mulligan.training.loop import Evaluator, Observer, train
from mulligan.training.recipes import RECIPES, describe, recipe
from mulligan.training.run import Run

__all__ = [
    "RECIPES",
    "Config",
    "DataSpec",
    "Evaluator",
    "Observer",
    "Parent",
    "Run",
    "describe",
    "dumps_toml",
    "load_config",
    "recipe",
    "train",
    "with_overrides",
]
