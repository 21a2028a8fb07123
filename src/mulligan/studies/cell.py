"""Train one cell of a study in a worker: one variation with one seed, in its own run folder.

A finished cell has a file, ``result.json``. A killed cell continues from its newest checkpoint. `run_cell` never
raises: an error becomes part of the result. A worker whose study has ended stops at the next step, and saves.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import threadpoolctl

from mulligan.config.model import DataSpec, Parent
from mulligan.config.serialization import Table, from_table
from mulligan.data import Dataset
from mulligan.doors.write import atomic_write
from mulligan.errors import BusyError, DivergedError, MulliganError, RunError
from mulligan.output.pictures import png_bytes
from mulligan.studies.measures import MEASURES, Figures, mixture_of
from mulligan.training import Config, Recorder, Run, RunFolder, SecondTry, resume
from mulligan.training.events import Event, Started, Stepped
from mulligan.training.samples import data_of, sheet
from mulligan.training.store.checkpoint import checkpoints, load_checkpoint, step_of

ATTEMPTS = 3
"""Number of killed workers after which a cell fails, because the cell itself may be the cause."""
DONE, DIVERGED, FAILED, STOPPED = "done", "diverged", "failed", "stopped"
_PATIENCE = 20.0  # seconds to wait until a worker of a killed study has left a cell
_HELD = 2  # number of data sets that a worker keeps between cells
_loaded: dict[DataSpec, Dataset] = {}
_PULSE = 0.25  # seconds between two checks that the study is still running


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs for a cell, in plain values that can be sent."""

    cell: str
    """``variation/seed-0``."""
    folder: str
    """The cell's absolute path. Workers without a shared disk each use their own."""
    config: Table
    measures: tuple[str, ...]
    count: int
    measure_at: tuple[int, ...] = ()
    start: str = ""
    """The cell folder of the common start; empty for none."""
    until: int = 0
    """For a common start, the step at which to stop and keep the checkpoint; 0 for the end of the run."""
    owner: tuple[str, int] = ("", 0)
    """Host and process of the study."""


class MeasureAt:
    """An observer that measures at given steps. Its state keeps the results if the cell is killed."""

    name = "measurements"

    def __init__(self, job: Job):
        self.job = job
        self.found: list[dict[str, Any]] = []

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Measure at the steps that the job names."""
        if isinstance(event, (Started, Stepped)) and run.step in self.job.measure_at:
            self.found.append({"step": run.step, "figures": measured(run, self.job)})
        return ()

    def state(self) -> dict[str, Any]:
        """Return all measurements so far."""
        return {"found": self.found}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore earlier measurements."""
        self.found = list(state["found"])


def run_cell(job: Job) -> dict[str, Any]:
    """Train and measure one cell, or continue it, and return its line of ``results.jsonl``, with its picture.

    Everything but the clock depends only on the configuration.
    """
    gone = _study_gone(job.owner)
    with _at_work:
        return _run_cell(job, Path(job.folder), gone)


def _run_cell(job: Job, folder: Path, gone: threading.Event) -> dict[str, Any]:
    kept = folder / "result.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return found
    try:
        if count_attempt(folder) > ATTEMPTS:
            raise RunError(f"its worker was killed {ATTEMPTS} times while it ran. Check how much memory it needs.")
        with threadpoolctl.threadpool_limits(1):
            result = _trained(job, folder, gone)
    except DivergedError as error:
        result = _outcome(job, DIVERGED, str(error))
    except (MulliganError, MemoryError, OSError) as error:
        result = _outcome(job, FAILED, f"{type(error).__name__}: {error}")
    except Exception as error:  # a bug, or an error in a user's measure: the other cells go on
        result = _outcome(job, FAILED, "".join(traceback.format_exception(error)))
    result["clock"]["attempts"] = _attempts(folder)
    if result["status"] in (DONE, DIVERGED):
        atomic_write(kept, json.dumps(result, ensure_ascii=False).encode())
        if not job.until:
            shutil.rmtree(RunFolder(folder).checkpoints, ignore_errors=True)
    return result


def _trained(job: Job, folder: Path, gone: threading.Event) -> dict[str, Any]:
    patience = time.monotonic() + _PATIENCE
    while True:
        run, earlier = run_of(job, folder), MeasureAt(job)
        end = job.until or run.config.steps
        try:
            for _ in Recorder(folder).record(run, observers=[earlier], stop=_stopper(run, end, gone)):
                pass
            break
        except BusyError:  # a killed study's worker saves as soon as it notices
            if time.monotonic() > patience:
                raise
            time.sleep(_PULSE)
    if run.step < end:
        return _outcome(job, STOPPED, "the study has ended", run)
    if job.until:
        return _outcome(job, DONE, "", run)
    result = _outcome(job, DONE, "", run, figures=measured(run, job), measurements=earlier.found)
    made = run.sample(*run.grid)  # 64 pictures, sorted by class: show every fourth
    shown = sheet(made if run.data.is_points else made[::4], run.data)
    result["picture"] = b64encode(png_bytes(shown)).decode()
    return result


