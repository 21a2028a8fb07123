"""Run folders: list, resume, report and export them. Everything stays inside the runs folder."""

import contextlib
import os
import textwrap
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from mulligan.config.model import load_config
from mulligan.diagnosis.failures import describe_state
from mulligan.doors.read import mtime
from mulligan.metrics import median_of, space_of
from mulligan.output.pictures import points_picture, read_png, save_animation
from mulligan.training.run import CLOUD
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import RunHistory, read_run
from mulligan.web.calls import Answer, FileName, Problem, RunName, Step, get, post
from mulligan.web.playground import Playground, is_shown
from mulligan.web.session import Steps, Try, chain, round_off

BLUE, ORANGE = (74, 137, 211), (240, 151, 92)
"""Real and generated points."""


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@get("/api/runs", apart=True)
def list_runs(playground: Playground) -> dict[str, Any]:
    """Return all runs, the newest first."""
    folders = [path for path in _folders(playground.runs) if RunFolder(path).config.is_file()]
    rows = []
    for path in sorted(folders, key=mtime, reverse=True):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            rows.append(_row(path, playground))
    return {"folder": str(playground.runs).replace(os.path.expanduser("~") + os.sep, "~/", 1), "runs": rows}


def _folders(path: Path) -> list[Path]:
    try:
        return [p for p in path.iterdir() if p.is_dir() and not p.is_symlink() and is_shown(p.name)]
    except OSError:
        return []


def _row(path: Path, playground: Playground) -> dict[str, Any]:
    here, live = RunFolder(path), playground.session
    parts = (here.events, here.config, here.metrics, here.checkpoints, path)
    stamp = max((p.stat().st_mtime_ns for p in parts if p.exists()), default=0)
    row = dict(_read(path, stamp))
    row["live"] = live.run == path.name
    if row["live"] and live.current is not None:
        row |= {"state": live.state, "step": live.step, "steps": live.current.steps}
    return row


@lru_cache(maxsize=1024)
def _read(path: Path, stamp: int) -> dict[str, Any]:
    """Read a run's row. The result is cached until its files change. A damaged run's row says what is wrong."""
    here, row = RunFolder(path), {"name": path.name}
    try:
        config, history = load_config(here.config), read_run(path, strict=False)
        parent, measured = config.parent, history.metrics.get(space_of(history.metrics), {})
        return row | {
            "recipe": config.recipe,
            "watched": config.watched,
            "data": config.data.name,
            "step": history.step,
            "steps": config.steps,
            "state": "finished" if history.finished else "failed" if history.failed else "stopped",
            "text": "",
            "diagnosis": _diagnosis(history),
            **{figure: round_off(median_of(measured.get(figure))) for figure in ("fd", "fd_floor")},
            "parent": None if parent is None else Path(parent.run).name,
            "from_step": 0 if parent is None else parent.step,
            "points": len(history.started.get("shape", ())) == 1,
            "report": report_of(path.name) if here.report.is_file() else None,
        }
    except Exception as error:  # one bad folder must not hide the others
        return row | {"state": "unreadable", "text": str(error)}


def _diagnosis(history: RunHistory) -> dict[str, Any] | None:
    """Return the last diagnosis; None without a measurement."""
    last = next(reversed(history.diagnosed), None)
    if last is None and not history.measured:
        return None
    state, severity = ("healthy", "") if last is None else (last.state, last.severity)
    return {"state": state, "title": describe_state(state)[0], "severity": severity}


# ── one run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _address(name: str) -> str:
    return f"/api/runs/{quote(name, safe='')}"


def report_of(name: str) -> str:
    """Return the address of a run's report."""
    return f"/runs/{quote(name, safe='')}/report.html"


def export_of(name: str, file: str) -> str:
    """Return the address of an exported file."""
    return f"{_address(name)}/files/{quote(file, safe='')}"


