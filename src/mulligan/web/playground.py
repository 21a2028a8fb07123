"""Everything that one server holds, and its run folders: list, resume, report and export them, always inside `runs`."""

import asyncio
import contextlib
import os
import re
import textwrap
import threading
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

import mulligan.museum
from mulligan.config.model import load_config
from mulligan.data import Dataset, load
from mulligan.diagnosis.failures import describe_state
from mulligan.doors.read import find_json, mtime
from mulligan.errors import MulliganError
from mulligan.metrics import median_of, space_of
from mulligan.models import BUNDLED, FACES
from mulligan.museum import EXHIBITS, find_exhibit
from mulligan.output.export import html
from mulligan.output.generator import Generator
from mulligan.output.generator.file import read_file
from mulligan.output.pictures import points_picture, read_png, save_animation
from mulligan.training.run import CLOUD
from mulligan.training.samples import data_of
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import RunHistory, read_run
from mulligan.web.calls import Answer, RunName, Step, Text, demand, get, post
from mulligan.web.classroom import Pile, Votes
from mulligan.web.handle import WorkerHandle
from mulligan.web.jobs import Jobs
from mulligan.web.session import Session, Steps, Try, list_tries, round_off
from mulligan.web.streams import Broadcast

PLAYED = Path(mulligan.museum.__file__).parent / "played"
"""What came of each case of the museum, as benchmarks/shipped/museum.py has played it."""
BLUE, ORANGE = (74, 137, 211), (240, 151, 92)
"""Real and generated points."""
TICK = 0.25
"""Seconds between two messages about reports, the run bar, the pile and the votes."""
OURS = {"bundled": ("MNIST digits, bundled", BUNDLED), FACES.stem: ("Pixel faces, bundled", FACES)}
"""Title and file of each generator that comes with Mulligan. A run of such a name is not offered to draw from."""


class Playground:
    """One server's state.

    `runs` is the folder of run folders; the first run creates it. `data` names the user's own pictures. `apart` calls
    a function outside the event loop, if the platform can.
    """

    def __init__(self, runs: Path, data: dict[str, str] | None, worker: WorkerHandle):
        self.runs, self.worker = runs.resolve(), worker
        self.broadcast = Broadcast(lambda phone: self.describe_class() if phone else self.snapshot())
        self.session = Session(self.runs, data or {}, self.worker, self.broadcast)
        self.pile = Pile(self.session.own, self.runs)
        self.votes = Votes(self.broadcast, self.worker)
        self.broadcast.changed = self.session.tell_watched
        self.worker.on_message, self.worker.on_exit = self.session.hear, self.session.restart_worker
        self.jobs = Jobs(self.session)
        self.session.finished, self.session.publish_changes = self.jobs.add, self.publish_changes
        self._facts = self.facts()
        self.apart: Callable[..., Awaitable[Any]] = asyncio.to_thread
        self.lock = threading.Lock()
        self._ticking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.worker.attach()
        self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.session.publish_reports()
            self.publish_changes()

    def publish_changes(self) -> None:
        """Tell the pages what has changed since the last call."""
        before, self._facts = self._facts, self.facts()
        for kind in [kind for kind in before if self._facts[kind] != before[kind]]:
            self.broadcast.publish(kind, self._facts[kind])

    def describe_class(self) -> dict[str, Any]:
        return {"pile": self.pile.state(), "round": self.votes.state()}

    def facts(self) -> dict[str, Any]:
        return {**self.describe_class(), **self.session.facts(), "progress": self.jobs.progress}

    @get("/api/snapshot")
    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows."""
        return {**self.facts(), **self.session.snapshot()}

    async def close(self) -> None:
        """End the streams and the jobs."""
        if self._ticking is not None:
            self._ticking.cancel()
        self.worker.quit()
        self.broadcast.close()
        await self.jobs.close()

    def folder(self, name: str) -> Path:
        """Return the folder of a run, which is always inside the runs folder."""
        path = self.runs / name
        inside = path.parent == self.runs and not name.startswith(".") and path.resolve().parent == self.runs
        try:
            there = inside and RunFolder(path).config.is_file()
        except OSError:  # too long for a file name, which counts bytes
            there = False
        text = f"name must be a run in {self.runs}, got {name!r}. GET /api/runs lists them."
        demand(there, "unknown-run", text, "name")
        return path

    def load_generator(self, model: str) -> Generator:
        if model in OURS:
            path = OURS[model][1]
        else:
            path = RunFolder(self.folder(model)).generator
            text = f"{model} has no generator yet. Its first checkpoint saves one."
            demand(path.is_file(), "not-available", text, "model")
        return _load(path, path.stat().st_mtime_ns)

    def load_data(self, model: str) -> Dataset | None:
        """Load the training data of a generator, as the run read them; None if they are not on this machine."""
        try:
            if model in OURS:
                return load(OURS[model][1].stem)
            return data_of(load_config(RunFolder(self.folder(model)).config).data)
        except (MulliganError, OSError):
            return None

    @get("/api/models", apart=True)
    def models(self) -> list[dict[str, Any]]:
        """Return the generators: the bundled ones, and those of the runs, the newest first."""
        paths = sorted(self.runs.glob("*/generator.safetensors"), key=mtime, reverse=True)
        runs = [(path.parent.name, path.parent.name, path) for path in paths if path.is_file()]
        own = [each for each in runs if is_shown(each[0]) and each[0] not in OURS]
        generators = [*((name, *ours) for name, ours in OURS.items()), *own]
        rows = []
        for name, title, path in generators:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                rows.append({"name": name, "title": title, **_describe_generator(path, path.stat().st_mtime_ns)})
        return rows

    @get("/api/museum", apart=True)
    def museum(self) -> dict[str, Any]:
        """Return the museum's cases in the order of the tour."""
        return {"cases": [case.describe() for case in EXHIBITS.values()]}

    @get("/api/museum/{case}", apart=True)
    def exhibit(self, *, case: Annotated[str, Text("[A-Za-z0-9_-]{1,80}", "a case's name", "article")]) -> Any:
        """Return one case of the museum, and what came of it when it was played."""
        exhibit = find_exhibit(case)
        results = find_json(PLAYED / f"{case}.json")
        return {**exhibit.describe(), "command": f"mulligan museum {case}", "played": results}