def _stopper(run: Run, end: int, gone: threading.Event) -> Callable[[], bool]:
    return lambda: run.step >= end or gone.is_set()


def run_of(job: Job, folder: Path) -> Run:
    """Return the cell's run: new, from its own checkpoint, or from the common start."""
    config: Config = from_table(Config, job.config)
    data = load_once(config)
    if RunFolder(folder).config.is_file() and (not job.start or checkpoints(RunFolder(folder).checkpoints)):
        return resume(folder, data=data)
    shutil.rmtree(folder, ignore_errors=True)  # killed before its first checkpoint
    if not job.start:
        return Run(config, data=data)
    found = load_checkpoint(checkpoints(RunFolder(Path(job.start)).checkpoints)[-1])
    config = replace(config, parent=Parent(job.start, step_of(found.path)))
    return SecondTry(config, [], found, keep_moments=True).run(data=data)


def load_once(config: Config) -> Dataset:
    """Load the data of a configuration, once per process."""
    if config.data not in _loaded:
        if len(_loaded) >= _HELD:
            _loaded.clear()
        _loaded[config.data] = data_of(config)
    return _loaded[config.data]


def foresee(config: Config, measures: tuple[str, ...]) -> None:
    """Raise now what every cell would fail with: data that cannot be read or measured."""
    data = load_once(config)
    if data.is_points and "quality" in measures:
        mixture_of(data)


def measured(run: Run, job: Job) -> Figures:
    """Compute all measures of a job. Figures that are not finite are left out."""
    found = {name: float(v) for measure in job.measures for name, v in MEASURES[measure](run, job.count).items()}
    return {name: value for name, value in found.items() if abs(value) < float("inf")}


def _outcome(job: Job, status: str, error: str, run: Run | None = None, **measured: Any) -> dict[str, Any]:
    return {
        "cell": job.cell,
        "status": status,
        "error": error,
        "step": 0 if run is None else run.step,
        "figures": {},
        "measurements": [],
        **measured,
        "clock": {"cpu": 0.0 if run is None else run.cpu, "wall": 0.0 if run is None else run.wall},
    }


_at_work = threading.Lock()


@cache
def _study_gone(owner: tuple[str, int]) -> threading.Event:
    """Return an event that is set when the study of a job has ended, if it runs on this host.

    Its own worker then ends too, as soon as a cell has saved. An idle one would stay for minutes.
    """
    host, study = owner
    gone, own = threading.Event(), os.getppid() == study

    def watch() -> None:
        while _is_alive(study):
            time.sleep(_PULSE)
        gone.set()
        if own:
            with _at_work:
                os._exit(0)

    if os.name == "posix" and host == socket.gethostname() and study not in (0, os.getpid()):
        if not _is_alive(study):
            gone.set()
        threading.Thread(target=watch, daemon=True).start()
    return gone


def _is_alive(process: int) -> bool:
    """Whether a process runs, and is no zombie where there is /proc."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user, or there is no /proc
        return True


def attempts_file(folder: Path) -> Path:
    """Return the file of attempts. It is beside the folder, because a new run's folder must be empty."""
    return folder.with_name(f".{folder.name}.attempts")


def _attempts(folder: Path) -> int:
    try:
        return int(attempts_file(folder).read_text("utf-8"))
    except (OSError, ValueError):
        return 0


def count_attempt(folder: Path) -> int:
    """Increase and return the number of attempts since the study began or was resumed."""
    count = _attempts(folder) + 1
    path = attempts_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(count), "utf-8")
    return count


def time_steps(job: Job, seconds: float) -> float:
    """Return the CPU-seconds of a step: the median of several blocks of steps, after a warm-up block."""
    config: Config = from_table(Config, job.config)
    with threadpoolctl.threadpool_limits(1):
        trial = Run(config, data=load_once(config))
        with trial.gan:
            trial.advance()
            began, size = time.process_time(), 1
            blocks: list[float] = []
            while len(blocks) < 5 or time.process_time() - began < seconds:
                before = time.process_time()
                for _ in range(size):
                    trial.advance()
                spent = time.process_time() - before
                if spent < 0.02:  # shorter blocks are too coarse for the clock
                    size *= 2
                    continue
                blocks.append(spent / size)
    return sorted(blocks)[len(blocks) // 2]
