"""Train one cell of a study in a worker: one variation with one seed, in its own run folder.

A killed cell continues from its newest checkpoint. `run_cell` never raises: an error becomes part of the result. A
worker whose study has ended stops at the next step, and saves.
"""

from __future__ import annotations

import os
import shutil
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import threadpoolctl

from mulligan.config.model import DataSpec, Parent
from mulligan.config.serialization import Table, from_table
from mulligan.data import Dataset
from mulligan.errors import DivergedError, MulliganError
from mulligan.studies.measures import MEASURES, Figures, mixture_of
from mulligan.training import Config, Recorder, Run, RunFolder, SecondTry, resume
from mulligan.training.events import Event, Started, Stepped
from mulligan.training.samples import data_of
from mulligan.training.store.checkpoint import checkpoints, load_checkpoint, step_of

DONE, DIVERGED, FAILED = "done", "diverged", "failed"
_KEPT = 2  # number of data sets that a worker keeps between cells
_loaded: dict[DataSpec, Dataset] = {}


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


class MeasureAt:
    """An observer that measures at given steps. Its state keeps the results if the cell is killed."""

    name = "measurements"

    def __init__(self, job: Job):
        self.job = job
        self.measurements: list[dict[str, Any]] = []

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Measure at the steps that the job names."""
        if isinstance(event, (Started, Stepped)) and run.step in self.job.measure_at:
            self.measurements.append({"step": run.step, "figures": measure(run, self.job)})
        return ()

    def state(self) -> dict[str, Any]:
        """Return all measurements so far."""
        return {"measurements": self.measurements}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore earlier measurements."""
        self.measurements = list(state["measurements"])


def run_cell(job: Job) -> dict[str, Any]:
    """Train and measure one cell, or continue it, and return its result. Only the clock depends on more than `job`."""
    try:
        with threadpoolctl.threadpool_limits(1):
            return _train(job)
    except DivergedError as error:
        return result_of(job, DIVERGED, str(error))
    except (MulliganError, MemoryError, OSError) as error:
        return result_of(job, FAILED, f"{type(error).__name__}: {error}")
    except Exception as error:  # a bug, or an error in a user's measure: the other cells go on
        return result_of(job, FAILED, "".join(traceback.format_exception(error)))


def _train(job: Job) -> dict[str, Any]:
    run, earlier, study = run_of(job), MeasureAt(job), os.getppid()
    end = job.until or run.config.steps

    def stop() -> bool:
        return run.step >= end or os.getppid() != study  # a killed study leaves its workers to another parent

    for _ in Recorder(job.folder).record(run, observers=[earlier], stop=stop):
        pass
    if run.step < end:
        return result_of(job, FAILED, "the study was killed", run)
    if job.until:
        return result_of(job, DONE, "", run)
    return result_of(job, DONE, "", run, figures=measure(run, job), measurements=earlier.measurements)


def run_of(job: Job) -> Run:
    """Return the cell's run: new, from its own checkpoint, or from the common start."""
    config: Config = from_table(Config, job.config)
    folder, data = Path(job.folder), load_once(config)
    if RunFolder(folder).config.is_file() and (not job.start or checkpoints(RunFolder(folder).checkpoints)):
        return resume(folder, data=data)
    shutil.rmtree(folder, ignore_errors=True)  # killed before its first checkpoint
    if not job.start:
        return Run(config, data=data)
    checkpoint = load_checkpoint(checkpoints(RunFolder(Path(job.start)).checkpoints)[-1])
    config = replace(config, parent=Parent(job.start, step_of(checkpoint.path)))
    return SecondTry(config, [], checkpoint, keep_moments=True).run(data=data)


def load_once(config: Config) -> Dataset:
    """Load the data of a configuration, once per process."""
    if config.data not in _loaded:
        if len(_loaded) >= _KEPT:
            _loaded.clear()
        _loaded[config.data] = data_of(config)
    return _loaded[config.data]


def check_data(config: Config, measures: tuple[str, ...]) -> None:
    """Raise now what every cell would fail with: data that cannot be read or measured."""
    data = load_once(config)
    if data.is_points and "quality" in measures:
        mixture_of(data)


def measure(run: Run, job: Job) -> Figures:
    """Compute all measures of a job. Figures that are not finite are left out."""
    figures = {name: float(v) for each in job.measures for name, v in MEASURES[each](run, job.count).items()}
    return {name: value for name, value in figures.items() if abs(value) < float("inf")}


def result_of(job: Job, status: str, error: str, run: Run | None = None, **measured: Any) -> dict[str, Any]:
    """Return a cell's result."""
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


def time_steps(job: Job, seconds: float) -> float:
    """Return the CPU-seconds of a step: the median of nine blocks, after one that warms up; 0 if a step fails."""
    config: Config = from_table(Config, job.config)
    try:
        with threadpoolctl.threadpool_limits(1):
            trial = Run(config, data=load_once(config))
            with trial.gan:
                trial.advance()
                first = _time_block(trial, 1)
                size = max(1, round(max(seconds / 10, 0.02) / max(first, 1e-6)))  # a short block is too coarse
                return sorted(_time_block(trial, size) for _ in range(9))[4]
    except Exception:  # the cell will report it
        return 0.0


def _time_block(trial: Run, size: int) -> float:
    before = time.process_time()
    for _ in range(size):
        trial.advance()
    return (time.process_time() - before) / size
