"""The calls themselves: every route, with what it takes and does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse, Response, StreamingResponse

from mulligan.game.losses import LOSSES
from mulligan.output.seeds import LARGEST_SEED
from mulligan.training.recipes import RECIPES
from mulligan.web import choices, knobs, museum, pictures, runs
from mulligan.web.api import RUN_NAME
from mulligan.web.fields import Field
from mulligan.web.knobs import LIMITS

if TYPE_CHECKING:
    from mulligan.web.playground import Playground

# ── fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────

CLIENT = Field(
    "text", "The page's own random name.", 16, 64, pattern=r"[A-Za-z0-9_-]{16,64}",
    say="16 to 64 letters, digits, _ or -", required=True, example="a1b2c3d4e5f6a7b8",
)  # fmt: skip
NAME = Field("text", "A run's name.", 1, 255, pattern=RUN_NAME, say="a run's name", required=True, example="quick-1")
STEPS = Field("int", "Length of the run.", 1, LIMITS["steps"], example=7000)
SEED = Field("int", "Of all chance.", 0, LARGEST_SEED, example=42)
RATE = Field("float", "A learning rate.", low=LIMITS["lr"][0], high=LIMITS["lr"][1], example=0.001)
GAMMA = Field(
    "float", "Strength of the gradient penalty.", low=LIMITS["gamma"][0], high=LIMITS["gamma"][1], example=1.0
)
KNOBS = Field(
    "object",
    "Knobs that differ from the recipe.",
    fields={
        "loss": Field("text", "Loss.", choices=tuple(LOSSES)),
        "penalty": Field("text", "Gradient penalties.", choices=tuple(knobs.combinations())),
        "gamma": GAMMA,
        "lr_g": RATE,
        "lr_d": RATE,
        "batch": Field("int", "Real pictures in a step.", low=LIMITS["batch"][0], high=LIMITS["batch"][1], example=64),
        "latent": Field("int", "Numbers in z.", low=LIMITS["latent"][0], high=LIMITS["latent"][1], example=64),
    },
)
CHANGES = Field(
    "list", "Changes of the configuration, path=value.", 0, 64,
    inner=Field("text", "path=value", 3, 500, pattern=r"[^=\n]+=[^\n]+", say="path=value", example="loss.kind=hinge"),
)  # fmt: skip
START = {
    "recipe": Field(
        "text", "A recipe; without one, the run in hand is changed.", choices=tuple(RECIPES), example="quick"
    ),
    "data": Field("text", "Pictures, by a name of the catalog.", 1, 120, example="mnist"),
    "steps": STEPS,
    "seed": SEED,
    "knobs": KNOBS,
    "overrides": CHANGES,
    "paused": Field("bool", "Stand at step 0.", default=False),
    "replace": Field("bool", "Save and leave the run that is there.", default=False),
}
PATH = rf"(\./)?{RUN_NAME}"
RUN = Field("text", "`live`, or a run's name.", 1, 257, pattern=PATH, say="live or a run's name", default="live")
MODEL = Field(
    "text", "`bundled`, `live`, or a run's name; a run that is called `live` is `./live`.", 1, 257, pattern=PATH,
    say="bundled, live or a run's name", default="bundled",
)  # fmt: skip
CLASS = Field("text", "Number or name of a class.", 1, 60, example=3)
PICTURE = {
    "model": MODEL,
    "seed": Field("int", "The number.", 0, LARGEST_SEED, required=True, example=42),
    "class": CLASS,
}
WALK = {
    "model": MODEL,
    "from": Field("int", "Seed of the first picture.", 0, LARGEST_SEED, required=True, example=1),
    "to": Field("int", "Seed of the last one.", 0, LARGEST_SEED, required=True, example=2),
    "frames": Field("int", "Pictures.", 2, LIMITS["frames"], default=24),
    "class": CLASS,
}
CORNERS = Field(
    "list", "Four seeds: top left, top right, bottom left, bottom right.", 4, 4,
    say="four seeds with commas between them", inner=SEED, required=True, example="42,7,13,1009",
)  # fmt: skip
PLANE = {"model": MODEL, "seeds": CORNERS, "side": Field("int", "Pictures a side.", 2, 16, default=11), "class": CLASS}
POINT = {
    "model": MODEL,
    "seeds": CORNERS,
    "across": Field("float", "0 left, 1 right.", 0.0, 1.0, required=True, example=0.5),
    "down": Field("float", "0 top, 1 bottom.", 0.0, 1.0, required=True, example=0.5),
    "class": CLASS,
}

# ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def snapshot(playground: Playground) -> Any:
    """Return all that a page must know."""
    return playground.snapshot()


def stream(playground: Playground, client: str, last: str | None) -> Response:
    """Return the stream of one page."""
    playground.hub.refuse_more()
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(playground.hub.stream(client, last), media_type="text/event-stream", headers=headers)


def control(playground: Playground, client: str, take: bool) -> Any:
    """Give the writer's token."""
    return playground.control.ask(client, take=take)


