"""One file an exhibit: what was published, played, measured, explained and repaired. Read `article` first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.errors import ConfigError, shown, suggest
from mulligan.museum.exhibits import (
    article,
    autograd,
    batch_of_one,
    flushed,
    frozen,
    gradient_norm,
    joined_batch,
    lazy_penalty,
    literal_cost,
    log_of_probability,
    raw_pixels,
    saturating,
    uncalled,
)

if TYPE_CHECKING:
    from mulligan.museum.case import Case

_TOUR = (
    article,
    literal_cost,
    autograd,
    flushed,
    frozen,
    batch_of_one,
    gradient_norm,
    log_of_probability,
    raw_pixels,
    joined_batch,
    saturating,
    lazy_penalty,
    uncalled,
)
CASES: dict[str, Case] = {room.CASE.name: room.CASE for room in _TOUR}
"""The exhibits in the order of the tour; one more is one more entry."""


def case_named(name: str) -> Case:
    """Return an exhibit.

    Raises
    ------
    ConfigError
        When no exhibit has this name.
    """
    if not isinstance(name, str) or name not in CASES:
        hint = suggest(name, CASES) or " Try article."
        raise ConfigError(f"case must be one of {', '.join(CASES)}, got {shown(name)}.{hint}")
    return CASES[name]
