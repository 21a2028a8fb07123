"""Run a study or resume it: each cell is a run folder, and a cell that has a result is skipped.

A study's folder: ``study.json`` (the settings, the chosen steps, the machine) · ``results.jsonl`` (a line for each cell
that has ended) · ``cells/`` (a run folder for each) · ``table.txt`` · ``plot.svg``.
"""

import json
import logging
import math
import multiprocessing
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mulligan.config.change import differences
from mulligan.config.serialization import KINDS, Table, to_plain, to_table
from mulligan.data import DATASETS
from mulligan.doors.read import LARGEST, parse_object, read_json, read_text
from mulligan.doors.write import atomic_write, write_json, writing
from mulligan.errors import CheckpointError, ConfigError, RunError, expand
from mulligan.studies.cell import FAILED, Job, is_orphan, load_once, run_cell, time_steps
from mulligan.studies.measures import MEASURES, mixture_of
from mulligan.studies.study import Budget, Study, Variation, config_of, slug
from mulligan.training import Config, RunFolder
from mulligan.training.samples import locate
from mulligan.training.store.checkpoint import versions

_LOG = logging.getLogger(__name__)

FORMAT, VERSION = "mulligan-study", 3
TIMING = 0.05  # share of a CPU-seconds budget that is spent on choosing a variation's steps
SAVES, LEAST = 10, 100
"""Checkpoints per cell, and the minimum number of steps between two. A kill loses at most a tenth of a cell."""