def start(playground: Playground, **asked: Any) -> Any:
    """Start a run."""
    return playground.session.start(asked)


def check(playground: Playground, **asked: Any) -> Any:
    """Build a configuration and say how it stands."""
    config, dropped = playground.session.configured(asked)
    return {"ok": True, "settings": knobs.settings_of(config), "notes": dropped}


def resume(playground: Playground, steps: int | None) -> Any:
    """Go on with the live run."""
    return playground.session.resume(steps)


def reset(playground: Playground, seed: int | None, paused: bool) -> Any:
    """Begin the live run anew."""
    return playground.session.reset(seed, paused=paused)


def step(playground: Playground, count: int) -> Any:
    """Take some steps."""
    return playground.session.step(count)


def turn(playground: Playground, **turned: float | None) -> Any:
    """Turn knobs."""
    return playground.session.turn({knob: value for knob, value in turned.items() if value is not None})


def second_try(playground: Playground, changes: list[str] | None) -> Any:
    """Begin the second try."""
    return playground.session.second_try(changes)


def go_on_with(playground: Playground, number: int) -> Any:
    """Go on with another try."""
    return playground.session.go_back(number)


async def samples(playground: Playground, weights: str) -> Any:
    """Return a grid of the live run."""
    return await playground.engine.ask("samples", {"weights": weights})


# ── run folders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def catalog(playground: Playground) -> Any:
    """Return what can be chosen."""
    return choices.catalog(playground.session.own, str(playground.runs))


def models(playground: Playground, also: str | None) -> Any:
    """Return the generators that can draw."""
    return playground.models(also)


def museum_play(playground: Playground, case: str, seed: int) -> Any:
    """Play a case of the museum."""
    museum.named(case)
    return playground.jobs.add("museum", case, seed=seed)


def own_pictures(playground: Playground, data: str) -> Any:
    """Return own pictures as the network will see them."""
    return pictures.preview(data, playground.session.own)


def run_resume(playground: Playground, name: str, steps: int | None, replace: bool) -> Any:
    """Go on with a run of the folder."""
    return playground.session.open(name, playground.folder(name), steps, replace=replace)


def run_export(playground: Playground, name: str, to: str) -> Any:
    """Export a run's generator."""
    playground.generator(name)
    return playground.jobs.add("export", name, to=to)


def run_report(playground: Playground, name: str) -> Any:
    """Write a run's report."""
    playground.folder(name)
    return playground.jobs.add("report", name)


def run_evaluate(playground: Playground, name: str) -> Any:
    """Measure a run."""
    playground.folder(name)
    return playground.jobs.add("evaluate", name)


async def delete(playground: Playground, name: str) -> Any:
    """Move a run to the trash."""
    found = await runs.delete(playground, name)
    playground.hub.publish("runs", {})
    return found


def restore(playground: Playground, id_: str) -> Any:
    """Bring a run back."""
    found = runs.restore(playground, id_)
    playground.hub.publish("runs", {})
    return found


def sample(playground: Playground, name: str) -> Response:
    """Return a run's newest grid."""
    return FileResponse(runs.newest_sample(playground, name), media_type="image/png")


def sample_at(playground: Playground, name: str, step: int) -> Response:
    """Return a run's grid of one step."""
    return FileResponse(runs.sample_at(playground, name, step), media_type="image/png")


def animation(playground: Playground, name: str) -> Response:
    """Return a run's animation."""
    return FileResponse(runs.file_of(playground, name, "", "training.gif"), media_type="image/gif")


def exported(playground: Playground, name: str, file: str) -> Response:
    """Return a file that was exported."""
    path = runs.file_of(playground, name, "exports", file)
    return FileResponse(path, filename=f"{name}-{file}", media_type="application/octet-stream")


def page_of_report(playground: Playground, name: str) -> Response:
    """Return a run's report."""
    return FileResponse(runs.file_of(playground, name, "", "report.html"), media_type="text/html")


def health(playground: Playground) -> Any:
    """Say that the server lives."""
    return {"ok": True}
