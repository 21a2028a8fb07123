"""Recipes: whole configurations by name, one TOML file each, with a comment that says where it comes from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mulligan.errors import ConfigError, shown, suggest
from mulligan.training.config import load_config, read_text
from mulligan.training.overrides import with_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mulligan.training.config import Config

RECIPES: dict[str, Path] = {
    path.stem: path for path in sorted((Path(__file__).parent.parent / "recipes").glob("*.toml"))
}
"""The file of every recipe by its name; one of your own is one more entry."""


def recipe(name: str | Path, **overrides: Any) -> Config:
    """Give the configuration of a recipe.

    Parameters
    ----------
    name : str or Path
        One of `RECIPES`, or the path of a TOML file.
    **overrides
        Fields of `Config` to change, each an object or its plain form: ``steps=2000``, ``loss="hinge"``,
        ``data="fashion-mnist"``. Deeper ones by path: ``**{"discriminator.optimizer.lr": 1e-4}``.

    Raises
    ------
    ConfigError
        When there is no such recipe, or a field is unknown or has a value that is not allowed.
    """
    path = _find(name)
    anew = replace(load_config(path), recipe=path.stem, parent=None)  # the settings of a second try, too
    return with_overrides(anew, overrides)


def describe(name: str) -> tuple[str, str]:
    """Return what a recipe is, in one line, and the rest of its opening comment: where it comes from."""
    first, rest = opening(_find(name))
    return first.partition(": ")[2], rest


def _find(name: str | Path) -> Path:
    return file_of(name, RECIPES, "recipe", "recipes")


# ── files that come with Mulligan ─────────────────────────────────────────────────────────────────────────────────────


def file_of(name: str | Path, known: Mapping[str, Path], kind: str, kinds: str) -> Path:
    """Return a file by the name that it has among those that come with Mulligan, or by its path.

    Parameters
    ----------
    name : str or Path
    known : mapping of str to Path
    kind, kinds : str
        What an error calls one of them, and all.

    Raises
    ------
    ConfigError
        When the name is not known, and no path of a TOML file.
    """
    word = str(name) if isinstance(name, Path) else name
    if isinstance(word, str) and word in known:
        return known[word]
    if isinstance(word, str) and word.endswith(".toml"):
        return Path(os.path.expanduser(word))
    hint = suggest(word, known) or " A path must end in .toml."
    raise ConfigError(f"there is no {kind} {shown(word)}.{hint} Known {kinds} are {', '.join(known)}.")


def opening(path: Path) -> tuple[str, str]:
    """Return the first line of the comment that a TOML file begins with, and the others put together."""
    lines = []
    for line in read_text(path).splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return lines[0] if lines else "", " ".join(line for line in lines[1:] if line)