class StudyRun:
    """Use this to run a study in a folder, or to resume it there.

    Parameters
    ----------
    study : Study
    folder : str or Path
        A new or empty folder; or, with `resume`, the folder of the same study and budget.
    budget : str, optional
        Name of a budget (default: the study's first).
    resume : bool
        Continue the study that the folder holds.

    Attributes
    ----------
    results : dict
        Lines of ``results.jsonl`` by cell.
    plan, lines : Path
        The files ``study.json`` and ``results.jsonl``.

    Raises
    ------
    ConfigError
        When the folder holds something else, or holds a study and `resume` is False.
    CheckpointError
        When its plan is of another version.
    DataError
        When its files cannot be read.
    """

    def __init__(self, study: Study, folder: str | Path, *, budget: str | None = None, resume: bool = False):
        self.study, self.folder = study, expand(folder).absolute()
        self.budget: Budget = study.budget(budget)
        self.variations = study.variations()
        self.results: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, int] = {}
        self.plan, self.lines = self.folder / "study.json", self.folder / "results.jsonl"
        if resume and self.plan.is_file():
            self._take_up()
        elif self.folder.is_file() or any(path.name != ".lock" for path in self.folder.glob("*")):
            raise ConfigError(
                f"--out must be new, or with --resume the folder of a study, got {self.folder}. Try another --out."
            )

    def _take_up(self) -> None:
        plan = read_json(self.plan)
        if (plan.get("format"), plan.get("version")) != (FORMAT, VERSION):
            raise CheckpointError(f"{self.plan} is not a study of this version of Mulligan. Choose another --out.")
        changed = differences(plan["asked"], self._describe())
        if changed:
            raise ConfigError(
                f"the study in {self.folder} was started with other settings ({'; '.join(changed[:3])}). Use the same "
                "settings again, from the same folder, or choose another --out."
            )
        self.steps = dict(plan["steps"])
        self._collect()

    def _collect(self) -> None:
        """Read the results of all cells that have ended, in this process or another."""
        lines = read_text(self.lines, LARGEST).split("\n") if self.lines.is_file() else []
        results = [parse_object(line, self.lines) for line in lines if line]
        self.results = {result["cell"]: result for result in results}

    def _describe(self) -> Table:
        """Return everything that a result depends on. Titles and columns are not part of it: they may change."""
        variations = {v.name: to_plain(self._config(v)) for v in self.variations}
        return {"variations": variations, "budget": to_table(self.budget), "measures": list(self.study.measures)}

    # ── the cells ─────────────────────────────────────────────────────────────────────────────────────────────────

    def cells(self) -> dict[str, tuple[Variation, int]]:
        """Return variation and seed of each cell by its name: all variations of one seed, then of the next."""
        return {
            f"{slug(variation.name)}/seed-{seed}": (variation, seed)
            for seed in range(self.budget.seeds)
            for variation in self.variations
        }

    @property
    def pending(self) -> list[str]:
        """Cells without a result. A cell that failed because of the machine is tried again."""
        return [name for name in self.cells() if self.results.get(name, {"status": FAILED})["status"] == FAILED]

    def config(self, variation: Variation, seed: int) -> Config:
        """Return the whole configuration of a cell."""
        config = self._config(variation)
        steps = self.steps.get(variation.name) or self.budget.steps or config.steps
        measured = [step for step in self.budget.measure_at if step]
        return replace(
            config,
            seed=seed,
            steps=steps,
            save_every=max(LEAST, math.ceil(steps / SAVES)),
            sample_every=steps,
            report_every=math.gcd(*measured) if measured else max(1, steps // 20),
        )

    def _config(self, variation: Variation) -> Config:
        """Build a variation with an absolute data path, because workers and --resume may run in another folder."""
        return locate(config_of(self.study, variation))

    def _cell(self, name: str) -> Path:
        return self.folder / "cells" / name

    def job(self, name: str) -> Job:
        """Return a cell's job for a worker."""
        config = self.config(*self.cells()[name])
        return Job(name, str(self._cell(name)), config, self.study.measures, self.budget.count, self.budget.measure_at)

    # ── running ───────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, workers: int | None = 1) -> Iterator[dict[str, Any]]:
        """Run every cell that has no result yet, and yield each line of ``results.jsonl`` as it comes.

        Parameters
        ----------
        workers : int, optional
            Number of cells to run at once on this machine. There are never more processes than cells. None runs them
            where `joblib.parallel_config` says, for instance on a cluster.

        Raises
        ------
        ConfigError, DataError, UnsupportedError
            When the data cannot be used. An error in a cell becomes that cell's result.
        RunError
            When the folder cannot be written, or a worker was killed. Resume the study.
        BusyError
            When another process runs the study in this folder.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = RunFolder(self.folder).hold()
        with lock:
            self._collect()
            pending = self.pending
            if not pending:
                return
            if workers is not None:  # workers on this machine see the same files; a cluster's may not
                workers = min(workers, len(pending))
                for spec in {self._config(self.cells()[name][0]).data for name in pending}:
                    if load_once(spec).is_points and "quality" in self.study.measures:
                        mixture_of(load_once(spec))
            self._choose_steps(workers)
            self.write_plan()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", category=UserWarning, module="joblib")  # a worker that was replaced
                for result in distribute(run_cell, [self.job(name) for name in pending], workers):
                    yield self.record(result)

    def _choose_steps(self, workers: int | None) -> None:
        """Convert a budget in CPU-seconds to a number of steps, once for each variation."""
        seconds = self.budget.cpu_seconds
        new = [name for name, (v, seed) in self.cells().items() if seed == 0 and v.name not in self.steps]
        if not seconds or not new:
            return
        _LOG.info("choosing the steps that fill %g CPU-seconds, %d variations", seconds, len(new))
        timing = partial(time_steps, seconds=seconds * TIMING)
        for name, rate in distribute(timing, [self.job(name) for name in new], workers):
            self.steps[self.cells()[name][0].name] = max(1, round(seconds / rate)) if rate else 1

    def record(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keep a cell's result. A failed cell will be tried again."""
        name = result["cell"]
        variation, seed = self.cells()[name]
        self.results[name] = {
            "variation": variation.name,
            "seed": seed,
            "steps": self.config(variation, seed).steps,
            **result,
        }
        if result["status"] != FAILED:
            shutil.rmtree(RunFolder(self._cell(name)).checkpoints, ignore_errors=True)
        self.results = {cell: self.results[cell] for cell in self.cells() if cell in self.results}
        rows = [json.dumps(each, ensure_ascii=False, allow_nan=False) for each in self.results.values()]
        atomic_write(self.lines, "".join(f"{row}\n" for row in rows).encode())
        return self.results[name]

    def write_plan(self) -> None:
        """Write ``study.json``."""
        plan = {"format": FORMAT, "version": VERSION, "title": self.study.title, "asked": self._describe()}
        write_json(self.plan, {**plan, "steps": self.steps, "machine": {**versions(), "cores": os.cpu_count()}})


def distribute(function: Callable[[Any], Any], jobs: list[Any], workers: int | None) -> Iterator[Any]:
    """Yield the results of jobs, in any order, from processes of this machine or as `joblib.parallel_config` says."""
    import joblib

    here: dict[str, Any] = {"n_jobs": workers, "inner_max_num_threads": 1, "idle_worker_timeout": 20}
    try:
        multiprocessing.Semaphore()
    except (ImportError, OSError):  # no writable /dev/shm: joblib would take threads, which it cannot limit
        here = {"backend": "sequential"}
    calls = [joblib.delayed(_with_registries)(_registries(), function, job) for job in jobs]
    with nullcontext() if workers is None else joblib.parallel_config(**{"backend": "loky"} | here):
        try:
            parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        except ValueError:  # Ray's backend returns only whole lists
            parallel = joblib.Parallel(batch_size=1)
        try:
            yield from parallel(calls)
        except Exception as error:  # from joblib: jobs never raise
            raise RunError(f"a worker was lost ({type(error).__name__}): {str(error).partition('.')[0]}.") from error
        finally:
            if workers is not None:
                with suppress(Exception):  # idle processes would stay, and a cell of a study that was stopped goes on
                    joblib.externals.loky.get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _registries() -> list[dict[str, Any]]:
    """Return the registries to which a program may have added its own kinds, data and measures."""
    return [*KINDS.values(), DATASETS, MEASURES]


def _with_registries(entries: list[dict[str, Any]], function: Callable[[Any], Any], job: Any) -> Any:
    """Do a job after copying the study's registries, because a worker has only imported Mulligan."""
    for registry, known in zip(_registries(), entries):
        registry.update(known)
    result = function(job)
    if is_orphan():  # nobody reads the result, and loky would wait almost a minute
        os._exit(1)
    return result
