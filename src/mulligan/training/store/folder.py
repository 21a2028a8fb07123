"""Find the files of a run folder, and resume its run."""

from __future__ import annotations

import errno
import math
import os
import sys
import warnings
import weakref
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from mulligan.config.change import differences
from mulligan.config.model import Config, load_config
from mulligan.config.serialization import to_table
from mulligan.data import Dataset
from mulligan.doors.read import check_regular
from mulligan.doors.write import NO_NAME, write_json
from mulligan.errors import BusyError, CheckpointError, ConfigError, DataError, expand, quote, require
from mulligan.output.generator import Generator
from mulligan.training.run import Run
from mulligan.training.store.checkpoint import WORDS, Checkpoint, checkpoints, load_checkpoint, step_of

_LOCK_ERRORS = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # error numbers that mean: another process holds the lock
_locks: weakref.WeakSet[IO[bytes]] = weakref.WeakSet()


def _let_go() -> None:
    for file in list(_locks):
        file.close()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_let_go)


class RunFolder:
    """Use this to find the files of a run folder; docs/guides/train.md has a table of them."""

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.toml"  # with every field
        self.events = path / "events.jsonl"  # a line for each event; interruptions of the run do not change its bytes
        self.times = path / "times.jsonl"  # the time at each report; each session adds lines
        self.checkpoints = path / "checkpoints"  # folder of step-000123/
        self.samples = path / "samples"  # folder of step-000123.png
        self.animation = path / "training.gif"  # of all samples
        self.generator = path / "generator.safetensors"  # the averaged one, which is all that sampling needs
        self.best = path / "best.safetensors"  # the averaged one at the step nearest to the reals, if that was measured
        self.metrics = path / "metrics.json"  # the last evaluation
        self.beside = path / "beside.png"  # the last samples beside pictures that were held back
        self.report = path / "report.html"

    @classmethod
    def of(cls, folder: str | Path) -> RunFolder:
        """Return the paths of a run folder. Raises `ConfigError` when this is none."""
        here = cls(expand(folder))
        if not here.config.is_file():
            raise ConfigError(f"{folder} must be a run folder, but it has no config.toml. Check the path.")
        return here

    def is_free(self) -> bool:
        """Tell whether a run may begin here: the folder is absent, or holds only leftovers of a killed start."""
        if not self.path.is_dir():
            return not self.path.exists()
        return all(path.name == ".lock" or path.match(".*.part") for path in self.path.iterdir())

    def check_free(self) -> None:
        """Raise a ConfigError unless a run may begin here."""
        if not self.is_free():
            again = f"Go on with it (mulligan resume {quote(self.path)}). " if self.config.is_file() else ""
            run = ", which holds a run" if again else ""
            raise ConfigError(
                f"the run folder must be new or empty, got {self.path}{run}. {again}Try another folder (--out)."
            )

    def own(self) -> list[Path]:
        """Return the files and folders of a run; none if this is no run folder."""
        return [place for place in vars(self).values() if place != self.path] if self.config.is_file() else []

    def hold(self) -> IO[bytes]:
        """Lock the folder until the file is closed or the process ends. Forks, which may outlive it, close it."""
        file = check_regular(self.path / ".lock").open("ab")
        _locks.add(file)
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _LOCK_ERRORS:  # a file system without locks, as some clusters have
                return file
            file.close()
            raise BusyError(
                f"another process is writing to {self.path}, or a loop of this program that was left. Wait for it to "
                "end, call close() on its events, or choose another folder."
            ) from error
        return file

    def keep_metrics(self, metrics: dict[str, Any]) -> None:
        """Write ``metrics.json``. A folder that was deleted is not created again."""
        write_json(self.metrics, metrics, folders=False)

    def best_step(self) -> int:
        """Return the step of the best weights; −1 if their file is absent or damaged."""
        try:
            return Generator.load(self.best).spec.step if self.best.is_file() else -1
        except CheckpointError:
            return -1

    def grids(self) -> dict[int, Path]:
        """Return the paths of the sample pictures by step, the first step first."""
        grids = {step_of(path.with_suffix("")): path for path in self.samples.glob("step-*.png") if path.is_file()}
        return {step: grids[step] for step in sorted(grids) if step >= 0}

    def newest(self, until: float = math.inf) -> Checkpoint | None:
        """Load the newest undamaged checkpoint up to a step, if there is any; raise an error if all are damaged."""
        errors: list[CheckpointError] = []
        for path in reversed([path for path in checkpoints(self.checkpoints) if step_of(path) <= until]):
            try:
                checkpoint = load_checkpoint(path)
            except CheckpointError as error:
                errors.append(error)
            else:
                for refusal in errors:
                    warnings.warn(f"{refusal} Going on from {path.name} instead.", stacklevel=2)
                return checkpoint
        if errors:
            raise errors[0]
        return None


