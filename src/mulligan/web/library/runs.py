"""Run folders: list, describe, delete and restore them. Everything stays inside the runs folder."""

import asyncio
import contextlib
import os
import secrets
import stat
import time
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from mulligan.config.toml import load_config
from mulligan.data.sources.toys import TOYS
from mulligan.diagnosis.failures import titled
from mulligan.doors.read import mtime
from mulligan.errors import BusyError, MulliganError
from mulligan.metrics import median_of, space_of
from mulligan.nn.fields import Interval
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import RunHistory, read_run
from mulligan.web.api.values import RunName, Text
from mulligan.web.playground import OURS, Playground, is_shown
from mulligan.web.problems import Problem
from mulligan.web.session.history import History, history_of, significant
from mulligan.web.session.state import IN_HAND

TRASH = ".trash"
"""Folder inside the runs folder for deleted runs, which can be restored, or removed by hand."""
PATIENCE = 5.0
"""Seconds to wait for another process that writes to a run. After that the run is not deleted."""
Trashed = Annotated[str, Text("[0-9a-f]{8}", "eight hex digits", "0a1b2c3d"), "The id that `delete` returned."]
Step = Annotated[int, Interval(0, 1e12, "[]", 100), "Steps taken."]
_BACK = 1 << 18  # bytes read from the end of a log


def listed(playground: Playground) -> dict[str, Any]:
    """Return all runs, the newest first."""
    runs = playground.runs
    folders = [path for path in _folders(runs) if RunFolder(path).config.is_file()]
    folders.sort(key=mtime, reverse=True)
    rows = []
    for path in folders:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            rows.append(_row(path, playground))
    size, trash = sum(row["bytes"] for row in rows), [_thrown(path) for path in _folders(runs / TRASH)]
    folder = str(runs).replace(os.path.expanduser("~") + os.sep, "~/", 1)
    return {"folder": folder, "bytes": size, "runs": rows, "trash": trash}


def _folders(path: Path) -> list[Path]:
    try:
        return [p for p in path.iterdir() if p.is_dir() and not p.is_symlink() and is_shown(p.name)]
    except OSError:
        return []


def _size(folder: Path) -> int:
    """Return the size of a folder in bytes. Files may be deleted meanwhile, as old checkpoints are."""
    size = 0
    for place, _, names in os.walk(folder):  # skips deleted folders, for which Path.rglob fails
        for name in names:
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(place, name))
                size += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return size


def _row(path: Path, playground: Playground) -> dict[str, Any]:
    here, live = RunFolder(path), playground.session.state
    parts = (here.events, here.config, here.metrics, here.checkpoints, path)
    stamp = max((p.stat().st_mtime_ns for p in parts if p.exists()), default=0)
    row = dict(_read(path, stamp))
    row["live"] = live.run == path.name
    if row["live"] and live.current is not None:
        row |= {"state": live.name, "step": live.step, "steps": live.current.steps, "seconds": live.seconds}
    return row


@lru_cache(maxsize=1024)
def _read(path: Path, stamp: int) -> dict[str, Any]:
    """Read a run's row. The result is cached until its files change."""
    here, name, changed = RunFolder(path), path.name, stamp / 1e9
    try:
        config = load_config(here.config)
    except MulliganError as error:
        return {"name": name, "state": "unreadable", "text": str(error), "bytes": 0, "changed": changed}
    history = read_run(path, strict=False, last=_BACK)
    began, metrics = history.started, history.metrics
    monitored, seen = history.evaluated[-1] if history.evaluated else (None, dict[str, Any]())
    measured: dict[str, Any] = metrics.get(space_of(metrics), {})
    toy = TOYS.get(config.data.name)
    parent = config.parent
    return {
        "name": name,
        "recipe": config.recipe,
        "data": config.data.name,
        "seed": config.seed,
        "step": history.step,
        "steps": config.steps,
        "seconds": next((wall for wall, _ in reversed(history.clock.values())), None),
        "state": "finished" if history.finished else "failed" if history.failed else "stopped",
        "text": "",
        "diagnosis": _diagnosis(here, history),
        "monitored_step": monitored,
        "distance": significant(seen.get("distance", seen.get("kid"))),
        "gap": significant(history.measured[-1][1].get("gap")) if history.measured else None,
        "measured_step": metrics.get("step"),
        **{
            name: significant(median_of(measured.get(name)))
            for name in ("fd", "fd_floor", "coverage", "coverage_ideal")
        },
        "modes": seen.get("modes"),
        "modes_of": None if "modes" not in seen else len(toy.modes) if toy else began.get("classes") or None,
        "parent": None if parent is None else Path(parent.run).name,
        "from_step": 0 if parent is None else parent.step,
        "points": len(began.get("shape", ())) == 1,
        "sample": next((f"{_address(name)}/samples/{step}.png" for step in reversed(here.grids())), None),
        "report": report_of(name) if here.report.is_file() else None,
        "bytes": _size(path),
        "changed": changed,
    }


