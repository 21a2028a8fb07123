"""Answer questions about the live run between two steps."""

from typing import Any

import numpy as np

from mulligan.errors import ConfigError
from mulligan.output.generator import Generator
from mulligan.output.pictures import grid
from mulligan.training import Run
from mulligan.training.run import CLOUD, GRID
from mulligan.web.inside import maps
from mulligan.web.inside.maps import coordinates
from mulligan.web.library import drawing
from mulligan.web.library.drawing import png64
from mulligan.web.worker.live import Live

PAD = 2
TRACKED = 8
"""Number of fixed z whose path is kept."""


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
        if weights != "real":
            live.path.append(coordinates(made[:TRACKED], 3))
        return words | {"points": coordinates(made, 3), "low": low, "high": high, "dimension": made.shape[1]}
    n, height, width, channels = made.shape
    columns = int(np.ceil(np.sqrt(n)))
    return words | {
        "png": png64(grid(made, columns, PAD)),
        "columns": columns,
        "rows": -(-n // columns),
        "pad": PAD,
        "width": width,
        "height": height,
        "channels": channels,
    }


def generator_of(run: Run) -> Generator:
    """Return the averaged generator on one thread."""
    made = run.generator()
    made.threads = 1
    return made


def answer(what: str, live: Live, args: dict[str, Any]) -> dict[str, Any]:
    """Answer a question about the live run."""
    run = live.run
    if what == "samples":
        return samples(live, args["weights"])
    if what == "nearest":
        return drawing.nearest(generator_of(run), run.data, **args)
    if what in drawing.QUESTIONS:
        return drawing.QUESTIONS[what](generator_of(run), **args)
    if what in maps.QUESTIONS:
        found = maps.QUESTIONS[what](run, **args)
        if what == "field":
            found["path"] = [list(way) for way in zip(*live.path)]
        return {"run": live.folder.name, "try": live.number, "step": run.step, **found}
    raise ConfigError(
        f"a question must be one of samples, nearest, {', '.join([*drawing.QUESTIONS, *maps.QUESTIONS])}, got {what!r}."
    )