def is_shown(name: str) -> bool:
    """Tell whether a folder's name is not hidden, and text: a lone surrogate stands for bytes that are not UTF-8."""
    return not re.search(r"^\.|[\ud800-\udfff]", name)


@lru_cache(maxsize=4)
def _load(path: Path, changed: int) -> Generator:
    return Generator.load(path, threads=1)


@lru_cache(maxsize=256)
def _describe_generator(path: Path, changed: int) -> dict[str, Any]:
    """Describe a generator. The `text` of a file that cannot be read says why; it must not hide the others."""
    row = {"step": 0, "class_names": [], "points": False, "text": ""}
    try:
        spec, _ = read_file(path)
        row |= {"class_noun": spec.class_noun, "class_names": spec.class_names or [*map(str, range(spec.classes))]}
        return row | {"step": spec.step, "points": len(spec.shape) == 1}
    except Exception as error:
        return row | {"text": f"{path.parent.name} cannot be read: {error}"}


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@get("/api/runs", apart=True)
def list_runs(playground: Playground) -> dict[str, Any]:
    """Return all runs, the newest first."""
    files = (path for path in playground.runs.glob("*/config.toml") if path.is_file())
    folders = [path.parent for path in files if is_shown(path.parent.name) and not path.parent.is_symlink()]
    rows = []
    for path in sorted(folders, key=mtime, reverse=True):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            rows.append(_describe_run(path, playground))
    return {"folder": str(playground.runs).replace(os.path.expanduser("~") + os.sep, "~/", 1), "runs": rows}


def _describe_run(path: Path, playground: Playground) -> dict[str, Any]:
    here, live = RunFolder(path), playground.session
    parts = (here.events, here.config, here.metrics, here.checkpoints, path)
    stamp = max((p.stat().st_mtime_ns for p in parts if p.exists()), default=0)
    row = dict(_read_row(path, stamp))
    row["live"] = live.run == path.name
    if row["live"]:
        row |= {"state": live.state, "step": live.current.step, "steps": live.current.steps}
    return row


@lru_cache(maxsize=1024)
def _read_row(path: Path, stamp: int) -> dict[str, Any]:
    """Read a run's row. The result is cached until its files change. A damaged run's row says what is wrong."""
    here, row = RunFolder(path), {"name": path.name}
    try:
        config, history = load_config(here.config), read_run(path, strict=False)
        parent, figures = config.parent, history.metrics.get(space_of(history.metrics), {})
        return row | {
            "recipe": config.recipe,
            "watched": config.watched,
            "data": config.data.name,
            "step": history.step,
            "steps": config.steps,
            "state": "finished" if history.finished else "failed" if history.failed else "stopped",
            "text": "",
            "diagnosis": _describe_diagnosis(history),
            **{figure: round_off(median_of(figures.get(figure))) for figure in ("fd", "fd_floor")},
            "parent": None if parent is None else Path(parent.run).name,
            "from_step": config.begins,
            "points": len(history.started.get("shape", ())) == 1,
        }
    except Exception as error:  # one bad folder must not hide the others
        return row | {"state": "unreadable", "text": str(error)}


