"""All exhibits by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from mulligan.errors import ConfigError
from mulligan.museum import article

if TYPE_CHECKING:
    from mulligan.museum.case import Case

CASES: dict[str, Case] = {case.name: case for case in (article.CASE,)}
"""The exhibits in the order of the tour; one more is one more entry."""


def case_named(name: str) -> Case:
    """Return an exhibit.

    Raises
    ------
    ConfigError
        When there is none of that name.
    """
    if name not in CASES:
        near = get_close_matches(name, CASES, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"the museum has no {name!r}.{hint} It has {', '.join(CASES)}.")
    return CASES[name]
