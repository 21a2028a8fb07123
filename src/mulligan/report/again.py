"""How to do a run again: the words to type, and the settings behind them."""

import shlex
from dataclasses import replace

from mulligan.errors import MulliganError, typed
from mulligan.report.story import Story
from mulligan.serialization import to_table
from mulligan.training.config import Config
from mulligan.training.diagnosis.second_try import plan
from mulligan.training.overrides import apply_overrides, as_override, flattened
from mulligan.training.recipes import recipe

FLAGS = {"steps": "--steps", "seed": "--seed", "threads": "--threads", "data.name": "--data"}
"""Settings that have an option of their own."""
SHORT = 12
"""Most changes that are written as options; with more, the settings are the better command."""


def command(story: Story) -> list[str]:
    """Return the lines that do a run again; the settings as a file where options would not say all of it.

    None do where a second try has other changes than those that its parent's diagnosis proposes.
    """
    config = story.config
    if config.parent is not None:
        return [f"mulligan diagnose {typed(config.parent.run)} --try"] if _as_proposed(config) else []
    words = _options(config)
    if words is None:
        return ["mulligan train config.toml"]
    return [f"mulligan train {shlex.quote(config.recipe)}", *words]


def _as_proposed(config: Config) -> bool:
    """Whether a second try of the parent would be this one."""
    assert config.parent is not None
    try:
        proposed = plan(config.parent.run).config
    except (MulliganError, OSError):
        return False
    return to_table(proposed) == to_table(config)


def _options(config: Config) -> list[str] | None:
    """Return the options that make of the recipe this configuration; None where they cannot, or are too many."""
    try:
        base = recipe(config.recipe)
    except (MulliganError, OSError):
        return None
    old, new = flattened(to_table(base)), flattened(to_table(config))
    changed = {path: value for path, value in new.items() if old.get(path, _ABSENT) != value and path != "parent"}
    if "data.name" in changed and base.data.limit:  # which `--data` leaves out
        changed["data.limit"] = new["data.limit"]
    if len(changed) > SHORT:
        return None
    overrides = [as_override(path, value) for path, value in changed.items() if path not in FLAGS]
    try:
        made = apply_overrides(base, [*overrides, *((path, changed[path]) for path in FLAGS if path in changed)])[0]
    except MulliganError:
        return None
    if to_table(replace(made, recipe=config.recipe)) != to_table(config):
        return None
    options = [f"{FLAGS[path]} {shlex.quote(str(changed[path]))}" for path in FLAGS if path in changed]
    return [*options, *(f"--set {shlex.quote(line)}" for line in overrides)]


_ABSENT = object()
