"""Pictures from seeds: by the worker for the live run, from a file for all other generators."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np

from mulligan.nn.fields import Interval
from mulligan.output.pictures import read_png, save_walk
from mulligan.web.api.route import Answer, Apart, Request, Route, Routes
from mulligan.web.api.values import RUN, RunPath, Text
from mulligan.web.library import drawing
from mulligan.web.playground import Playground

routes = Routes()


@dataclass(frozen=True, kw_only=True)
class Drawn(Request):
    """A question to a generator."""

    model: Annotated[str, Text(RUN, "bundled, live or a run's name", "bundled")] = "bundled"

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> Any:
        if self.model == "live":
            found = await playground.worker.ask(route.function.__name__, values)
        else:
            found = await playground.apart(self._from_file, playground, route.function, values)
        return {"model": self.model, **found}

    def _from_file(self, playground: Playground, function: Callable[..., Any], values: Any) -> dict[str, Any]:
        generator = playground.generator(self.model)
        if function is drawing.nearest:
            values = {**values, "data": playground.data(self.model)}
        with playground.lock:  # a generator has one set of buffers
            found: dict[str, Any] = function(generator, **values)
            return found


@dataclass(frozen=True, kw_only=True)
class AsFile(Drawn):
    """A walk that comes as a file."""

    scale: Annotated[int, Interval(1, 16, "[]", 4), "Size of each pixel in the file."] = 1

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> Any:
        found = await super().call(playground, route, values)
        return await playground.apart(self._written, found)

    def _written(self, found: dict[str, Any]) -> Answer:
        pictures = np.stack([read_png(BytesIO(base64.b64decode(text))) for text in found["frames"]])
        large = pictures.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "walk.gif"
            save_walk(path, large)
            return Answer(path.read_bytes(), file=f"walk-{found['from']}-{found['to']}.gif")


routes.get("/api/draw", Drawn)(drawing.draw)
routes.get("/api/walk", Drawn)(drawing.walk)
routes.get("/api/walk.gif", AsFile, media="image/gif")(drawing.walk)
routes.get("/api/plane", Drawn)(drawing.plane)
routes.get("/api/nearest", Drawn)(drawing.nearest)
routes.post("/api/invert", Drawn)(drawing.inverted)


@routes.get("/api/models", Apart)
def models(playground: Playground, *, also: RunPath | None = None) -> list[dict[str, Any]]:
    """Return the newest hundred generators, and the one of the run `also`."""
    return playground.models(also)
