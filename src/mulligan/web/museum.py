"""The museum, for the page: its cases, as far as this installation has any."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mulligan.web.problems import Problem

if TYPE_CHECKING:
    from mulligan.web.playground import Playground


def _cases() -> dict[str, Any]:
    try:
        found: dict[str, Any] = getattr(import_module("mulligan.museum"), "CASES", {})
    except ImportError:
        return {}
    return found


def listed(playground: Playground) -> dict[str, Any]:
    """Return the cases by name and title."""
    cases = _cases()
    return {"available": bool(cases), "cases": [{"id": name} for name in cases]}


def case(playground: Playground, case: str) -> dict[str, Any]:
    """Return one case."""
    found = _cases().get(case)
    if found is None:
        raise Problem(
            "not-found", f"there is no case {case!r} in the museum. GET /api/museum lists them.", field="case"
        )
    return {"id": case}
