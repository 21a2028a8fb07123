"""The live run: what a page shows of it, its commands, and what it may be trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from mulligan.config.recipes import RECIPES
from mulligan.data.sources.picture_file import SIZES
from mulligan.game.losses import LOSSES
from mulligan.nn.fields import Interval, Scalar, Words
from mulligan.web.api.route import Answer, Apart, Request, Routes
from mulligan.web.api.values import Many, RunName, Seed, Text
from mulligan.web.playground import Playground
from mulligan.web.session import choices
from mulligan.web.session.session import Session, Steps
from mulligan.web.session.settings import LIMITS, combinations, settings_of

routes = Routes()

Client = Annotated[str, Text("[A-Za-z0-9_-]{16,64}", "16 to 64 letters, digits, _ or -", "a1b2c3d4e5f6a7b8")]
Own = Annotated[str, Text(r".{1,200}", "the name of your own pictures in the catalog", "my-pictures")]
Size = Annotated[
    int, Interval(0, max(SIZES), "[]", SIZES[0]),
    f"Side of own pictures: {', '.join(map(str, SIZES))}; with 0, a folder's become 28×28, a file's stay.",
]  # fmt: skip
Rate = Annotated[float, Interval(*LIMITS["lr"], "[]", 0.001), "A learning rate."]
Gamma = Annotated[float, Interval(*LIMITS["gamma"], "[]", 1.0), "Strength of the gradient penalty."]
Changes = Annotated[
    list[str], Many(Text(r"[^=\n]{1,250}=[^\n]{1,250}", "path=value", "loss.kind=hinge"), 0, 64),
    "Changes of the configuration, path=value.",
]  # fmt: skip
Greys = Text("[A-Za-z0-9+/]{1046}==|[A-Za-z0-9+/]{3136}", "784 or 2,352 bytes in base64", f"{'A' * 1046}==")


class Kept(TypedDict):
    """The name of a new data set."""

    data: str


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/healthz")
def healthz(playground: Playground) -> dict[str, bool]:
    """Check that the server responds."""
    return {"ok": True}


routes.get("/api/snapshot")(Playground.snapshot)


@routes.get("/api/stream", media="text/event-stream")
def stream(playground: Playground, last: str | None, *, client: Client) -> Answer:
    """Send events: a snapshot, then updates."""
    playground.broadcast.check_at_most()
    return Answer(playground.broadcast.stream(client, last))


@routes.post("/api/write-lock", locked=False)
def write_lock(playground: Playground, *, client: Client, take: bool = False) -> dict[str, Any]:
    """Take the write lock; with `take`, from another page."""
    return playground.write_lock.ask(client, take=take)


@routes.get("/api/catalog")
def catalog(playground: Playground) -> dict[str, Any]:
    """Return recipes, data, losses, penalties."""
    return choices.catalog(playground.session.own) | {"book": playground.book and "/book/index.html"}


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Settings(Request):
    """The settings of a run. Without a recipe, the live run's settings are changed."""

    recipe: Annotated[str, Words(tuple(RECIPES)), "A recipe."] | None = None
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
    paused: Annotated[bool, Scalar(bool), "Wait at step 0."] = False
    replace: Annotated[bool, Scalar(bool), "Save and close the live run."] = False

    async def call(self, playground: Playground, function: Callable[..., Any], **values: Any) -> Any:
        return function(playground.session, vars(self))


routes.post("/api/train/start", Settings)(Session.start)


@routes.post("/api/train/check", Settings)
def check(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    """Check settings without starting a run."""
    config, dropped = session.configured(asked)
    return {"ok": True, "settings": settings_of(config), "notes": dropped}


@dataclass(frozen=True, kw_only=True)
class Command(Request):
    """A command for the try that the page shows. It fails if another try is live."""

    try_: Annotated[int, Interval(1, 10_000, "[]", 1), "The try that the page shows: status.try."]
    run: RunName | None = None

    async def call(self, playground: Playground, function: Callable[..., Any], **values: Any) -> Any:
        playground.session.check_try(self.try_, self.run)
        return function(playground.session, **values)


routes.post("/api/train/pause", Command)(Session.pause)
routes.post("/api/train/resume", Command)(Session.resume)
routes.post("/api/train/step", Command)(Session.step)
routes.post("/api/train/stop", Command)(Session.stop)
routes.post("/api/train/reset", Command)(Session.reset)
routes.post("/api/train/continue", Command)(Session.go_back)


@routes.post("/api/train/adjust", Command)
def adjust(
    session: Session, *, lr_g: Rate | None = None, lr_d: Rate | None = None, gamma: Gamma | None = None
) -> dict[str, Any]:
    """Adjust settings from the next step on."""
    values = {"lr_g": lr_g, "lr_d": lr_d, "gamma": gamma}
    return session.adjust({name: value for name, value in values.items() if value is not None})


@routes.post("/api/train/second-try", Command)
def second_try(session: Session, *, changes: Changes | None = None) -> dict[str, Any]:
    """Go back to the last healthy checkpoint with a remedy, or with these changes."""
    return session.second_try(changes)


@routes.get("/api/train/samples")
async def samples(
    playground: Playground, *, weights: Annotated[str, Words(("average", "raw", "real"))] = "average"
) -> dict[str, Any]:
    """Return the grid of the live run."""
    return await playground.worker.ask("samples", {"weights": weights})


# ── own data ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/api/pictures", Apart)
def pictures(playground: Playground, *, data: Own, size: Size = 0) -> dict[str, Any]:
    """Return own pictures, as the network will see them."""
    return choices.preview(data, playground.session.own, size)


@routes.post("/api/points")
def points(
    playground: Playground,
    *,
    points: Annotated[list[float], Many(Scalar(float, Interval(-4, 4, "[]", 0.5)), 2, 4000), "x and y in turn."],
) -> Kept:
    """Save points drawn by hand as a data set."""
    even = points[: len(points) // 2 * 2]
    return {"data": choices.drawn(even, playground.session.own, playground.runs)}


@routes.get("/api/pile", Apart)
def pile(playground: Playground) -> dict[str, Any]:
    """Return pictures that pages have added to the pile."""
    return playground.pile.shown()


@routes.post("/api/pile", of_class=True)
def add(playground: Playground, *, pictures: Annotated[list[str], Many(Greys, 1, 60)]) -> dict[str, Any]:
    """Add pictures of 28×28 greys or colours."""
    return playground.pile.add(pictures)


@routes.post("/api/pile/remove")
def remove(
    playground: Playground, *, numbers: Annotated[list[int], Many(Scalar(int, Interval(1, 1e15, "[]", 1)), 1, 1000)]
) -> dict[str, Any]:
    """Remove pictures from the pile by their numbers."""
    return playground.pile.take_out(numbers)


@routes.post("/api/pile/keep")
def keep(playground: Playground) -> Kept:
    """Save the pile as data."""
    return {"data": playground.pile.keep(playground.session.own, playground.runs)}
