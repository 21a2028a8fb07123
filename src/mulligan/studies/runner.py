"""Run a study or resume it: each cell once, even if workers or the study are killed; all results in one file.

A study's folder: ``study.json`` (the settings, the chosen steps, the machine) · ``results.jsonl`` (a line for each cell
that has ended) · ``cells/`` (a run folder for each) · ``pictures/`` · ``plots/`` · ``table.txt`` · ``report.html``.
"""

import json
import logging
import math
import os
import socket
import warnings
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from mulligan.config.change import differences
from mulligan.config.serialization import Table, to_plain, to_table
from mulligan.doors.write import advice, atomic_write, write_json
from mulligan.errors import CheckpointError, ConfigError, RunError, expanded
from mulligan.studies.backends import backend
from mulligan.studies.cell import ATTEMPTS, FAILED, STOPPED, Job, attempts_file, foresee, run_cell, time_steps
from mulligan.studies.study import Budget, Study, Variation, config_of, slug
from mulligan.training import Config, RunFolder
from mulligan.training.samples import located
from mulligan.training.store.checkpoint import versions

_LOG = logging.getLogger(__name__)

FORMAT, VERSION = "mulligan-study", 1
TIMING = 0.05
"""Share of a CPU-seconds budget that may be spent on choosing a variation's steps."""
SAVES = 10
"""Checkpoints per cell. A kill loses at most a tenth of a cell."""
LEAST = 100
"""Minimum number of steps between two checkpoints."""


