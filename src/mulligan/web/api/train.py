"""The live run: what a page shows of it, its commands, and what it may be trained on."""

from dataclasses import dataclass
from typing import Annotated, Any

from mulligan.config.recipes import RECIPES
from mulligan.data.sources.picture_file import SIZES
from mulligan.game.losses import LOSSES
from mulligan.nn.fields import Interval, Words, form_of
from mulligan.web.api.route import Answer, Apart, Request, Route, Routes
from mulligan.web.api.values import Many, RunName, Seed, Text
from mulligan.web.library.pile import NewData, Pile
from mulligan.web.playground import Playground
from mulligan.web.session import choices
from mulligan.web.session.session import Session, Steps
from mulligan.web.session.settings import LIMITS, combinations
from mulligan.web.session.write_lock import Client, WriteLock

routes = Routes()

Size = Annotated[int, Interval(0, max(SIZES), "[]", SIZES[0]), "Side of own pictures; 0: a folder's 28, a file's own."]
Rate = Annotated[float, Interval(*LIMITS["lr"], "[]", 0.001), "A learning rate."]
Gamma = Annotated[float, Interval(*LIMITS["gamma"], "[]", 1.0), "Strength of the gradient penalty."]
Change = Text(r"[^=\n]{1,250}=[^\n]{1,250}", "path=value", "loss.kind=hinge")
Changes = Annotated[tuple[str, ...], Many(Change, 0, 64), "Changes of the configuration, path=value."]
Own = Annotated[str, Text(".{1,200}", "the name of your own pictures in the catalog", "my-pictures")]
Point = Annotated[float, Interval(-4, 4, "[]", 0.5)]
Points = Annotated[tuple[float, ...], Many(form_of(Point), 2, 4000), "x and y of each point in turn."]
Weights = Annotated[str, Words(("average", "raw", "real")), "Which grid."]


@dataclass(frozen=True, kw_only=True)
class Settings(Request):
    """The settings of a run. Without a recipe, the live run's settings are changed."""

    recipe: Annotated[str, Words(tuple(RECIPES))] | None = None
    data: Annotated[str, Text(".{1,120}", "a data set of the catalog", "mnist")] | None = None
    size: Size | None = None
    steps: Steps | None = None
    seed: Seed | None = None
    loss: Annotated[str, Words(tuple(LOSSES))] | None = None
    penalty: Annotated[str, Words(tuple(combinations()))] | None = None
    gamma: Gamma | None = None
    lr_g: Rate | None = None
    lr_d: Rate | None = None
    batch: Annotated[int, Interval(*LIMITS["batch"], "[]", 64), "Real samples in a step."] | None = None
    latent: Annotated[int, Interval(*LIMITS["latent"], "[]", 64), "Numbers in z."] | None = None
    overrides: Changes | None = None
    paused: bool = False
    replace: bool = False

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] | None = route.function(playground.session, vars(self))
        return found or playground.session.status()


@dataclass(frozen=True, kw_only=True)
class Command(Request):
    """A command for the try that the page shows, which must be the live one."""

    try_: Annotated[int, Interval(1, 10_000, "[]", 1), "The try that the page shows: status.try."]
    run: RunName | None = None

    async def call(self, playground: Playground, route: Route, values: dict[str, Any]) -> Any:
        playground.session.check_command(route.path.rpartition("/")[2], self.try_, self.run)
        route.function(playground.session, **values)
        return playground.session.status()


routes.get("/api/snapshot")(Playground.snapshot)
routes.post("/api/write-lock", of="write_lock", locked=False)(WriteLock.ask)
routes.post("/api/train/check", Settings)(Session.check)
routes.post("/api/train/start", Settings)(Session.start)
routes.post("/api/train/pause", Command)(Session.pause)
routes.post("/api/train/resume", Command)(Session.resume)
routes.post("/api/train/step", Command)(Session.step)
routes.post("/api/train/stop", Command)(Session.stop)
routes.post("/api/train/reset", Command)(Session.reset)
routes.post("/api/train/continue", Command)(Session.go_back)
routes.get("/api/pile", Apart, of="pile")(Pile.shown)
routes.post("/api/pile", of="pile", of_class=True)(Pile.add)
routes.post("/api/pile/remove", of="pile")(Pile.take_out)
routes.post("/api/pile/keep", of="pile")(Pile.keep)


@routes.post("/api/train/adjust", Command)
def adjust(session: Session, *, lr_g: Rate | None = None, lr_d: Rate | None = None, gamma: Gamma | None = None) -> None:
    """Adjust settings from the next step on."""
    values = {"lr_g": lr_g, "lr_d": lr_d, "gamma": gamma}
    session.adjust({name: value for name, value in values.items() if value is not None})


@routes.post("/api/train/second-try", Command)
def second_try(session: Session, *, changes: Changes | None = None) -> None:
    """Go back to the last healthy checkpoint with a remedy, or with these changes."""
    session.second_try(None if changes is None else list(changes))


@routes.get("/api/train/samples")
async def samples(playground: Playground, *, weights: Weights = "average") -> dict[str, Any]:
    """Return the grid of the live run."""
    return await playground.worker.ask("samples", {"weights": weights})


@routes.get("/api/stream", media="text/event-stream")
def stream(playground: Playground, last: str | None, *, client: Client) -> Answer:
    """Send events: a snapshot, then updates."""
    playground.broadcast.check_at_most()
    return Answer(playground.broadcast.stream(client, last))


@routes.get("/api/catalog")
def catalog(playground: Playground) -> dict[str, Any]:
    """Return recipes, data, losses, penalties."""
    return choices.catalog(playground.session.own) | {"book": playground.book and "/book/index.html"}


@routes.get("/api/pictures", Apart)
def pictures(playground: Playground, *, data: Own, size: Size = 0) -> dict[str, Any]:
    """Return own pictures, as the network will see them."""
    return choices.preview(data, playground.session.own, size)


@routes.post("/api/points")
def points(playground: Playground, *, points: Points) -> NewData:
    """Save points drawn by hand as a data set."""
    return NewData(choices.drawn(points[: len(points) // 2 * 2], playground.session.own, playground.runs))


@routes.get("/healthz")
def healthz(playground: Playground) -> dict[str, bool]:
    """Check that the server responds."""
    return {"ok": True}
