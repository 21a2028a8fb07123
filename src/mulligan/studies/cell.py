"""Train one cell of a study in a worker: one variation with one seed, in its own run folder, whose log has the figures.

A killed cell continues from its newest checkpoint. `run_cell` never raises: an error becomes part of the result. A
worker whose study has ended stops at the next step, and saves.
"""

import multiprocessing
import os
import shutil
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import threadpoolctl

from mulligan.config.model import Config, DataSpec
from mulligan.data import Dataset
from mulligan.errors import DivergedError, MulliganError
from mulligan.studies.measures import MEASURES
from mulligan.training import Observer, Recorder, Run, RunFolder, SecondTry, load_checkpoint, read_run, resume
from mulligan.training.events import Evaluated, Event, Finished, Started, Stepped
from mulligan.training.samples import data_of
from mulligan.training.store.checkpoint import checkpoints, folder_of

DONE, DIVERGED, FAILED = "done", "diverged", "failed"


@dataclass(frozen=True)
class Job(Observer):
    """All that a worker needs for a cell, in plain values that can be sent. It measures the cell while it trains."""

    cell: str
    """``variation/seed-0``."""
    folder: str
    """The cell's absolute path. Workers without a shared disk each use their own."""
    config: Config
    measures: tuple[str, ...]
    count: int
    measure_at: tuple[int, ...] = ()
    name = "study"

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Measure at the steps of `measure_at` and at the end. Figures that are not finite are left out."""
        if (isinstance(event, (Started, Stepped)) and run.step in self.measure_at) or isinstance(event, Finished):
            figures = {name: float(v) for each in self.measures for name, v in MEASURES[each](run, self.count).items()}
            yield Evaluated(run.step, {name: value for name, value in figures.items() if abs(value) < float("inf")})


def run_cell(job: Job) -> dict[str, Any]:
    """Train and measure one cell, or continue it, and return its result. Only the clock depends on more than `job`."""
    status, message = DONE, ""
    try:
        with threadpoolctl.threadpool_limits(1):
            for _ in Recorder(job.folder).record(run_of(job), observers=[job], stop=is_orphan):
                pass
    except DivergedError as error:
        status, message = DIVERGED, str(error)
    except (MulliganError, MemoryError, OSError) as error:
        status, message = FAILED, f"{type(error).__name__}: {error}"
    except Exception as error:  # a bug, or an error in a user's measure: the other cells go on
        status, message = FAILED, "".join(traceback.format_exception(error))
    history = read_run(job.folder, strict=False)
    measured = dict(history.evaluated) if status == DONE else {}
    wall, cpu = list(history.clock.values() or [(0.0, 0.0)])[-1]
    return {
        "cell": job.cell,
        "status": status,
        "error": message,
        "step": history.step,
        "figures": measured.get(history.step, {}),
        "measurements": [{"step": at, "figures": measured[at]} for at in job.measure_at if at in measured],
        "clock": {"cpu": cpu, "wall": wall},
    }


def is_orphan() -> bool:
    """Tell whether this is a worker whose study has ended: a killed study leaves its workers to another parent."""
    parent = multiprocessing.parent_process()
    return parent is not None and parent.pid != os.getppid()


def run_of(job: Job) -> Run:
    """Return the cell's run: new, from its own checkpoint, or from that of its parent."""
    folder, config, data = Path(job.folder), job.config, load_once(job.config.data)
    if checkpoints(RunFolder(folder).checkpoints):
        return resume(folder, data=data)
    shutil.rmtree(folder, ignore_errors=True)  # killed before its first checkpoint
    if config.parent is None:
        return Run(config, data=data)
    saved = load_checkpoint(folder_of(RunFolder(Path(config.parent.run)).checkpoints, config.parent.step))
    return SecondTry(config, [], saved, keep_moments=True).run(data=data)


@lru_cache(maxsize=2)
def load_once(spec: DataSpec) -> Dataset:
    """Load data once per process."""
    return data_of(spec)


def time_steps(job: Job, seconds: float) -> tuple[str, float]:
    """Return the CPU-seconds of a cell's step, over `seconds` after a first one; 0 if a step fails."""
    try:
        trial = Run(job.config, data=load_once(job.config.data))
        with threadpoolctl.threadpool_limits(1), trial.gan:
            trial.advance()
            began = time.process_time()
            while (passed := time.process_time() - began) < seconds or trial.step == 1:
                trial.advance()
        return job.cell, passed / (trial.step - 1)
    except Exception:  # the cell will report it
        return job.cell, 0.0
