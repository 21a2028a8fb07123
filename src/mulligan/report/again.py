"""Write the command that repeats a run."""

import shlex
from dataclasses import replace

from mulligan.config.change import Change, apply_overrides, flattened
from mulligan.config.model import Config
from mulligan.config.recipes import recipe
from mulligan.config.serialization import to_table
from mulligan.errors import MulliganError, typed
from mulligan.report.story import Story
from mulligan.training.second_try import plan

FLAGS = {"steps": "--steps", "seed": "--seed", "threads": "--threads", "data.name": "--data"}
"""Settings that have their own option."""
SHORT = 12
"""Maximum number of changes that are written as options. With more, the command uses the file of settings."""


def command(story: Story) -> list[str]:
    """Return the command that repeats a run, as lines. It uses the file of settings if options do not suffice.

    Empty for a second try whose changes differ from its parent's remedy.
    """
    config = story.config
    if config.parent is not None:
        return [f"mulligan diagnose {typed(config.parent.run)} --try"] if _as_proposed(config) else []
    words = _options(config)
    if words is None:
        return ["mulligan train config.toml"]
    return [f"mulligan train {shlex.quote(config.recipe)}", *words]


def _as_proposed(config: Config) -> bool:
    """Whether `mulligan diagnose --try` on the parent would give this run."""
    assert config.parent is not None
    try:
        proposed = plan(config.parent.run).config
    except (MulliganError, OSError):
        return False
    return to_table(proposed) == to_table(config)


def _options(config: Config) -> list[str] | None:
    """Return the options that turn the recipe into this configuration; None if that is impossible or too long."""
    try:
        base = recipe(config.recipe)
    except (MulliganError, OSError):
        return None
    old, new = flattened(to_table(base)), flattened(to_table(config))
    changed = {path: value for path, value in new.items() if old.get(path, _ABSENT) != value and path != "parent"}
    if "data.name" in changed and base.data.limit:  # `--data` removes the limit
        changed["data.limit"] = new["data.limit"]
    if len(changed) > SHORT:
        return None
    changes = [Change(path, value) for path, value in changed.items() if path not in FLAGS]
    flags = [Change(path, changed[path]) for path in FLAGS if path in changed]
    try:
        made = apply_overrides(base, [*changes, *flags])[0]
    except MulliganError:
        return None
    if to_table(replace(made, recipe=config.recipe)) != to_table(config):
        return None
    options = [f"{FLAGS[path]} {shlex.quote(str(value))}" for path, value in flags]
    return [*options, *(f"--set {shlex.quote(str(change))}" for change in changes)]


_ABSENT = object()
