"""Run folders: their rows and files, and what may be done with one."""

from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.fields import Words
from mulligan.output.pictures import read_png, save_animation
from mulligan.training.store.folder import RunFolder
from mulligan.web.api.route import Answer, Apart, Routes
from mulligan.web.api.values import NAME, FileName, RunName, Text
from mulligan.web.library import runs
from mulligan.web.playground import Playground
from mulligan.web.problems import Problem
from mulligan.web.session.settings import Steps
from mulligan.web.session.tries import chain

Exported = Annotated[str, Text(rf"\.?{NAME}", "a run's name, or .bundled", "quick-1")]
WIDE, HIGH = 36, 15
"""Letters of a line below a picture, and its height in pixels."""
routes = Routes()
routes.get("/api/runs", Apart)(runs.listed)
routes.get("/api/runs/{name}", Apart)(runs.described)
routes.get("/api/runs/{name}/curves", Apart)(runs.curves)
routes.get("/api/runs/{name}/samples/{step}.png", media="image/png")(runs.sample_at)
routes.post("/api/runs/{name}/delete")(runs.delete)
routes.post("/api/trash/{id}/restore")(runs.restore)


@routes.get("/api/runs/{name}/files/{file}", media="application/octet-stream")
def exported(playground: Playground, *, name: Exported, file: FileName) -> Answer:
    """Return an exported file of a run, or of a generator that comes with Mulligan."""
    return Answer(runs.file_of(playground, name, "exports", file), file=f"{name.lstrip('.')}-{file}")


@routes.get("/runs/{name}/report.html", media="text/html")
def report_page(playground: Playground, *, name: RunName) -> Path:
    """Return the report of a run."""
    return runs.file_of(playground, name, "", "report.html")


@routes.get("/api/runs/{name}/futures.gif", Apart, media="image/gif")
def futures(playground: Playground, *, name: RunName) -> Answer:
    """Return the samples of a second try, to the right of those of the try before; a try that has ended is dark."""
    tries = chain(after := playground.folder(name))[-2:]
    if len(tries) < 2:
        raise Problem("not-available", f"name must be a second try, got {name}, which is a first one. Try its child.")
    saved = [RunFolder(playground.folder(each.run)).grids() for each in tries]
    steps = sorted({step for grids in saved for step in grids if step >= tries[1].from_step})
    words = ["as it was", tries[1].summary.replace("γ", "gamma")]  # the font has no Greek
    frames = []
    for step in steps[:: -(-len(steps) // 60)]:  # at most 60 frames
        halves = [
            read_png(grids[max(s for s in grids if s <= step)]) // (1 if step <= max(grids) else 3) for grids in saved
        ]
        below = [[f"Try {each.number}, step {step:,}", *wrap(text, WIDE)] for each, text in zip(tries, words)]
        frames.append(np.concatenate([_captioned(*half, len(below[1])) for half in zip(halves, below)], axis=1))
    path = after / "exports" / "both-futures.gif"
    save_animation(path, [*frames, *frames[-1:] * 5], duration=200)
    return Answer(path, file=f"{name}-{path.name}")


def _captioned(picture: NDArray[np.uint8], lines: list[str], high: int) -> NDArray[np.uint8]:
    """Write lines below a picture, where `high` have room."""
    from PIL import Image, ImageDraw, ImageFont  # late: only this needs them

    image = Image.fromarray(picture)
    whole = Image.new(image.mode, (image.width, image.height + HIGH * high), "black")
    whole.paste(image)
    ImageDraw.Draw(whole).text((4, image.height + 2), "\n".join(lines), "white", ImageFont.load_default())
    return np.asarray(whole)


@routes.post("/api/runs/{name}/resume")
def resume(
    playground: Playground, *, name: RunName, steps: Steps | None = None, replace: bool = False
) -> dict[str, Any]:
    """Resume a run as the live run; with `replace`, save and close the live one first."""
    playground.session.open(name, playground.folder(name), steps, replace=replace)
    return playground.session.status()


@routes.post("/api/runs/{name}/export", status=202)
def export(
    playground: Playground, *, name: Exported, to: Annotated[str, Words(tuple(runs.EXPORTS)), "The kind of file."]
) -> dict[str, Any]:
    """Export the generator of a run, or one that comes with Mulligan."""
    if name not in runs.OWN:
        playground.folder(name)  # raises an error for an unknown run
        playground.generator(f"./{name}")
    return playground.jobs.add("export", name, to=to)


@routes.post("/api/runs/{name}/report", status=202)
def report(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Write a run's report."""
    return playground.jobs.add("report", playground.folder(name).name)
