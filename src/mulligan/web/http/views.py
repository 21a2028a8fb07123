"""Calls that draw and look: by the worker for the live run, from files for all others."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mulligan.web.http.api import threaded

if TYPE_CHECKING:
    from mulligan.web.playground import Playground


async def _drawn(playground: Playground, what: str, model: str, args: dict[str, Any]) -> dict[str, Any]:
    """Ask the worker for the live run's pictures, a file for all others."""
    if model == "live":
        found = await playground.worker.ask(what, args)
    else:
        found = await threaded(_from_file)(playground, what=what, model=model, args=args)
    return {"model": model, **found}


def _from_file(playground: Playground, what: str, model: str, args: dict[str, Any]) -> dict[str, Any]:
    from mulligan.web.library.drawing import QUESTIONS, nearest

    generator = playground.generator(model)
    data = playground.data(model) if what == "nearest" else None
    with playground.lock:  # a generator has one set of buffers
        return nearest(generator, data, **args) if what == "nearest" else QUESTIONS[what](generator, **args)


async def draw(playground: Playground, model: str, seed: int, class_: str | None) -> Any:
    """Return the picture of a seed."""
    return await _drawn(playground, "draw", model, {"seed": seed, "class_": class_})


async def draw_png(playground: Playground, model: str, seed: int, class_: str | None, scale: int) -> Response:
    """Return it as a file."""
    found = await draw(playground, model, seed, class_)
    name = f"picture-{seed}" if not found["class_name"] else f"picture-{seed}-class-{found['class']}"
    return _png(base64.b64decode(found["png"]), name, scale)


async def walk(playground: Playground, model: str, from_: int, to: int, frames: int, class_: str | None) -> Any:
    """Return the pictures between two seeds."""
    return await _drawn(playground, "walk", model, {"start": from_, "end": to, "frames": frames, "class_": class_})


async def walk_gif(
    playground: Playground, model: str, from_: int, to: int, frames: int, class_: str | None
) -> Response:
    """Return them as an animation."""
    found = await walk(playground, model, from_, to, frames, class_)
    content = await threaded(_animated)(playground, frames=[base64.b64decode(frame) for frame in found["frames"]])
    return _attached(content, f"walk-{from_}-{to}.gif", "image/gif")


def _animated(playground: Playground, frames: list[bytes]) -> bytes:
    import numpy as np
    from PIL import Image

    from mulligan.output.pictures import save_walk

    with TemporaryDirectory() as folder:
        path = Path(folder) / "walk.gif"
        save_walk(path, np.stack([np.asarray(Image.open(BytesIO(frame))) for frame in frames]))
        return path.read_bytes()


async def plane(playground: Playground, model: str, seeds: list[int], side: int, class_: str | None) -> Any:
    """Return the pictures between four seeds."""
    return await _drawn(playground, "plane", model, {"seeds": seeds, "side": side, "class_": class_})


async def plane_png(playground: Playground, **args: Any) -> Response:
    """Return them as a file."""
    found = await plane(playground, **args)
    return _png(base64.b64decode(found["png"]), f"plane-{'-'.join(map(str, found['seeds']))}", 1)


async def plane_point(
    playground: Playground, model: str, seeds: list[int], across: float, down: float, class_: str | None
) -> Any:
    """Return one of them."""
    args = {"seeds": seeds, "across": across, "down": down, "class_": class_}
    return await _drawn(playground, "plane_point", model, args)


async def nearest(playground: Playground, model: str, seed: int, class_: str | None, count: int) -> Any:
    """Return the nearest training pictures."""
    return await _drawn(playground, "nearest", model, {"seed": seed, "class_": class_, "count": count})


async def _looked(
    playground: Playground, what: str, run: str, step: int | None, args: dict[str, Any]
) -> dict[str, Any]:
    """Ask the worker about the live run as it is now, a checkpoint about all else."""
    live = playground.session.state
    if (run == "live" or run.removeprefix("./") == live.run) and step in (None, live.step):
        return await playground.worker.ask(what, args)
    name = live.run if run == "live" and live.run is not None else run
    found: dict[str, Any] = await threaded(_into)(playground, what=what, run=name, step=step, args=args)
    return found


def _into(playground: Playground, what: str, run: str, step: int | None, args: dict[str, Any]) -> dict[str, Any]:
    from mulligan.web.inside.maps import QUESTIONS

    with playground.lock:
        built = playground.loaded_run(run, step)
        found = QUESTIONS[what](built, **args)
    return {"run": run, "try": None, "step": built.step, "path": [], **found}


async def look_field(playground: Playground, run: str, step: int | None, side: int, points: int) -> Any:
    """Return D over the plane or the line."""
    return await _looked(playground, "field", run, step, {"side": side, "points": points})


async def look_point(playground: Playground, run: str, step: int | None, x: float, y: float) -> Any:
    """Return D at a point."""
    return await _looked(playground, "point", run, step, {"x": x, "y": y})


async def look_pictures(playground: Playground, run: str, step: int | None, count: int) -> Any:
    """Return D's gradient at pictures."""
    return await _looked(playground, "pictures", run, step, {"count": count})


async def look_layers(playground: Playground, run: str, step: int | None) -> Any:
    """Return both nets, layer by layer."""
    return await _looked(playground, "layers", run, step, {})


def _png(content: bytes, name: str, scale: int) -> Response:
    if scale > 1:
        from PIL import Image

        picture = Image.open(BytesIO(content))
        large = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
        buffer = BytesIO()
        large.save(buffer, format="PNG")
        content = buffer.getvalue()
    return _attached(content, f"{name}.png", "image/png")


def _attached(content: bytes, name: str, media: str) -> Response:
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})
