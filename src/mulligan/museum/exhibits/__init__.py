"""The exhibits: each file plays and measures one. `plates.toml` says what was published, and why it fails.

Read `article` first.
"""

import tomllib
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from mulligan.errors import ConfigError, shown, suggest
from mulligan.museum.case import Case, Played


def _play(name: str, seed: int = 0, **settings: Any) -> Played:
    played: Played = import_module(f"{__name__}.{name.replace('-', '_')}").run(seed, **settings)
    return played


_PLATES = tomllib.loads((Path(__file__).parent.parent / "plates.toml").read_text("utf-8"))
CASES: dict[str, Case] = {name: Case(name, **plate, play=partial(_play, name)) for name, plate in _PLATES.items()}
"""The exhibits in the order of the tour. To add one, add an entry."""


def case_named(name: str) -> Case:
    """Return an exhibit by its name in `CASES`, to play it: ``case_named("article").play(0)``. Raises `ConfigError`."""
    if name not in CASES:
        hint = suggest(name, CASES) or " Try article."
        raise ConfigError(f"case must be one of {', '.join(CASES)}, got {shown(name)}.{hint}")
    return CASES[name]
