"""The exhibits: `plates.toml` says what was published, why it fails, and which function here plays it.

Read `article` first; `digits` plays on MNIST, `ring` on eight Gaussians, `duels` what the engine itself prevents.
"""

import tomllib
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from mulligan.errors import ConfigError, shown, suggest
from mulligan.museum.exhibit import Exhibit, Played


def _play(where: str, seed: int = 0, **settings: Any) -> Played:
    module, name = where.split(".")
    played: Played = getattr(import_module(f"{__name__}.{module}"), name)(seed, **settings)
    return played


_PLATES = tomllib.loads((Path(__file__).parent.parent / "plates.toml").read_text("utf-8"))
EXHIBITS = {name: Exhibit(name, **plate | {"play": partial(_play, plate["play"])}) for name, plate in _PLATES.items()}
"""The exhibits in the order of the tour. To add one, add an entry to ``plates.toml`` and the function that it names."""


def exhibit_named(name: str) -> Exhibit:
    """Return an exhibit by its name, to play it: ``exhibit_named("article").play(0)``. Raises `ConfigError`."""
    if name not in EXHIBITS:
        hint = suggest(name, EXHIBITS) or " Try article."
        raise ConfigError(f"case must be one of {', '.join(EXHIBITS)}, got {shown(name)}.{hint}")
    return EXHIBITS[name]
