"""Everything that one server holds."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from mulligan.config.toml import load_config
from mulligan.data import Dataset, load
from mulligan.doors.read import mtime
from mulligan.errors import MulliganError
from mulligan.models import BUNDLED, FACES
from mulligan.output.generator import Generator
from mulligan.output.generator.file import read_file
from mulligan.training import Run
from mulligan.training.samples import data_of
from mulligan.training.store.checkpoint import checkpoints, load_checkpoint, step_of
from mulligan.training.store.folder import RunFolder, restored
from mulligan.web.library.jobs import Jobs
from mulligan.web.library.pile import Pile
from mulligan.web.problems import Problem
from mulligan.web.session.broadcast import Broadcast
from mulligan.web.session.listener import Listener
from mulligan.web.session.session import Session
from mulligan.web.session.votes import Votes
from mulligan.web.session.write_lock import WriteLock
from mulligan.web.worker.handle import WorkerHandle

TICK = 0.25
"""Seconds between two messages about reports, the run bar, the pile and the votes."""
MODELS = 100
OURS = {"bundled": ("MNIST digits, bundled", BUNDLED), FACES.stem: ("Pixel faces, bundled", FACES)}
"""Title and file of each generator that comes with Mulligan."""
TAKEN = (*OURS, "live")
"""Names of generators that are not run folders. A run of such a name is addressed as, for instance, `./bundled`."""
THREADS = 4
"""Maximum number of calls that read files or compute at the same time."""


class Playground:
    """One server's state.

    `runs` is the folder of run folders; the first run creates it. `data` names the user's own pictures. `book` is the
    folder of the built book, if there is one. `thread` calls a function outside the event loop, if the platform can.
    """

    def __init__(self, runs: Path, data: dict[str, str] | None, worker: WorkerHandle):
        self.runs, self.worker = runs.resolve(), worker
        self.broadcast = Broadcast(lambda phone: self.shared() if phone else self.snapshot())
        self.write_lock = WriteLock(self.broadcast)
        self.book: Path | None = None
        self.session = Session(self.runs, data or {}, self.worker, self.broadcast)
        self.pile = Pile(self.session.own, self.runs, self.write_lock)
        self.votes = Votes(self.broadcast, self.worker)
        self.broadcast.changed = self.session.watched
        self.listener = Listener(self.session)
        self.worker.heard, self.worker.died = self.listener.hear, self.listener.died
        self.jobs = Jobs(self)
        self.session.finished = self.jobs.after_the_end
        self._threads = asyncio.Semaphore(THREADS)
        self.thread: Callable[..., Awaitable[Any]] = asyncio.to_thread
        self.lock = threading.Lock()
        self._ticking: asyncio.Task[None] | None = None

    async def apart(self, function: Callable[..., Any], *args: Any) -> Any:
        async with self._threads:
            return await self.thread(function, *args)

    async def open(self) -> None:
        self.worker.attach()
        self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        now = self.shared()
        while True:
            await asyncio.sleep(TICK)
            self.session.tick()
            self.write_lock.check_holder()
            before, now = now, self.shared()
            for kind in [kind for kind in now if now[kind] != before[kind]]:
                self.broadcast.publish(kind, now[kind])

    def shared(self) -> dict[str, Any]:
        return {"pile": self.pile.state(), "round": self.votes.state()}

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows."""
        return {
            **self.shared(),
            **self.session.state.snapshot(),
            "progress": self.jobs.progress(),
            "write_lock": self.write_lock.state(),
            "clients": len(self.broadcast.clients),
        }

    async def close(self) -> None:
        """End the streams and the jobs. The worker saves the run, and `app.end` waits for it."""
        if self._ticking is not None:
            self._ticking.cancel()
        self.broadcast.close()
        self.jobs.close()

    def folder(self, name: str) -> Path:
        """Return the folder of a run, which is always inside the runs folder. `./name` is the same as `name`."""
        name = name.removeprefix("./")
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
            try:
                path = RunFolder(self.folder(model)).generator
            except Problem:
                text = f"model must be bundled, live or a run's name, got {model!r}. Try bundled."
                raise Problem("unknown-model", text, "model") from None
            if not path.is_file():
                text = f"{model} has no generator yet. Its first checkpoint saves one."
                raise Problem("not-available", text, "model")
        return _loaded(path, path.stat().st_mtime_ns)

    def data(self, model: str) -> Dataset | None:
        """Load the training data of a generator, as the run read them; None if they are not on this machine."""
        try:
            if model in OURS:
                return load(OURS[model][1].stem)
            return data_of(load_config(RunFolder(self.folder(model)).config))
        except (MulliganError, OSError):
            return None

    def models(self, also: str | None = None) -> list[dict[str, Any]]:
        """Return the available generators: the bundled ones, those of the newest runs, and the run `also`."""
        found = [(name, *ours) for name, ours in OURS.items()]
        for place, path in enumerate(sorted(self.runs.glob("*/generator.safetensors"), key=mtime, reverse=True)):
            name = path.parent.name
            wanted = place < MODELS or name == (also or "").removeprefix("./")
            if wanted and is_shown(name):
                found.append((f"./{name}" if name in TAKEN else name, name, path))
        rows = []
        for name, title, path in found:
            with contextlib.suppress(MulliganError, OSError):
                rows.append({"name": name, "title": title, **_described(path, path.stat().st_mtime_ns)})
        return rows

    def loaded_run(self, name: str, step: int | None = None) -> Run:
        """Build the run of a folder from the checkpoint of a step (default: the newest)."""
        found = {step_of(path): path for path in checkpoints(RunFolder(self.folder(name)).checkpoints)}
        if not found:
            text = f"{name} has no checkpoint yet, so its networks cannot be shown. Wait for its first one."
            raise Problem("not-available", text, "run")
        path = found.get(max(found) if step is None else step)
        if path is None:
            there = ", ".join(f"{each:,}" for each in found)
            raise Problem("not-available", f"step must be one of {there} for {name}, got {step:,}.", field="step")
        return _built(path, path.stat().st_mtime_ns)


def is_shown(name: str) -> bool:
    """Tell whether a folder's name is not hidden, and text: a lone surrogate stands for bytes that are not UTF-8."""
    return not re.search(r"^\.|[\ud800-\udfff]", name)


@lru_cache(maxsize=4)
def _loaded(path: Path, changed: int) -> Generator:
    return Generator.load(path, threads=1)


@lru_cache(maxsize=256)
def _described(path: Path, changed: int) -> dict[str, Any]:
    spec, tensors = read_file(path)
    return {
        "step": spec.step,
        "classes": spec.classes,
        "class_names": list(spec.class_names or map(str, range(spec.classes))),
        "latent": spec.latent.dim,
        "parameters": sum(tensor.size for tensor in tensors.values()),
        "points": len(spec.shape) == 1,
    }


@lru_cache(maxsize=2)
def _built(path: Path, changed: int) -> Run:
    return restored(load_checkpoint(path))
