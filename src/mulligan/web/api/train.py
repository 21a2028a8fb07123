"""The live run: what a page shows of it, its commands, and what it may be trained on."""

from dataclasses import dataclass
from typing import Annotated, Any

from mulligan.nn.fields import Interval, Words
from mulligan.web.api.route import Answer, Apart, Request, Route, Routes
from mulligan.web.api.values import RunName, Text
from mulligan.web.library.pile import Pile
from mulligan.web.library.runs import Step
from mulligan.web.playground import Playground
from mulligan.web.session import choices
from mulligan.web.session.session import Session
from mulligan.web.session.settings import Alpha, Asked, Changes, Live, Resize, Size, Tile
from mulligan.web.session.votes import Votes
from mulligan.web.session.write_lock import Client, WriteLock

routes = Routes()

Own = Annotated[str, Text(".{1,200}", "the name of your own pictures in the catalog", "my-pictures")]
Weights = Annotated[str, Words(("average", "raw", "real")), "Which grid."]


@dataclass(frozen=True, kw_only=True)
class Settings(Asked, Request):
    """The settings of a run. Without a recipe, the live run's settings are changed."""

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> dict[str, Any]:
        route.function(playground.session, self)
        return playground.session.status()


@dataclass(frozen=True, kw_only=True)
class Command(Request):
    """A command for the try that the page shows, which must be the live one."""

    try_: Annotated[int, Interval(1, 10_000, "[]", 1), "The try that the page shows: status.try."]
    run: RunName | None = None

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> Any:
        playground.session.check_command(route.path.rpartition("/")[2], self.try_, self.run)
        route.function(playground.session, **values)
        return playground.session.status()


@dataclass(frozen=True, kw_only=True)
class Adjust(Live, Command):
    """New values of settings that take effect at once."""

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> Any:
        return await super().call(playground, route, {"asked": self})


routes.get("/api/snapshot")(Playground.snapshot)
routes.post("/api/write-lock", of="write_lock", locked=False)(WriteLock.ask)
routes.post("/api/train/start", Settings)(Session.start)
routes.post("/api/train/pause", Command)(Session.pause)
routes.post("/api/train/resume", Command)(Session.resume)
routes.post("/api/train/step", Command)(Session.step)
routes.post("/api/train/stop", Command)(Session.stop)
routes.post("/api/train/continue", Command)(Session.go_back)
routes.post("/api/train/adjust", Adjust)(Session.adjust)
routes.get("/api/pile", Apart, of="pile")(Pile.shown)
routes.post("/api/pile", of="pile", of_class=True)(Pile.add)
routes.post("/api/pile/remove", of="pile", of_class=True)(Pile.take_out)
routes.post("/api/pile/keep", of="pile")(Pile.keep)
routes.post("/api/points", of="pile")(Pile.keep_points)
routes.post("/api/round", of="votes")(Votes.begin)
routes.post("/api/round/vote", of="votes", of_class=True)(Votes.vote)
routes.post("/api/round/end", of="votes")(Votes.end)
routes.post("/api/round/leave", of="votes")(Votes.leave)


@routes.post("/api/train/second-try", Command)
def second_try(session: Session, *, changes: Changes | None = None, step: Step | None = None) -> None:
    """Go back to the newest checkpoint up to a step (the last healthy one) with the remedy, or with these changes."""
    session.second_try(None if changes is None else list(changes), step)


@routes.get("/api/train/samples")
async def samples(playground: Playground, *, weights: Weights = "average") -> dict[str, Any]:
    """Return the grid of the live run."""
    return await playground.worker.ask("samples", {"weights": weights})


@routes.get("/api/stream", media="text/event-stream", of_class=True)
def stream(playground: Playground, *, client: Client, phone: bool = False) -> Answer:
    """Send events: a snapshot, then updates; only those for a `phone` of a class."""
    return Answer(playground.broadcast.stream(client, phone))


@routes.get("/api/catalog")
def catalog(playground: Playground) -> dict[str, Any]:
    """Return recipes, data, losses, penalties."""
    return choices.catalog(playground.session.own) | {"book": playground.book and "/book/index.html"}


@routes.get("/api/pictures", Apart)
def pictures(
    playground: Playground,
    *,
    data: Own,
    size: Size = 0,
    alpha: Alpha = "auto",
    resize: Resize = "auto",
    tile: Tile = "",
) -> dict[str, Any]:
    """Return own pictures, as the network will see them."""
    return choices.preview(data, playground.session.own, size=size, alpha=alpha, resize=resize, tile=tile)
