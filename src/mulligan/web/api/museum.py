"""The museum: GANs that failed."""

from typing import Annotated, Any

from mulligan.nn.fields import Interval
from mulligan.web.api.route import Apart, Routes
from mulligan.web.library import museum
from mulligan.web.playground import Playground

routes = Routes()
routes.get("/api/museum", Apart)(museum.listed)
routes.get("/api/museum/{case}", Apart)(museum.case)


@routes.post("/api/museum/{case}/play", status=202)
def play(
    playground: Playground, *, case: museum.Name, seed: Annotated[int, Interval(0, 2**31 - 1, "[]", 42)] = 0
) -> dict[str, Any]:
    """Play a case, as published and repaired."""
    museum.named(case)
    return playground.jobs.add("museum", case, seed=seed)
