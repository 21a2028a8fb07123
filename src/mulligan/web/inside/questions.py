"""Answer questions about the live run between two steps."""

from typing import Any

import numpy as np

from mulligan.output.pictures import grid
from mulligan.training.run import CLOUD, GRID
from mulligan.web.inside import maps
from mulligan.web.inside.maps import coordinates
from mulligan.web.library import drawing
from mulligan.web.library.drawing import png64
from mulligan.web.worker.live import Live


def samples(live: Live, weights: str) -> dict[str, Any]:
    """Return the grid of the fixed z, or the same number of real samples."""
    run = live.run
    if weights == "real":
        made = np.asarray(run.data.images[: CLOUD if run.data.is_points else GRID])
    else:
        made = run.sample(*run.grid, average=weights == "average")
    words: dict[str, Any] = {"try": live.number, "step": run.step, "weights": weights}
    if run.data.is_points:
        low, high = run.data.range
        return words | {"points": coordinates(made, 3), "low": low, "high": high, "dimension": made.shape[1]}
    return words | {"png": png64(grid(made))}


def answer(what: str, live: Live, args: dict[str, Any]) -> dict[str, Any]:
    """Answer a question about the live run. Raises a MulliganError when there is no answer."""
    run = live.run
    if what == "samples":
        return samples(live, **args)
    if what in drawing.QUESTIONS:
        generator = run.generator()
        generator.threads = 1
        return drawing.QUESTIONS[what](generator, **args, **({"data": run.data} if what == "nearest" else {}))
    if what == "duel":
        found, live.forged = maps.played(run, live.forged, **args)
    else:
        found = maps.QUESTIONS[what](run, **args)
    return {"run": live.folder.name, "try": live.number, "step": run.step, **found}