@dataclass(frozen=True)
class Progress:
    """What `StudyRun.run` yields when a cell has ended: its line of ``results.jsonl``, and how many have ended."""

    result: dict[str, Any]
    done: int
    total: int


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

    Raises
    ------
    ConfigError
        When the folder holds something else, or holds a study and `resume` is False.
    CheckpointError
        When its files cannot be read.
    """

    def __init__(self, study: Study, folder: str | Path, *, budget: str | None = None, resume: bool = False):
        self.study, self.folder = study, expanded(folder).absolute()
        self.budget: Budget = study.budget(budget)
        self.variations = study.variations()
        self.results: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, int] = {}
        self.machine: dict[str, Any] = {}
        there = self.folder.exists()
        if there and (not self.folder.is_dir() or any(path.name != ".lock" for path in self.folder.iterdir())):
            self._take_up(resume)

    # ── what there is already ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def plan(self) -> Path:
        """The file with the settings and the chosen steps."""
        return self.folder / "study.json"

    @property
    def lines(self) -> Path:
        """The file with the results."""
        return self.folder / "results.jsonl"

    def _take_up(self, resume: bool) -> None:
        if not self.plan.is_file():
            raise ConfigError(f"--out must be new, or the folder of a study, got {self.folder}. Try another --out.")
        if not resume:
            raise ConfigError(
                f"--out must be new or empty, got {self.folder}, which holds a study. Try --resume, or another --out."
            )
        words = _read(self.plan)
        if not isinstance(words, dict) or words.get("format") != FORMAT or words.get("version") != VERSION:
            raise CheckpointError(f"{self.plan} is not a study of this version of Mulligan. Choose another --out.")
        changed = differences(words["asked"], self._asked())
        if changed:
            raise ConfigError(
                f"the study in {self.folder} was started with other settings ({'; '.join(changed[:3])}). Use the same "
                "settings again, from the same folder, or choose another --out."
            )
        self.steps, self.machine = dict(words["steps"]), dict(words["machine"])
        for place in (self.folder, self.picture("").parent):  # partial files of a killed study
            for half in place.glob(".*.part"):
                half.unlink(missing_ok=True)
        if self.lines.is_file():
            for line in self.lines.read_bytes().splitlines():  # in an error's text, str would split more
                result = _loads(line, self.lines)
                self.results[result["cell"]] = result

    def _asked(self) -> Table:
        """Return everything that a result depends on. Titles and columns are not part of it: they may change."""
        variations = {v.name: to_plain(self._config(v)) for v in self.variations}
        budget = to_table(self.budget)
        return {"variations": variations, "budget": budget, "measures": list(self.study.measures)}

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
            report_every=math.gcd(*measured) if measured else max(1, steps // 20),
        )

    def _config(self, variation: Variation) -> Config:
        """Build a variation with an absolute data path, because workers and --resume may run in another folder."""
        return located(config_of(self.study, variation))

    def job(self, name: str) -> Job:
        """Return a cell's job for a worker."""
        variation, seed = self.cells()[name]
        start = str(self.folder / "cells" / _start(seed)) if self.budget.start else ""
        return self._job(name, self.config(variation, seed), start=start)

    def _job(self, name: str, config: Config, start: str = "", until: int = 0) -> Job:
        folder, owner = str(self.folder / "cells" / name), (socket.gethostname(), os.getpid())
        measures, count, measure_at = self.study.measures, self.budget.count, () if until else self.budget.measure_at
        return Job(name, folder, to_table(config), measures, count, measure_at, start, until, owner)

    def _starts(self, pending: list[str]) -> list[Job]:
        """Return the jobs that train the common start of all variations, one for each seed."""
        if not self.budget.start:
            return []
        seeds = sorted({self.cells()[name][1] for name in pending})
        until = self.budget.start
        saves = max(LEAST, math.ceil(until / SAVES))
        configs = {seed: replace(self.config(Variation("start"), seed), save_every=saves) for seed in seeds}
        return [self._job(_start(seed), config, until=until) for seed, config in configs.items()]

    # ── running ───────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, workers: int = 1, *, backend_name: str = "loky", scheduler: str = "") -> Iterator[Progress]:
        """Run every cell that has no result yet, and write each result as it comes.

        Parameters
        ----------
        workers : int
            Number of cells to run at once on this machine. There are never more processes than cells.
        backend_name, scheduler : str
            See `mulligan.studies.backends.backend`.

        Raises
        ------
        ConfigError, DataError, RunError, UnsupportedError
            When the backend, the data or the folder cannot be used. An error in a cell becomes that cell's result.
        BusyError
            When another process runs the study in this folder.
        """
        with self._hold():
            yield from self._run(workers, backend_name, scheduler)

    def _hold(self) -> IO[bytes]:
        """Lock the folder for this process: two studies would each count the other's running cells as failed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return RunFolder(self.folder).hold()
        except OSError as error:
            raise RunError(f"cannot write {self.folder}: {advice(error)}") from error

    def _run(self, workers: int, backend_name: str, scheduler: str) -> Iterator[Progress]:
        self._gather()
        pending = self.pending
        if not pending:
            return
        if not scheduler:  # workers on this machine see the same files; a cluster's may not
            configs = [self._config(self.cells()[name][0]) for name in pending]
            for config in {config.data: config for config in configs}.values():
                foresee(config, self.study.measures)
        for name in [*pending, *map(_start, range(self.budget.seeds))]:
            attempts_file(self.folder / "cells" / name).unlink(missing_ok=True)  # the user may have stopped the study
        with backend(backend_name, min(workers, len(pending)), scheduler) as run, warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module="joblib")  # a worker that was replaced
            self._choose_steps(run)
            self.write_plan()
            starts = {job.cell: job for job in self._starts(pending)}
            failed = {r["cell"]: r for r in self._all(run, list(starts.values())) if r["status"] != "done"}
            jobs = []
            for name in pending:
                lost = failed.get(_start(self.cells()[name][1]))
                if lost is None:
                    jobs.append(self.job(name))
                else:
                    yield self.record({**lost, "cell": name, "status": FAILED, "error": f"its start: {lost['error']}"})
            for result in self._all(run, jobs):
                yield self.record(result)

    def _all(self, run: Any, jobs: list[Job]) -> Iterator[dict[str, Any]]:
        """Yield a result for every job. The jobs of a lost worker are submitted again."""
        waiting = {job.cell: job for job in jobs}
        losses = 0
        while waiting:
            try:
                for result in run(run_cell, list(waiting.values())):
                    if result["status"] != STOPPED:
                        del waiting[result["cell"]]
                        yield result
                if waiting:
                    raise RunError(f"{len(waiting)} cells were stopped.")
            except (ConfigError, RunError):
                raise
            except Exception as error:  # from the backend: `run_cell` never raises
                for job in list(waiting.values()):
                    found = _result_of(Path(job.folder))
                    if found is not None:
                        del waiting[job.cell]
                        yield found
                losses += 1
                if losses > ATTEMPTS * max(1, len(jobs)):
                    raise RunError(f"workers are lost again and again ({error}).") from error
                _LOG.warning("a worker was lost (%s); its cell goes on from its checkpoint", type(error).__name__)

    def _choose_steps(self, run: Any) -> None:
        """Convert a budget in CPU-seconds to a number of steps, once for each variation."""
        seconds = self.budget.cpu_seconds
        if not seconds:
            return
        todo = [v for v in self.variations if v.name not in self.steps]
        if todo:
            _LOG.info("choosing the steps that fill %g CPU-seconds, %d variations", seconds, len(todo))
        jobs = [(self._job(v.name, self.config(v, 0)), seconds * TIMING) for v in todo]
        for name, rate in run(_timed, jobs):
            self.steps[name] = max(1, round(seconds / rate)) if rate else 1
        self.write_plan()

    def _gather(self) -> None:
        """Collect the results of cells that ended after the study was killed."""
        for name in self.pending:
            result = _result_of(self.folder / "cells" / name)
            if result is not None:
                self.record(result)

    def record(self, result: dict[str, Any]) -> Progress:
        """Keep a result: its picture as a file, the rest as a line."""
        name = result["cell"]
        variation, seed = self.cells()[name]
        picture = result.pop("picture", None)
        if picture:
            atomic_write(self.picture(name), b64decode(picture))
        self.results[name] = {
            "cell": name,
            "variation": variation.name,
            **self.study.named(variation),
            "seed": seed,
            "steps": self.config(variation, seed).steps,
            **{key: value for key, value in result.items() if key != "cell"},
        }
        self.results = {cell: self.results[cell] for cell in self.cells() if cell in self.results}
        rows = [json.dumps(each, ensure_ascii=False, allow_nan=False) for each in self.results.values()]
        atomic_write(self.lines, "".join(f"{row}\n" for row in rows).encode())
        return Progress(self.results[name], len(self.results), len(self.cells()))

    def picture(self, cell: str) -> Path:
        """Return the path of a cell's sample grid."""
        return self.folder / "pictures" / f"{cell.replace('/', '-')}.png"

    def write_plan(self) -> None:
        """Write ``study.json``."""
        self.machine = self.machine or {**versions(), "cores": os.cpu_count()}
        words = {
            "format": FORMAT,
            "version": VERSION,
            "title": self.study.title,
            "asked": self._asked(),
            "steps": self.steps,
            "machine": self.machine,
        }
        write_json(self.plan, words)


def _start(seed: int) -> str:
    """Name the cell that trains a seed's common start. `slug` never returns such a name for a variation."""
    return f"_start/seed-{seed}"


def _timed(job: tuple[Job, float]) -> tuple[str, float]:
    """Time a variation. Return 0 if it cannot take a step: its cell will report the error."""
    try:
        return job[0].cell, time_steps(*job)
    except Exception:
        return job[0].cell, 0.0


def _result_of(folder: Path) -> dict[str, Any] | None:
    """Return the result of a cell, or None if it has not ended."""
    path = folder / "result.json"
    return _read(path) if path.is_file() else None


def _read(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}). Check the folder.") from error
    return _loads(text, path)


def _loads(text: str | bytes, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"{path} is truncated or is not JSON ({error}). Delete it to start again.") from error
