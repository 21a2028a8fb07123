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
from pathlib import Path
from typing import IO, Any

from mulligan.config.change import differences
from mulligan.config.serialization import KINDS, Table, to_plain, to_table
from mulligan.data import DATASETS
from mulligan.doors.read import parse_object, read_json, read_text
from mulligan.doors.write import advice, atomic_write, write_json
from mulligan.errors import CheckpointError, ConfigError, RunError, expanded
from mulligan.studies.cell import DIVERGED, DONE, FAILED, Job, check_data, result_of, run_cell, time_steps
from mulligan.studies.measures import MEASURES
from mulligan.studies.study import Budget, Study, Variation, config_of, slug
from mulligan.training import Config, RunFolder
from mulligan.training.samples import locate
from mulligan.training.store.checkpoint import versions

_LOG = logging.getLogger(__name__)

FORMAT, VERSION = "mulligan-study", 2
TIMING = 0.05
"""Share of a CPU-seconds budget that may be spent on choosing a variation's steps."""
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
        self.study, self.folder = study, expanded(folder).absolute()
        self.budget: Budget = study.budget(budget)
        self.variations = study.variations()
        self.results: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, int] = {}
        self.plan, self.lines = self.folder / "study.json", self.folder / "results.jsonl"
        there = self.folder.exists()
        if there and (not self.folder.is_dir() or any(path.name != ".lock" for path in self.folder.iterdir())):
            self._take_up(resume)

    def _take_up(self, resume: bool) -> None:
        if not self.plan.is_file():
            raise ConfigError(f"--out must be new, or the folder of a study, got {self.folder}. Try another --out.")
        if not resume:
            raise ConfigError(
                f"--out must be new or empty, got {self.folder}, which holds a study. Try --resume, or another --out."
            )
        plan = read_json(self.plan)
        if not isinstance(plan, dict) or plan.get("format") != FORMAT or plan.get("version") != VERSION:
            raise CheckpointError(f"{self.plan} is not a study of this version of Mulligan. Choose another --out.")
        changed = differences(plan["asked"], self._asked())
        if changed:
            raise ConfigError(
                f"the study in {self.folder} was started with other settings ({'; '.join(changed[:3])}). Use the same "
                "settings again, from the same folder, or choose another --out."
            )
        self.steps = dict(plan["steps"])
        self._collect()

    def _collect(self) -> None:
        """Read the results of all cells that have ended, in this process or another."""
        lines = read_text(self.lines).splitlines() if self.lines.is_file() else []
        self.results = {result["cell"]: result for result in (parse_object(line, self.lines) for line in lines)}

    def _asked(self) -> Table:
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
        budget, config = self.budget, self._config(variation)
        steps = self.steps.get(variation.name) or (budget.start + budget.steps if budget.steps else config.steps)
        measured = [step for step in budget.measure_at if step]
        return replace(
            config,
            seed=seed,
            steps=steps,
            save_every=max(LEAST, math.ceil((steps - budget.start) / SAVES)),
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
        variation, seed = self.cells()[name]
        start = str(self._cell(_start(seed))) if self.budget.start else ""
        return self._job(name, self.config(variation, seed), start=start, measure_at=self.budget.measure_at)

    def _job(self, name: str, config: Config, **more: Any) -> Job:
        return Job(name, str(self._cell(name)), to_table(config), self.study.measures, self.budget.count, **more)

    def _starts(self, pending: list[str]) -> list[Job]:
        """Return the jobs that train the common start of all variations, one for each seed."""
        until = self.budget.start
        saves = max(LEAST, math.ceil(until / SAVES))
        seeds = sorted({self.cells()[name][1] for name in pending}) if until else []
        configs = {seed: replace(self.config(Variation("start"), seed), save_every=saves) for seed in seeds}
        return [self._job(_start(seed), config, until=until) for seed, config in configs.items()]

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
        ConfigError, DataError, RunError, UnsupportedError
            When the data or the folder cannot be used. An error in a cell becomes that cell's result.
        BusyError
            When another process runs the study in this folder.
        """
        with self._hold():
            self._collect()
            pending = self.pending
            if not pending:
                return
            if workers is not None:  # workers on this machine see the same files; a cluster's may not
                workers = min(workers, len(pending))
                configs = [self._config(self.cells()[name][0]) for name in pending]
                for config in {config.data: config for config in configs}.values():
                    check_data(config, self.study.measures)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", category=UserWarning, module="joblib")  # a worker that was replaced
                yield from self._run(pending, workers)

    def _hold(self) -> IO[bytes]:
        """Lock the folder for this process."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return RunFolder(self.folder).hold()
        except OSError as error:
            raise RunError(f"cannot write {self.folder}: {advice(error)}") from error

    def _run(self, pending: list[str], workers: int | None) -> Iterator[dict[str, Any]]:
        self._choose_steps(workers)
        self.write_plan()
        lost = {r["cell"]: r["error"] for r in _play(self._starts(pending), workers) if r["status"] != DONE}
        jobs = []
        for name in pending:
            start, job = _start(self.cells()[name][1]), self.job(name)
            if start in lost:
                yield self.record(result_of(job, FAILED, f"its start: {lost[start]}"))
            else:
                jobs.append(job)
        for result in _play(jobs, workers):
            yield self.record(result)

    def _choose_steps(self, workers: int | None) -> None:
        """Convert a budget in CPU-seconds to a number of steps, once for each variation."""
        seconds = self.budget.cpu_seconds
        new = [v for v in self.variations if v.name not in self.steps] if seconds else []
        if not new:
            return
        _LOG.info("choosing the steps that fill %g CPU-seconds, %d variations", seconds, len(new))
        trials = [(self._job(v.name, self.config(v, 0)), seconds * TIMING) for v in new]
        for name, rate in distribute(_time, trials, workers):
            self.steps[name] = max(1, round(seconds / rate)) if rate else 1

    def record(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keep a cell's result. A failed cell will be tried again."""
        name = result["cell"]
        variation, seed = self.cells()[name]
        self.results[name] = {
            "cell": name,
            "variation": variation.name,
            **self.study.named(variation),
            "seed": seed,
            "steps": self.config(variation, seed).steps,
            **{key: value for key, value in result.items() if key != "cell"},
        }
        if result["status"] in (DONE, DIVERGED):
            shutil.rmtree(RunFolder(self._cell(name)).checkpoints, ignore_errors=True)
        self.results = {cell: self.results[cell] for cell in self.cells() if cell in self.results}
        rows = [json.dumps(each, ensure_ascii=False, allow_nan=False) for each in self.results.values()]
        atomic_write(self.lines, "".join(f"{row}\n" for row in rows).encode())
        return self.results[name]

    def write_plan(self) -> None:
        """Write ``study.json``."""
        plan = {"format": FORMAT, "version": VERSION, "title": self.study.title, "asked": self._asked()}
        write_json(self.plan, {**plan, "steps": self.steps, "machine": {**versions(), "cores": os.cpu_count()}})


def _start(seed: int) -> str:
    """Name the cell that trains a seed's common start. `slug` never returns such a name for a variation."""
    return f"_start/seed-{seed}"


def _time(job: tuple[Job, float]) -> tuple[str, float]:
    return job[0].cell, time_steps(*job)


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
        finally:
            if workers is not None:
                _end_loky()


def _end_loky() -> None:
    from joblib.externals.loky import get_reusable_executor

    with suppress(Exception):  # idle processes would stay for a while, and a cell of a study that was stopped goes on
        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _registries() -> list[dict[str, Any]]:
    """Return the registries to which a program may have added its own kinds, data and measures."""
    return [*KINDS.values(), DATASETS, MEASURES]


def _with_registries(entries: list[dict[str, Any]], function: Callable[[Any], Any], job: Any) -> Any:
    """Do a job after copying the study's registries, because a worker has only imported Mulligan."""
    for registry, known in zip(_registries(), entries):
        registry.update(known)
    return function(job)


def _play(jobs: list[Job], workers: int | None) -> Iterator[dict[str, Any]]:
    """Yield a result for every job. A worker that is killed costs its own cell only.

    joblib does not say which cell was lost, and it loses all that were under way. These go on one at a time, so
    that the cell that kills its worker again is known.
    """
    waiting = {job.cell: job for job in jobs}
    while waiting:
        try:
            for result in distribute(run_cell, list(waiting.values()), workers):
                del waiting[result["cell"]]
                yield result
        except (ConfigError, RunError):
            raise
        except Exception:  # from joblib: `run_cell` never raises
            for job in [job for job in waiting.values() if Path(job.folder).is_dir()] or list(waiting.values()):
                _LOG.warning("a worker was killed; %s goes on from its checkpoint, alone", job.cell)
                try:
                    (result,) = distribute(run_cell, [job], workers)
                except Exception as again:
                    result = result_of(job, FAILED, f"its worker was killed ({type(again).__name__})")
                del waiting[job.cell]
                yield result
