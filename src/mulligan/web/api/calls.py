"""Handlers of the calls that need more than a line. Each takes the playground and the call's fields by name."""

import base64
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mulligan.output.pictures import save_walk
from mulligan.web.api.api import Answer, threaded
from mulligan.web.inside import maps
from mulligan.web.library import drawing, museum, runs
from mulligan.web.playground import Playground
from mulligan.web.session.settings import settings_of

Answers = Callable[..., Awaitable[dict[str, Any]]]

BYTES = "application/octet-stream"


def stream(playground: Playground, client: str, last: str | None) -> Answer:
    """Return the stream of one page."""
    playground.broadcast.check_at_most()
    return Answer(playground.broadcast.stream(client, last), media="text/event-stream")


def check(playground: Playground, **asked: Any) -> Any:
    """Check settings: return the configuration that would be trained."""
    config, dropped = playground.session.configured(asked)
    return {"ok": True, "settings": settings_of(config), "notes": dropped}


def adjust(playground: Playground, **adjusted: float | None) -> Any:
    """Adjust settings of the live run."""
    return playground.session.adjust({name: value for name, value in adjusted.items() if value is not None})


# ── run folders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def run_resume(playground: Playground, name: str, steps: int | None, replace: bool) -> Any:
    """Resume a run from its folder."""
    return playground.session.open(name, playground.folder(name), steps, replace=replace)


def run_export(playground: Playground, name: str, to: str) -> Any:
    """Export a run's generator."""
    playground.folder(name)  # raises an error for an unknown run
    playground.generator(name)
    return playground.jobs.add("export", name, to=to)


def run_job(what: str) -> Callable[..., Any]:
    """Return the handler that queues a job for a run."""

    def handler(playground: Playground, name: str) -> Any:
        playground.folder(name)
        return playground.jobs.add(what, name)

    return handler


def museum_play(playground: Playground, case: str, seed: int) -> Any:
    """Play a case of the museum."""
    museum.named(case)
    return playground.jobs.add("museum", case, seed=seed)


async def delete(playground: Playground, name: str) -> Any:
    """Move a run to the trash."""
    found = await runs.delete(playground, name)
    playground.broadcast.publish("runs", {})
    return found


def restore(playground: Playground, id_: str) -> Any:
    """Bring a run back from the trash."""
    found = runs.restore(playground, id_)
    playground.broadcast.publish("runs", {})
    return found


def exported(playground: Playground, name: str, file: str) -> Answer:
    """Return an exported file of a run."""
    path = runs.file_of(playground, name, "exports", file)
    return Answer(path, media=BYTES, file=f"{name}-{file}")


def bundled_exported(playground: Playground, file: str) -> Answer:
    """Return an exported file of a generator that comes with Mulligan."""
    path = runs.file_of(playground, runs.BUNDLED_RUN, "exports", file)
    return Answer(path, media=BYTES, file=f"mulligan-{file if file.startswith('pixel-faces') else f'mnist-{file}'}")


# ── pictures: from the worker for the live run, from a file for all others ────────────────────────────────────────────


def drawn(what: str) -> Answers:
    """Return the handler that asks a generator for pictures. `what` is a key of `drawing.QUESTIONS`."""

    async def handler(playground: Playground, model: str, **args: Any) -> dict[str, Any]:
        if model == "live":
            found = await playground.worker.ask(what, args)
        else:
            found = await threaded(_drawn_from_file)(playground, what=what, model=model, args=args)
        return {"model": model, **found}

    return handler


def _drawn_from_file(playground: Playground, what: str, model: str, args: dict[str, Any]) -> dict[str, Any]:
    generator = playground.generator(model)
    data = playground.data(model) if what == "nearest" else None
    with playground.lock:  # a generator has one set of buffers
        if what == "nearest":
            return drawing.nearest(generator, data, **args)
        return drawing.QUESTIONS[what](generator, **args)


async def draw_png(playground: Playground, scale: int, **args: Any) -> Answer:
    """Return the picture of a seed as a file."""
    found = await drawn("draw")(playground, **args)
    name = f"picture-{found['seed']}" + (f"-class-{found['class']}" if found["class_name"] else "")
    return _png(base64.b64decode(found["png"]), name, scale)


async def walk_gif(playground: Playground, from_: int, to: int, scale: int, **args: Any) -> Answer:
    """Return the pictures between two seeds as an animation."""
    found = await drawn("walk")(playground, from_=from_, to=to, **args)
    frames = [base64.b64decode(frame) for frame in found["frames"]]
    content = await threaded(_animated)(playground, frames=frames, scale=scale)
    return _attached(content, f"walk-{from_}-{to}.gif", "image/gif")


def _animated(playground: Playground, frames: list[bytes], scale: int) -> bytes:
    from PIL import Image  # late: most servers are never asked for one

    with TemporaryDirectory() as folder:
        path = Path(folder) / "walk.gif"
        pictures = np.stack([np.asarray(Image.open(BytesIO(frame))) for frame in frames])
        save_walk(path, pictures.repeat(scale, axis=1).repeat(scale, axis=2))
        return path.read_bytes()


async def plane_png(playground: Playground, **args: Any) -> Answer:
    """Return the pictures between four seeds as a file."""
    found = await drawn("plane")(playground, **args)
    return _png(base64.b64decode(found["png"]), f"plane-{'-'.join(map(str, found['seeds']))}", 1)


def looked(what: str) -> Answers:
    """Return the handler that measures inside a run. `what` is a key of `maps.QUESTIONS`."""

    async def handler(playground: Playground, run: str, step: int | None, **args: Any) -> dict[str, Any]:
        live = playground.session.state
        if (run == "live" or run.removeprefix("./") == live.run) and step in (None, live.step):
            return await playground.worker.ask(what, args)
        name = live.run if run == "live" and live.run is not None else run
        found: dict[str, Any] = await threaded(_looked_up)(playground, what=what, run=name, step=step, args=args)
        return found

    return handler


def _looked_up(playground: Playground, what: str, run: str, step: int | None, args: dict[str, Any]) -> dict[str, Any]:
    with playground.lock:
        built = playground.loaded_run(run, step)
        found = maps.QUESTIONS[what](built, **args)
    return {"run": run, "try": None, "step": built.step, "path": [], **found}


def _png(content: bytes, name: str, scale: int) -> Answer:
    if scale > 1:
        from PIL import Image  # late: most servers are never asked for one

        picture = Image.open(BytesIO(content))
        large = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
        buffer = BytesIO()
        large.save(buffer, format="PNG")
        content = buffer.getvalue()
    return _attached(content, f"{name}.png", "image/png")


def _attached(content: bytes, name: str, media: str) -> Answer:
    return Answer(content, media=media, file=name)
