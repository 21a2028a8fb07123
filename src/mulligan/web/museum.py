"""Show the museum in the page: its cases, and the results of playing them here."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import mulligan.museum
from mulligan.doors.read import find_json
from mulligan.doors.write import atomic_write
from mulligan.museum import EXHIBITS, Exhibit, Played
from mulligan.nn.fields import Interval
from mulligan.web.calls import Problem, Text, get, post
from mulligan.web.drawing import png64
from mulligan.web.handle import dumps

if TYPE_CHECKING:
    from mulligan.web.playground import Playground

Name = Annotated[str, Text("[A-Za-z0-9_-]{1,80}", "a case's name", "article")]
KEPT = ".museum"
"""Inside the runs folder: the result of playing a case, one JSON file each."""
SHIPPED = Path(mulligan.museum.__file__).parent / "played"
"""Stored results of each case, which benchmarks/shipped/museum.py computes."""


def case_of(name: str) -> Exhibit:
    """Return a case."""
    if name not in EXHIBITS:
        raise Problem("not-found", f"case must be one of {', '.join(EXHIBITS)}, got {name!r}.", field="case")
    return EXHIBITS[name]


@get("/api/museum", apart=True)
def list_cases(playground: "Playground") -> dict[str, Any]:
    """Return the cases in the order of the tour."""
    return {"cases": [case.words() for case in EXHIBITS.values()]}


@get("/api/museum/{case}", apart=True)
def show_case(playground: "Playground", *, case: Name) -> dict[str, Any]:
    """Return one case with its last result."""
    words = case_of(case).words()
    kept = find_json(playground.runs / KEPT / f"{case}.json") or {"played": find_json(SHIPPED / f"{case}.json")}
    return {**words, "command": f"mulligan museum {case}"} | {name: kept.get(name) for name in ("seconds", "played")}


@post("/api/museum/{case}/play", status=202)
def begin(
    playground: "Playground", *, case: Name, seed: Annotated[int, Interval(0, 2**31 - 1, "[]", 42)] = 0
) -> dict[str, Any]:
    """Begin to play a case, as published and repaired."""
    case_of(case)
    return playground.jobs.add("museum", case, seed=seed)


def play(runs: Path, name: str, seed: int) -> None:
    """Play a case, and save the result."""
    start = time.perf_counter()
    played = {"seed": seed, **describe(case_of(name).play(seed))}
    result = {"seconds": round(time.perf_counter() - start, 1), "played": played}
    atomic_write(runs / KEPT / f"{name}.json", dumps(result))


def describe(played: Played) -> dict[str, Any]:
    """Return the result of playing a case, with its pictures."""
    return {
        "fails": played.fails,
        "evidence": [asdict(each) for each in played.evidence],
        "pictures": [
            {name: value for name, value in vars(each).items() if name != "image"}
            | {"png": png64(each.image), "width": each.image.shape[1], "height": each.image.shape[0]}
            for each in played.pictures
        ],
    }