def file_of(playground: Playground, name: str, part: str, file: str) -> Path:
    """Return a file inside a run folder. Paths that lead elsewhere are rejected."""
    folder = playground.folder(name)
    path = folder / part / file
    if not path.is_file() or path.resolve() != folder.resolve() / part / file:
        raise Problem("not-found", f"{name} has no {file}. Export it first.")
    return path


@get("/api/runs/{name}/samples/{step}.png", media="image/png")
def send_sample(playground: Playground, *, name: RunName, step: Step) -> Path:
    """Return the grid of one step."""
    return file_of(playground, name, "samples", f"step-{step:06d}.png")


@get("/api/runs/{name}/files/{file}", media="application/octet-stream")
def send_export(playground: Playground, *, name: RunName, file: FileName) -> Answer:
    """Return an exported file of a run."""
    return Answer(file_of(playground, name, "exports", file), file=f"{name}-{file}")


@get("/runs/{name}/report.html", media="text/html")
def send_report(playground: Playground, *, name: RunName) -> Path:
    """Return the report of a run."""
    return file_of(playground, name, "", "report.html")


@get("/api/runs/{name}/futures.gif", apart=True, media="image/gif")
def send_futures(playground: Playground, *, name: RunName) -> Answer:
    """Return the samples of a second try, to the right of those of the try before; a try that has ended is dark."""
    tries = chain(after := playground.folder(name))[-2:]
    saved, data = [RunFolder(playground.folder(each.run)).grids() for each in tries], playground.data(name)
    real = None if data is None or not data.is_points else points_picture(np.asarray(data.images[:CLOUD]), *data.range)
    steps = sorted({step for grids in saved for step in grids if step >= tries[-1].from_step})
    chosen = steps[:: -(-len(steps) // 60)]  # at most 60 frames
    frames = [np.concatenate([_draw_half(*each, step, real) for each in zip(tries, saved)], axis=1) for step in chosen]
    path = after / "exports" / "both-futures.gif"
    save_animation(path, [*frames, *frames[-1:] * 5], duration=200)
    return Answer(path, file=f"{name}-{path.name}")


def _draw_half(one: Try, grids: dict[int, Path], step: int, real: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Draw what a try has sampled until a step, under words that say so; points over the `real` ones."""
    from PIL import Image, ImageDraw

    own = max(each for each in grids if each <= step)
    picture, ended = np.atleast_3d(read_png(grids[own])), one.step < step
    picture = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
    if real is not None:
        dots = np.where(real[..., None] > 0, np.array(BLUE, np.uint8), np.zeros(3, np.uint8))
        picture = np.where(picture > 0, np.array(ORANGE, np.uint8), dots)
    caption = Image.new("RGB", (picture.shape[1], 44))
    alarm = f"{one.alarm['state']} at step {one.alarm['step']:,}" if one.alarm else ""
    where = f"ended at step {one.step:,}" if ended else f"step {own:,}"
    lines = [
        f"Try {one.number}, {where}",
        *textwrap.wrap((one.summary or alarm).replace("γ", "gamma"), len(picture[0]) // 6),
    ]
    for row, text in enumerate(lines[:3]):
        ImageDraw.Draw(caption).text((4, 2 + 13 * row), text)
    return np.concatenate([np.asarray(caption), picture // (3 if ended else 1)])


# ── what may be done with a run ───────────────────────────────────────────────────────────────────────────────────────


@post("/api/runs/{name}/resume")
def resume(playground: Playground, *, name: RunName, steps: Steps | None = None) -> dict[str, Any]:
    """Resume a run as the live run."""
    playground.session.open(name, playground.folder(name), steps)
    return {"status": playground.session.status()}


@post("/api/runs/{name}/export")
def export(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Write the generator of a run as a page of its own."""
    playground.folder(name)  # raises an error for an unknown run, or one without a generator
    playground.generator(name)
    return playground.jobs.add("export", name)


@post("/api/runs/{name}/report")
def report(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Write a run's report."""
    return playground.jobs.add("report", playground.folder(name).name)
