"""Show the museum in the page: its cases, and what became of each when it was played."""

from pathlib import Path
from typing import Annotated, Any

import mulligan.museum
from mulligan.doors.read import find_json
from mulligan.museum import EXHIBITS
from mulligan.web.calls import Problem, Text, get

Name = Annotated[str, Text("[A-Za-z0-9_-]{1,80}", "a case's name", "article")]
SHIPPED = Path(mulligan.museum.__file__).parent / "played"
"""Stored results of each case, which benchmarks/shipped/museum.py computes."""


@get("/api/museum", apart=True)
def list_cases(playground: Any) -> dict[str, Any]:
    """Return the cases in the order of the tour."""
    return {"cases": [case.words() for case in EXHIBITS.values()]}


@get("/api/museum/{case}", apart=True)
def show_case(playground: Any, *, case: Name) -> dict[str, Any]:
    """Return one case with its result."""
    if case not in EXHIBITS:
        raise Problem("not-found", f"case must be one of {', '.join(EXHIBITS)}, got {case!r}.", field="case")
    played = find_json(SHIPPED / f"{case}.json")
    return {**EXHIBITS[case].words(), "command": f"mulligan museum {case}", "played": played}