def _describe_diagnosis(history: RunHistory) -> dict[str, Any] | None:
    """Return the last diagnosis; None without a measurement."""
    last = next(reversed(history.diagnosed), None)
    if last is None and not history.measured:
        return None
    state, severity = ("healthy", "") if last is None else (last.state, last.severity)
    return {"state": state, "title": describe_state(state)[0], "severity": severity}


# ── one run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_of(playground: Playground, name: str, part: str, file: str) -> Path:
    """Return a file inside a run folder. Paths that lead elsewhere are rejected."""
    folder = playground.folder(name)
    path = folder / part / file
    inside = path.is_file() and path.resolve() == folder.resolve() / part / file
    demand(inside, "not-found", f"{name} has no {file}.")
    return path


@get("/api/runs/{name}/samples/{step}.png", media="image/png")
def send_sample(playground: Playground, *, name: RunName, step: Step) -> Path:
    """Return the grid of one step."""
    return file_of(playground, name, "samples", f"step-{step:06d}.png")


@get("/api/runs/{name}/viewer.html", apart=True, media="text/html")
def send_viewer(playground: Playground, *, name: RunName) -> Answer:
    """Return the generator of a run as a page of its own."""
    generator = playground.load_generator(playground.folder(name).name)
    with playground.lock:
        return Answer(html.viewer(generator).encode(), file=f"{name}-viewer.html")


@get("/runs/{name}/report.html", apart=True, media="text/html")
def send_report(playground: Playground, *, name: RunName) -> Path:
    """Return the report of a run, which is written now if there is none."""
    from mulligan.report import write_report  # late: a server starts without it

    folder = playground.folder(name)
    if not RunFolder(folder).report.exists():
        write_report(folder)
    return file_of(playground, name, "", "report.html")


@get("/api/runs/{name}/futures.gif", apart=True, media="image/gif")
def send_futures(playground: Playground, *, name: RunName) -> Answer:
    """Return the samples of a second try, to the right of those of the try before; a try that has ended is dark."""
    tries = list_tries(after := playground.folder(name))[-2:]
    grids, data = [RunFolder(playground.folder(each.run)).grids() for each in tries], playground.load_data(name)
    real = None if data is None or not data.is_points else points_picture(np.asarray(data.images[:CLOUD]), *data.range)
    steps = sorted({step for each in grids for step in each if step >= tries[-1].from_step})
    few = steps[:: -(-len(steps) // 60)]  # at most 60 frames
    frames = [np.concatenate([_draw_half(*each, step, real) for each in zip(tries, grids)], axis=1) for step in few]
    path = after / "exports" / "both-futures.gif"
    save_animation(path, [*frames, *frames[-1:] * 5], duration=200)
    return Answer(path, file=f"{name}-{path.name}")


def _draw_half(one: Try, grids: dict[int, Path], step: int, real: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Draw what a try has sampled until a step, under words that say so; points over the `real` ones."""
    from PIL import Image, ImageDraw

    own = max(each for each in grids if each <= step)
    picture, is_over = np.atleast_3d(read_png(grids[own])), one.step < step
    picture = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
    if real is not None:
        dots = np.where(real[..., None] > 0, np.array(BLUE, np.uint8), np.zeros(3, np.uint8))
        picture = np.where(picture > 0, np.array(ORANGE, np.uint8), dots)
    caption = Image.new("RGB", (picture.shape[1], 44))
    alarm = f"{one.alarm['state']} at step {one.alarm['step']:,}" if one.alarm else ""
    where = f"up to step {one.step:,}" if is_over else f"step {own:,}"
    lines = textwrap.wrap((one.summary or alarm).replace("γ", "gamma"), len(picture[0]) // 6)
    for row, text in enumerate([f"Try {one.number}, {where}", *lines[:2]]):
        ImageDraw.Draw(caption).text((4, 1 + 14 * row), text, font_size=12)
    return np.concatenate([np.asarray(caption), picture // (3 if is_over else 1)])


# ── what may be done with a run ───────────────────────────────────────────────────────────────────────────────────────


@post("/api/runs/{name}/resume")
def resume(playground: Playground, *, name: RunName, steps: Steps | None = None) -> dict[str, Any]:
    """Resume a run as the live run."""
    playground.session.open(list_tries(playground.folder(name)), steps)
    return {"status": playground.session.status()}
