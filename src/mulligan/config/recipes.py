"""Find recipes: complete configurations by name. Each is a TOML file with a comment about its source."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mulligan.config.change import with_overrides
from mulligan.config.model import Config, load_config, with_all_of
from mulligan.doors.read import read_text
from mulligan.errors import require_known

CHOICES = ("quick", "best", "finest", "fashion", "faces", "pictures", "unlabelled", "mlp", "ring", "grid")
"""The recipes that people choose from."""
_FILES = {path.stem: path for path in (Path(__file__).parent.parent / "recipes").rglob("*.toml")}
RECIPES: dict[str, Path] = {name: _FILES[name] for name in [*CHOICES, *sorted(_FILES.keys() - {*CHOICES})]}
"""The file of every recipe by its name: `CHOICES`, then those of papers, of the museum and of studies."""


def recipe(name: str | Path, **overrides: Any) -> Config:
    """Return the configuration of a recipe, ready for `Run`.

    Parameters
    ----------
    name : str or Path
        One of `RECIPES`, or the path of a TOML file.
    **overrides
        Fields of `Config` to change, as an object or its plain form: ``steps=2000``, ``loss="hinge"``,
        ``data="fashion-mnist"``. Use a path for a nested field: ``**{"discriminator.optimizer.lr": 1e-4}``. A
        name or a dict for ``data`` changes only these fields of it.

    Raises
    ------
    ConfigError
        When the recipe or a field is unknown, or a value is not allowed.
    """
    path = file_of(name, RECIPES, "recipe", "recipes")
    anew = replace(load_config(path), recipe=path.stem, parent=None)  # the file may be a second try's
    data = overrides.get("data")
    fields = {"name": data} if isinstance(data, str) else data
    if isinstance(fields, Mapping):
        del overrides["data"]
        anew = with_all_of(anew, fields.get("name", anew.data.name))
        overrides |= {f"data.{key}": value for key, value in fields.items()}
    return with_overrides(anew, overrides)


def describe(name: str) -> str:
    """Describe a recipe in a line; the comment at the top of its file also names its source."""
    return opening(file_of(name, RECIPES, "recipe", "recipes")).partition(": ")[2]


def file_of(name: str | Path, known: Mapping[str, Path], kind: str, kinds: str) -> Path:
    """Find a TOML file: one of `known`, by its name, or the user's own, by its path. `kind` is the word for it."""
    word = str(name) if isinstance(name, Path) else name
    if isinstance(word, str) and word.endswith(".toml"):
        return Path(os.path.expanduser(word))
    rule = f"a name of `mulligan list {kinds}` or the path of a .toml file"
    require_known(word, known, kind, next(iter(known)), rule)
    return known[word]


def opening(path: Path) -> str:
    """Return the first line of the comment at the top of a TOML file."""
    first = read_text(path).partition("\n")[0]
    return first.lstrip("#").strip() if first.startswith("#") else ""
