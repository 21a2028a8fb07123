"""Look inside a run: the live one, which its worker measures between two steps, or a checkpoint of another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from mulligan.nn.fields import Interval
from mulligan.web.api.route import Request, Route, Routes
from mulligan.web.api.values import RunPath
from mulligan.web.inside import maps
from mulligan.web.playground import Playground

routes = Routes()


@dataclass(frozen=True, kw_only=True)
class Looked(Request):
    """A question about a run at a step: by default its newest checkpoint, or where the live run is."""

    run: RunPath = "live"
    step: Annotated[int, Interval(0, 1e12, "[]", 100), "Step of a checkpoint."] | None = None

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> Any:
        live = playground.session.state
        if (self.run == "live" or self.run.removeprefix("./") == live.run) and self.step in (None, live.step):
            return await playground.worker.ask(route.function.__name__, values)
        name = live.run if self.run == "live" and live.run is not None else self.run
        return await playground.apart(self._in_checkpoint, playground, name, route.function, values)

    def _in_checkpoint(
        self, playground: Playground, name: str, function: Callable[..., Any], values: Any
    ) -> dict[str, Any]:
        with playground.lock:
            built = playground.loaded_run(name, self.step)
            found = function(built, **values)
        return {"run": name, "try": None, "step": built.step, **found}


for question in maps.QUESTIONS.values():
    routes.get(f"/api/look/{question.__name__}", Looked)(question)
