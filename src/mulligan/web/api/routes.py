"""The table of calls with their fields. `/openapi.json` describes the same calls."""

from collections.abc import Callable
from typing import Any

from mulligan.config.recipes import RECIPES
from mulligan.data.sources.picture_file import SIZES
from mulligan.game.losses import LOSSES
from mulligan.output.generator import LARGEST_SEED
from mulligan.output.generator.principal import SHOWN
from mulligan.web.api import calls
from mulligan.web.api.api import Route, threaded
from mulligan.web.api.fields import Field
from mulligan.web.library import museum, runs
from mulligan.web.library.runs import EXPORTS
from mulligan.web.session import choices
from mulligan.web.session.settings import LIMITS, combinations

# ── what a call takes ─────────────────────────────────────────────────────────────────────────────────────────────────

RUN_NAME = r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,254}"
"""Folder names that are not hidden and stay inside the runs folder."""
CLIENT = Field(
    "text", "The page's own random name.", 16, 64, pattern=r"[A-Za-z0-9_-]{16,64}",
    say="16 to 64 letters, digits, _ or -", required=True, example="a1b2c3d4e5f6a7b8",
)  # fmt: skip
NAME = Field("text", "A run's name.", 1, 255, pattern=RUN_NAME, say="a run's name", required=True, example="quick-1")
STEPS = Field("int", "Length of the run.", 1, LIMITS["steps"], example=7000)
SIZE = Field(
    "int", f"Side of own pictures: {', '.join(map(str, SIZES))}; with 0, a folder's become 28×28, a file's stay.",
    0, max(SIZES), example=SIZES[0],
)  # fmt: skip
SEED = Field("int", "Random seed.", 0, LARGEST_SEED, example=42)
RATE = Field("float", "A learning rate.", low=LIMITS["lr"][0], high=LIMITS["lr"][1], example=0.001)
GAMMA = Field(
    "float", "Strength of the gradient penalty.", low=LIMITS["gamma"][0], high=LIMITS["gamma"][1], example=1.0
)
GAME = {
    "loss": Field("text", "Loss.", choices=tuple(LOSSES)),
    "penalty": Field("text", "Gradient penalties.", choices=tuple(combinations())),
    "gamma": GAMMA,
    "lr_g": RATE,
    "lr_d": RATE,
    "batch": Field("int", "Real samples in a step.", low=LIMITS["batch"][0], high=LIMITS["batch"][1], example=64),
    "latent": Field("int", "Numbers in z.", low=LIMITS["latent"][0], high=LIMITS["latent"][1], example=64),
}
CHANGES = Field(
    "list", "Changes of the configuration, path=value.", 0, 64,
    inner=Field("text", "path=value", 3, 500, pattern=r"[^=\n]+=[^\n]+", say="path=value", example="loss.kind=hinge"),
)  # fmt: skip
START = {
    "recipe": Field(
        "text", "A recipe; without one, the live run's settings are changed.", choices=tuple(RECIPES), example="quick"
    ),
    "data": Field("text", "Name of a data set in the catalog.", 1, 120, example="mnist"),
    "size": SIZE,
    "steps": STEPS,
    "seed": SEED,
    **GAME,
    "overrides": CHANGES,
    "paused": Field("bool", "Wait at step 0.", default=False),
    "replace": Field("bool", "Save and close the live run.", default=False),
}
PATH = rf"(\./)?{RUN_NAME}"
RUN = Field("text", "`live`, or a run's name.", 1, 257, pattern=PATH, say="live or a run's name", default="live")
MODEL = Field(
    "text", "`bundled` (digits), `pixel-faces`, `live`, or a run's name (`./live` for a run called `live`).",
    1, 257, pattern=PATH, say="bundled, live or a run's name", default="bundled",
)  # fmt: skip
OURS = Field("text", "A generator that comes with Mulligan.", choices=("bundled", "pixel-faces"), default="bundled")
CLASS = Field("text", "Number or name of a class.", 1, 60, example=3)
PICTURE = {
    "model": MODEL,
    "seed": Field("int", "Seed of the picture.", 0, LARGEST_SEED, required=True, example=42),
    "psi": Field("float", "Truncation: z is multiplied by it.", 0.0, 2.0, default=1.0),
    "along": Field(
        "list", "Shifts of z along the principal directions.", 0, SHOWN, say=f"at most {SHOWN} numbers",
        inner=Field("float", low=-10.0, high=10.0), default=[], example="2,0,-1",
    ),
    "class": CLASS,
}  # fmt: skip
DRAWN = Field(
    "text", "Height × width × channels bytes, in base64.", 4, 16384, say="base64", required=True, example="AAAA",
    pattern=r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
)  # fmt: skip
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
AROUND = Field("bool", "All of the first seed, with the classes around the border.", default=False)
PLANE = {
    "model": MODEL,
    "seeds": CORNERS,
    "side": Field("int", "Pictures a side.", 2, 16, default=11),
    "around": AROUND,
    "class": CLASS,
}
POINT = {
    "model": MODEL,
    "seeds": CORNERS,
    "across": Field("float", "0 left, 1 right.", 0.0, 1.0, required=True, example=0.5),
    "down": Field("float", "0 top, 1 bottom.", 0.0, 1.0, required=True, example=0.5),
    "around": AROUND,
    "class": CLASS,
}
STEP = Field("int", "Steps taken.", 0, 10**12, required=True, example=100)
FILE = Field(
    "text", "Name of a file.", 1, 120, pattern=RUN_NAME, say="a file's name", required=True, example="player.html"
)
TRASHED = Field(
    "text", "The id that `delete` returned.", 8, 8, pattern=r"[0-9a-f]{8}", say="eight hex digits", required=True,
    example="0a1b2c3d",
)  # fmt: skip
SCALE = Field("int", "Size of each pixel in the file.", 1, 16, default=1)
WEIGHTS = Field("text", "Which grid.", choices=("average", "raw", "real"), default="average")
NUMBER = Field("int", "A try of the chain.", 1, 10_000, required=True, example=1)
SIDE = Field("int", "Points a side.", 16, 128, default=64)
POINTS = Field("int", "Real and generated points.", 0, 1024, default=256)
PLACE = Field("float", "A coordinate.", -1e6, 1e6, required=True, example=0.5)
COUNT = Field("int", "How many.", 1, 16, default=4)
HEIGHT = Field("float", "The other coordinate, in two dimensions.", -1e6, 1e6, default=0.0)
REPLACE = Field("bool", "Save and close the live run.", default=False)
FORMAT = Field("text", "The kind of file.", choices=tuple(EXPORTS), required=True, example="html")
CASE = Field(
    "text", "A case of the museum.", 1, 80, pattern=r"[A-Za-z0-9_-]{1,80}", say="a case's name", required=True,
    example="article",
)  # fmt: skip
SMALL = Field(
    "list", "28×28 greys or colours of each picture, in base64.", 1, 60, required=True,
    inner=Field("text", "784 or 2,352 bytes in base64.", 1048, 3136, example="A" * 1046 + "==",
        pattern=r"[A-Za-z0-9+/]{1046}==|[A-Za-z0-9+/]{3136}", say="784 or 2,352 bytes in base64"),
)  # fmt: skip
NUMBERS = Field("list", "Numbers of pictures.", 1, 1000, inner=Field("int", low=1), required=True, example=[1])
SEEN = {
    "run": RUN,
    "step": Field("int", "Step of a checkpoint; the newest, or that of the live run, by default.", 0, 10**12),
}
OWN = Field("text", "Name of your own pictures in the catalog.", 1, 200, required=True, example="my-pictures")
ALSO = Field("text", "An older run's name.", 1, 257, pattern=PATH, say="a run's name", example="quick-1")
HAND = Field(
    "list", "x and y of each point in turn.", 2, 4000, say="2 to 4,000 numbers from -4 to 4",
    inner=Field("float", low=-4.0, high=4.0), required=True, example=[0.5, 1.0],
)  # fmt: skip
ROLL = Field("int", "Seed of both runs.", 0, 2**31 - 1, default=0)