def newest_in(path: Path) -> Checkpoint | None:
    """Load a checkpoint from its folder, or the newest one of a run folder. None if the run has none yet."""
    return load_checkpoint(path) if (path / WORDS).is_file() else RunFolder(path).newest()


def restore_run(checkpoint: Checkpoint) -> Run:
    """Build the run of a checkpoint, with the data that the ``config.toml`` of its folder names."""
    config, path = checkpoint.config, RunFolder(checkpoint.path.parent.parent).config
    if _is_gone(config.data.name) and path.is_file():
        config = replace(config, data=replace(config.data, name=load_config(path).data.name))
        _check_there(config, path)
    return checkpoint.run(config)


def own_config(here: RunFolder) -> Config:
    """Return the configuration of a run that Mulligan trains. A watched run is trained by its owner's loop."""
    try:
        config = load_config(here.config)
    except ConfigError as error:
        raise type(error)(f"{error} A run of an earlier version goes on with the Mulligan that wrote it.") from error
    if config.watched:
        raise ConfigError(
            f"{here.path} must hold a run that Mulligan trains, got what mulligan.Watch saw of your own loop. Change "
            f"that loop and start it again; mulligan diagnose {quote(here.path)} says what to change."
        )
    return config


def resume(folder: str | Path, *, steps: int | None = None, data: Dataset | None = None) -> Run:
    """Load a run from its newest undamaged checkpoint, ready for `Recorder.record` or `train`.

    Parameters
    ----------
    folder : str or Path
        A run folder.
    steps : int, optional
        A new length for the run (default: that of ``config.toml``). Schedules are stretched over it.
    data : Dataset, optional
        The samples, for a run on arrays.

    Raises
    ------
    ConfigError
        When this is not a run folder, its configuration was changed, or the run has taken more than `steps` already.
    DataError
        When the data does not exist any more. Write its new path into ``config.toml``, as ``data.name``.
    CheckpointError
        When all checkpoints are damaged or gone, or the data has changed.
    """
    here = RunFolder.of(folder)
    config = own_config(here)
    if steps is not None:
        config = replace(config, steps=steps)
    checkpoint = here.newest()
    if checkpoint is None:
        parent = config.parent
        if here.generator.exists() or config.begins:  # written right after the first
            begin = f"train {quote(here.config)}" if parent is None else f"diagnose {quote(parent.run)} --try"
            raise CheckpointError(
                f"{here.checkpoints} has lost its checkpoints. Restore one, or start again in another folder: "
                f"mulligan {begin}"
            )
        run = Run(config, data=data)
        run.log_position = {}
        return run
    _check_unchanged(here, config, checkpoint)
    rule = f"at least {checkpoint.step}, which the run has taken already"
    require(config.steps >= checkpoint.step, "steps", rule, config.steps, checkpoint.step)
    if data is None:
        _check_there(config, here.config)
    return checkpoint.run(config, data=data)


def take_next(folder: Path, name: str) -> Path:
    """Make folder/name-N, N one above the highest, for a new run; the recorder says why if it cannot be made."""
    name = NO_NAME.sub("-", name)
    while True:
        there = [path.name.lower().rpartition("-") for path in folder.iterdir()] if folder.is_dir() else []
        numbers = (int(number) for word, _, number in there if word == name.lower() and number.isdecimal())
        free = folder / f"{name}-{max(numbers, default=0) + 1}"
        try:
            free.mkdir(parents=True)
        except OSError:
            if free.exists():  # another was faster
                continue
        return free


def _is_gone(name: str) -> bool:
    return os.path.isabs(name) and not os.path.exists(name)


def _check_there(config: Config, path: Path) -> None:
    """Raise an error if the data is no longer where the configuration in `path` says."""
    if _is_gone(config.data.name):
        raise DataError(
            f"the run's data, {config.data.name}, does not exist any more. Put it back, or write its new path into "
            f"{path}: name = …, below [data]."
        )


def _check_unchanged(here: RunFolder, config: Config, checkpoint: Checkpoint) -> None:
    """Raise an error if a configuration differs from the checkpoint's in anything but its steps and data path."""
    data = replace(checkpoint.config.data, name=config.data.name)  # checked by content elsewhere
    changes = differences(to_table(replace(checkpoint.config, steps=config.steps, data=data)), to_table(config))
    if changes:
        raise ConfigError(
            f"{here.config} was changed since {checkpoint.path.name} was saved ({'; '.join(changes)}). A run keeps the "
            "settings that it started with. Undo the change, or start a new run with it."
        )
