"""Everything that one server holds."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import mulligan.museum
from mulligan.config.model import load_config
from mulligan.data import Dataset, load
from mulligan.doors.read import find_json, mtime
from mulligan.errors import MulliganError
from mulligan.models import BUNDLED, FACES
from mulligan.museum import EXHIBITS, exhibit_named
from mulligan.output.generator import Generator
from mulligan.output.generator.file import read_file
from mulligan.training.samples import data_of
from mulligan.training.store.folder import RunFolder
from mulligan.web.calls import Problem, Text, get
from mulligan.web.classroom import Pile, Votes
from mulligan.web.handle import WorkerHandle
from mulligan.web.jobs import Jobs
from mulligan.web.session import Session
from mulligan.web.streams import Broadcast

PLAYED = Path(mulligan.museum.__file__).parent / "played"
"""What came of each case of the museum, as benchmarks/shipped/museum.py has played it."""
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
        self.broadcast = Broadcast(lambda phone: self.shared() if phone else self.snapshot())
        self.session = Session(self.runs, data or {}, self.worker, self.broadcast)
        self.pile = Pile(self.session.own, self.runs)
        self.votes = Votes(self.broadcast, self.worker)
        self.broadcast.changed = self.session.tell_watched
        self.worker.on_message, self.worker.on_exit = self.session.hear, self.session.restart_worker
        self.jobs = Jobs(self.session)
        self.session.finished = self.jobs.add_final
        self.apart: Callable[..., Awaitable[Any]] = asyncio.to_thread
        self.lock = threading.Lock()
        self._ticking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.worker.attach()
        self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        now = self.shared()
        while True:
            await asyncio.sleep(TICK)
            self.session.tick()
            before, now = now, self.shared()
            for kind in [kind for kind in now if now[kind] != before[kind]]:
                self.broadcast.publish(kind, now[kind])

    def shared(self) -> dict[str, Any]:
        return {"pile": self.pile.state(), "round": self.votes.state()}

    @get("/api/snapshot")
    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows."""
        return {
            **self.shared(),
            **self.session.snapshot(),
            "progress": self.jobs.progress,
        }

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
        if not there:
            text = f"name must be a run in {self.runs}, got {name!r}. GET /api/runs lists them."
            raise Problem("unknown-run", text, "name")
        return path

    def generator(self, model: str) -> Generator:
        if model in OURS:
            path = OURS[model][1]
        else:
            path = RunFolder(self.folder(model)).generator
            if not path.is_file():
                text = f"{model} has no generator yet. Its first checkpoint saves one."
                raise Problem("not-available", text, "model")
        return _load(path, path.stat().st_mtime_ns)

    def data(self, model: str) -> Dataset | None:
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
        offered = [each for each in runs if is_shown(each[0]) and each[0] not in OURS]
        generators = [*((name, *ours) for name, ours in OURS.items()), *offered]
        rows = []
        for name, title, path in generators:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                rows.append({"name": name, "title": title, **_describe(path, path.stat().st_mtime_ns)})
        return rows

    @get("/api/museum", apart=True)
    def museum(self) -> dict[str, Any]:
        """Return the museum's cases in the order of the tour."""
        return {"cases": [case.describe() for case in EXHIBITS.values()]}

    @get("/api/museum/{case}", apart=True)
    def exhibit(self, *, case: Annotated[str, Text("[A-Za-z0-9_-]{1,80}", "a case's name", "article")]) -> Any:
        """Return one case of the museum, and what came of it when it was played."""
        exhibit = exhibit_named(case)
        played = find_json(PLAYED / f"{case}.json")
        return {**exhibit.describe(), "command": f"mulligan museum {case}", "played": played}


def is_shown(name: str) -> bool:
    """Tell whether a folder's name is not hidden, and text: a lone surrogate stands for bytes that are not UTF-8."""
    return not re.search(r"^\.|[\ud800-\udfff]", name)


@lru_cache(maxsize=4)
def _load(path: Path, changed: int) -> Generator:
    return Generator.load(path, threads=1)


@lru_cache(maxsize=256)
def _describe(path: Path, changed: int) -> dict[str, Any]:
    """Describe a generator. The `text` of a file that cannot be read says why; it must not hide the others."""
    row = {"step": 0, "class_names": [], "points": False, "text": ""}
    try:
        spec, _ = read_file(path)
        names = list(spec.class_names or map(str, range(spec.classes)))
        return row | {"step": spec.step, "class_names": names, "points": len(spec.shape) == 1}
    except Exception as error:
        return row | {"text": f"{path.parent.name} cannot be read: {error}"}