# ── the calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PNG, GIF, BYTES = "image/png", "image/gif", "application/octet-stream"
BUSY = (409, 503)
MODEL_GONE = (404, 503)
GONE_OR_BUSY = (404, *BUSY)


def _command(name: str, line: str, handler: Callable[..., Any], **body: Field) -> Route:
    """Return a command for the try that the page shows."""
    path = f"/api/train/{name}"
    return Route("POST", path, line, handler, body=body, token=True, of_try=True, refuses=BUSY)


def _of_run(part: str, line: str, handler: Callable[..., Any], status: int = 200, **body: Field) -> Route:
    """Return a command for a run folder."""
    path, places = f"/api/runs/{{name}}/{part}", {"name": NAME}
    return Route("POST", path, line, handler, places, body=body, token=True, status=status, refuses=GONE_OR_BUSY)


def _file(path: str, line: str, handler: Callable[..., Any], media: str, **places: Field) -> Route:
    """Return a call that sends a file."""
    return Route("GET", path, line, handler, places, media=media, refuses=(404,))


ROUTES: tuple[Route, ...] = (
    # ── the live run ──────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/snapshot", "Everything that a page shows.", lambda p: p.snapshot()),
    Route(
        "GET", "/api/stream", "Server-sent events: a snapshot, then updates.", calls.stream, query={"client": CLIENT},
        media="text/event-stream", refuses=(503,),
    ),
    Route(
        "POST", "/api/write-lock", "Take the write lock.",
        lambda p, client, take: p.write_lock.ask(client, take=take),
        body={"client": CLIENT, "take": Field("bool", "Take it from another page.", default=False)},
    ),
    Route(
        "GET", "/api/catalog", "Recipes, data, losses, penalties.",
        lambda p: choices.catalog(p.session.own) | {"book": p.book and "/book/index.html"},
    ),
    Route("GET", "/healthz", "Check that the server responds.", lambda p: {"ok": True}),
    Route(
        "GET", "/api/pictures", "Own pictures, as the network will see them.",
        threaded(lambda p, data, size: choices.preview(data, p.session.own, size or 0)),
        query={"data": OWN, "size": SIZE}, refuses=(404,),
    ),
    Route(
        "POST", "/api/points", "Save points drawn by hand as a data set.",
        lambda p, points: {"data": choices.drawn(points[: len(points) // 2 * 2], p.session.own, p.runs)},
        body={"points": HAND}, token=True,
    ),
    # ── the pile ──────────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/pile", "Pictures that pages have added to the pile.", threaded(lambda p: p.pile.shown())),
    Route(
        "POST", "/api/pile", "Add small pictures.", lambda p, pictures: p.pile.add(pictures), body={"pictures": SMALL},
        token=True, of_class=True,
    ),
    Route(
        "POST", "/api/pile/remove", "Remove pictures from the pile.", lambda p, numbers: p.pile.take_out(numbers),
        body={"numbers": NUMBERS}, token=True,
    ),
    Route(
        "POST", "/api/pile/keep", "Save the pile as data.", lambda p: p.pile.keep(p.session.own, p.runs), token=True
    ),
    # ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Route(
        "POST", "/api/train/start", "Start a run.", lambda p, **asked: p.session.start(asked), body=START, token=True,
        refuses=BUSY,
    ),
    Route("POST", "/api/train/check", "Check settings without starting a run.", calls.check, body=START, token=True),
    _command("pause", "Pause.", lambda p: p.session.pause()),
    _command("resume", "Go on.", lambda p, steps: p.session.resume(steps), steps=STEPS),
    _command(
        "step", "Take some steps, and pause.", lambda p, count: p.session.step(count),
        count=Field("int", "Steps.", 1, 1000, default=1),
    ),
    _command("stop", "Save the run and close it.", lambda p: p.session.stop()),
    _command(
        "reset", "Save the run and start it again, with the same seed or another.",
        lambda p, seed, paused: p.session.reset(seed, paused=paused), seed=SEED,
        paused=Field("bool", "Wait at step 0.", default=True),
    ),
    _command(
        "adjust", "Adjust settings from the next step on.", calls.adjust, lr_g=RATE, lr_d=RATE, gamma=GAMMA
    ),
    _command(
        "second-try", "Go back to the last healthy checkpoint with a remedy.",
        lambda p, changes: p.session.second_try(changes), changes=CHANGES,
    ),
    _command(
        "continue", "Continue another try of the chain.", lambda p, number: p.session.go_back(number), number=NUMBER
    ),
    Route(
        "GET", "/api/train/samples", "The grid of the live run.",
        lambda p, weights: p.worker.ask("samples", {"weights": weights}), query={"weights": WEIGHTS},
        refuses=MODEL_GONE,
    ),
    # ── draw ──────────────────────────────────────────────────────────────────────────────────────────────────────
    Route(
        "GET", "/api/models", "The newest hundred generators.",
        threaded(lambda p, also: p.models(also)), query={"also": ALSO},
    ),
    Route("GET", "/api/draw", "The picture of a seed.", calls.drawn("draw"), query=PICTURE, refuses=MODEL_GONE),
    Route(
        "GET", "/api/draw.png", "The same as a file.", calls.draw_png, query={**PICTURE, "scale": SCALE}, media=PNG,
        refuses=MODEL_GONE,
    ),
    Route(
        "POST", "/api/invert", "Find the z of a generator for a picture.", calls.drawn("invert"),
        body={"model": MODEL, "picture": DRAWN, "class": CLASS}, token=True, refuses=MODEL_GONE,
    ),
    Route("GET", "/api/walk", "Pictures between two seeds.", calls.drawn("walk"), query=WALK, refuses=MODEL_GONE),
    Route(
        "GET", "/api/walk.gif", "The same as an animation.", calls.walk_gif, query={**WALK, "scale": SCALE}, media=GIF,
        refuses=MODEL_GONE,
    ),
    Route("GET", "/api/plane", "A square between four seeds.", calls.drawn("plane"), query=PLANE, refuses=MODEL_GONE),
    Route("GET", "/api/plane.png", "The same as a file.", calls.plane_png, query=PLANE, media=PNG, refuses=MODEL_GONE),
    Route("GET", "/api/plane/point", "One point of it.", calls.drawn("plane_point"), query=POINT, refuses=MODEL_GONE),
    Route(
        "GET", "/api/nearest", "The nearest training pictures.", calls.drawn("nearest"),
        query={**PICTURE, "count": COUNT}, refuses=MODEL_GONE,
    ),
    Route(
        "POST", "/api/bundled/export", "Export a bundled generator.",
        lambda p, to, model: p.jobs.add("export", runs.BUNDLED_RUN, to=to, model=model),
        body={"to": FORMAT, "model": OURS}, token=True, status=202, refuses=BUSY,
    ),
    _file("/api/bundled/files/{file}", "An exported bundled generator.", calls.bundled_exported, BYTES, file=FILE),
    # ── look inside ───────────────────────────────────────────────────────────────────────────────────────────────
    Route(
        "GET", "/api/look/field", "D over the plane or the line.", calls.looked("field"),
        query={**SEEN, "side": SIDE, "points": POINTS}, refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/point", "D at a point.", calls.looked("point"), query={**SEEN, "x": PLACE, "y": HEIGHT},
        refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/pictures", "What each pixel adds to D's logit.", calls.looked("pictures"),
        query={**SEEN, "count": COUNT}, refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/duel", "Real and generated pictures, and D's verdict on each.", calls.looked("duel"),
        query={**SEEN, "count": COUNT}, refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/layers", "Both nets, layer by layer.", calls.looked("layers"), query=SEEN,
        refuses=MODEL_GONE,
    ),
    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/runs", "All runs, the newest first.", threaded(runs.listed)),
    Route("GET", "/api/runs/{name}", "One run.", threaded(runs.described), {"name": NAME}, refuses=(404,)),
    Route("GET", "/api/runs/{name}/curves", "Its curves.", threaded(runs.curves), {"name": NAME}, refuses=(404,)),
    _file("/api/runs/{name}/sample.png", "Its newest grid.", runs.newest_sample, PNG, name=NAME),
    _file("/api/runs/{name}/samples/{step}.png", "The grid of one step.", runs.sample_at, PNG, name=NAME, step=STEP),
    _file(
        "/api/runs/{name}/training.gif", "All grids.", lambda p, name: runs.file_of(p, name, "", "training.gif"), GIF,
        name=NAME,
    ),
    _file("/api/runs/{name}/files/{file}", "An exported file of a run.", calls.exported, BYTES, name=NAME, file=FILE),
    _file(
        "/runs/{name}/report.html", "Its report.", lambda p, name: runs.file_of(p, name, "", "report.html"),
        "text/html", name=NAME,
    ),
    _of_run("resume", "Resume a run as the live run.", calls.run_resume, steps=STEPS, replace=REPLACE),
    _of_run("export", "Export a run's generator.", calls.run_export, 202, to=FORMAT),
    _of_run("report", "Write a run's report.", calls.run_job("report"), 202),
    _of_run("evaluate", "Measure it.", calls.run_job("evaluate"), 202),
    _of_run("delete", "Move a run to the trash.", calls.delete),
    Route(
        "POST", "/api/trash/{id}/restore", "Bring a deleted run back.", calls.restore, {"id": TRASHED}, token=True,
        refuses=GONE_OR_BUSY,
    ),
    # ── the museum ────────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/museum", "GANs that failed.", threaded(museum.listed)),
    Route("GET", "/api/museum/{case}", "One case.", threaded(museum.case), {"case": CASE}, refuses=(404,)),
    Route(
        "POST", "/api/museum/{case}/play", "Play a case, as published and repaired.", calls.museum_play, {"case": CASE},
        body={"seed": ROLL}, token=True, status=202, refuses=GONE_OR_BUSY,
    ),
)  # fmt: skip
"""Every call."""