def _diagnosis(here: RunFolder, history: RunHistory) -> dict[str, Any] | None:
    """Return the last diagnosis: among the last events, or else in a log that is longer; None without a measurement."""
    diagnosed = history.diagnosed
    if not diagnosed and here.events.is_file() and here.events.stat().st_size > _BACK:
        diagnosed = read_run(here.path, strict=False).diagnosed
    if not diagnosed and not history.measured:
        return None
    state, severity = (diagnosed[-1].state, diagnosed[-1].severity) if diagnosed else ("healthy", "")
    return {"state": state, "title": titled(state)[0], "severity": severity}


def described(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Return a run's row, and the steps of its checkpoints."""
    path = playground.folder(name)
    return _row(path, playground) | {"checkpoints": [step_of(p) for p in checkpoints(RunFolder(path).checkpoints)]}


def curves(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Return a run's curves, thinned."""
    path = playground.folder(name)
    live = playground.session.state
    history: History = live.current.history if live.run == name and live.current is not None else history_of(path)
    return {"run": name, **history.thinned()}


OWN = {f".{name}": path for name, (_, path) in OURS.items()}
"""Folders inside the runs folder for exports of the bundled generators, which have no run, and their files."""
EXPORTS = {"html": "player.html", "onnx": "generator.onnx", "torch": "generator_torch.py", "npz": "generator.npz"}
"""Formats of an export, and the file's name inside the run folder's ``exports``."""


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
    folder = playground.runs / name if name in OWN else playground.folder(name)
    path = folder / part / file
    if not path.is_file() or path.resolve() != folder.resolve() / part / file:
        raise Problem("not-found", f"{name} has no {file}. Export it first.")
    return path


def sample_at(playground: Playground, *, name: RunName, step: Step) -> Path:
    """Return the grid of one step."""
    return file_of(playground, name, "samples", f"step-{step:06d}.png")


async def delete(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Move a run to the trash after its writer has ended, because a late file would recreate its folder."""
    _deletable(playground, name)
    end = time.monotonic() + PATIENCE
    while True:
        await playground.jobs.leave(name)
        path = _deletable(playground, name)  # it may have been resumed meanwhile; no await from here on
        try:
            RunFolder(path).hold().close()  # Windows does not move a folder with an open file
            return _throw(playground, path)
        except BusyError as error:  # the worker may still be saving a run that was replaced
            if time.monotonic() > end:
                text = f"another process is writing to {name}. Stop it there (Ctrl-C in its terminal), then delete it."
                raise Problem("busy", text) from error
        except OSError as error:
            text = f"{name} could not be moved to the trash: {error.strerror}. Check the folder's permissions."
            raise Problem("failed", text) from error
        await asyncio.sleep(0.05)


def _deletable(playground: Playground, name: str) -> Path:
    path, state = playground.folder(name), playground.session.state
    if state.run == name and state.name in IN_HAND:
        raise Problem("busy", f"{name} is {state.name}. Stop it first, then delete it.")
    return path


def _throw(playground: Playground, path: Path) -> dict[str, Any]:
    target = playground.runs / TRASH / f"{secrets.token_hex(4)}~{path.name}"
    target.parent.mkdir(exist_ok=True)
    os.rename(path, target)
    playground.broadcast.publish("runs", {})
    return _thrown(target)


def restore(playground: Playground, *, id: Trashed) -> dict[str, Any]:
    """Bring a run back from the trash."""
    found = next((p for p in _folders(playground.runs / TRASH) if p.name.partition("~")[0] == id), None)
    if found is None:
        text = f"id must be that of a run in the trash, got {id!r}. GET /api/runs lists the trash."
        raise Problem("not-found", text, "id")
    name = found.name.partition("~")[2]
    target = playground.runs / name
    if target.exists():
        text = f"there is a new run called {name}. Rename or delete it, then bring this one back."
        raise Problem("wrong-state", text)
    os.rename(found, target)
    playground.broadcast.publish("runs", {})
    return {"name": name}


def _thrown(path: Path) -> dict[str, Any]:
    id_, _, name = path.name.partition("~")
    return {"id": id_, "name": name}
