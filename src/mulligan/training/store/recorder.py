"""Train a run and keep its events in a run folder, which survives a kill at any moment.

A resumed run writes the same ``events.jsonl`` as an uninterrupted one: each checkpoint holds the length of the log, to
which a resumed run truncates it. So each line is written before the checkpoint that follows it.
"""

import atexit
import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import warnings
import weakref
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import IO, Any

from mulligan.config.model import dumps_toml
from mulligan.data import DATASETS
from mulligan.doors.read import check_regular
from mulligan.doors.write import atomic_write, writing
from mulligan.errors import CheckpointError, DivergedError, RunError, expand, quote
from mulligan.output.pictures import read_png, save_animation, save_png
from mulligan.training.events import Evaluated, Event, Finished, Sampled, Saved, Stepped, Waiting
from mulligan.training.interrupt import BetweenSteps
from mulligan.training.loop import Stop, train
from mulligan.training.run import Evaluator, Observer, Run
from mulligan.training.samples import choose_evenly, sheet_of
from mulligan.training.store.checkpoint import checkpoints, save_checkpoint, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import distance_of, read_run

FRAMES = 200  # the animation has at most this many frames, chosen evenly from all samples
_loops: weakref.WeakSet[Generator[Event, None, None]] = weakref.WeakSet()


def _leave_all() -> None:
    """Close the loops that are still running when the program ends, so that they save their runs."""
    for events in list(_loops):
        with contextlib.suppress(ValueError):  # its thread is in the middle of a step
            events.close()


# Runs must be saved before their workers end, because only workers know the state of their random streams. The first
# finalizer registers the exit handler that ends workers. The last handler runs first, so ours is registered after it.
weakref.finalize(_leave_all, bool)
atexit.register(_leave_all)


class Recorder:
    """Use this instead of `train` to keep a run in a folder, which is created when the run starts."""

    def __init__(self, folder: str | Path):
        self.folder = RunFolder(expand(folder))
        self._lowest = math.inf  # distance to the reals of what best.safetensors holds
        self._log: Log | None = None
        self._lock: IO[bytes] | None = None

    def record(
        self,
        run: Run,
        *,
        evaluators: Sequence[Evaluator] = (),
        observers: Sequence[Observer] = (),
        stop: Callable[[], Stop] = lambda: False,
    ) -> Generator[Event, None, None]:
        """Train as `train` does, and keep every event.

        A run that stops early is saved at its current step: after `stop` or Ctrl-C, when the caller leaves the loop,
        or when the program ends.

        Parameters
        ----------
        run : Run
            A new run for a new or empty folder, or the run that `resume` loaded from this folder.
        evaluators, observers, stop
            As for `train`.

        Raises
        ------
        ConfigError
            When the folder already holds something.
        RunError
            When the folder cannot be written or the disk is full. The last checkpoint is untouched.
        DivergedError
            When a tensor is no longer finite. The message names the last healthy checkpoint.
        CheckpointError
            When the log was changed, or a picture of samples cannot be read.
        """
        events = self._record(run, tuple(evaluators), tuple(observers), stop)
        _loops.add(events)
        return events

    def _record(
        self, run: Run, evaluators: Sequence[Evaluator], observers: Sequence[Observer], stop: Callable[[], Stop]
    ) -> Generator[Event, None, None]:
        name, again = run.config.data.name, f"mulligan resume {quote(self.folder.path)}"
        if name not in DATASETS and not os.path.exists(os.path.expanduser(name)):  # now: it may vanish during the run
            again = f"mulligan.training.resume({str(self.folder.path)!r}, data=…)"
        self._open(run)
        leaving = False
        events = train(
            run,
            evaluators=evaluators,
            observers=observers,
            save=lambda event: self._save(run, event),
            stop=lambda: leaving or stop(),
        )
        try:
            for event in events:
                self._keep(event, run)
                yield event
            self._leave(run)
        except GeneratorExit:
            if self._lock is None or self._lock.closed:  # in a fork
                raise
            leaving = True
            for event in events:  # what is still due at this step
                self._keep(event, run)
            self._leave(run)
            raise
        except BetweenSteps:
            self._leave(run)
            raise BetweenSteps(f"stopped after step {run.step} and saved; go on with: {again}") from None
        except DivergedError as error:
            folders = checkpoints(self.folder.checkpoints)
            last = f"The last healthy checkpoint is {folders[-1]}." if folders else "No checkpoint had been saved."
            raise DivergedError(f"{error} {last}") from error
        finally:
            self._close()

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self, run: Run) -> None:
        path, is_new = self.folder.path, run.log_position is None
        with writing(path):
            if is_new:  # a resumed run has its folder
                self.folder.check_free()
                path.mkdir(parents=True, exist_ok=True)
            self._lock = self.folder.hold()
        try:
            with writing(path):
                self._clean_up(run)
            if is_new and run.config.begins:
                self._save(run)  # so that a second try never needs its parent's folder again
            elif run.log_position:
                run.generator().save(self.folder.generator)  # a kill may have come before this was written
        except BaseException:
            self._close()
            raise

    def _clean_up(self, run: Run) -> None:
        """Bring the folder to the step of the run: a killed process may have left files, and steps to be repeated."""
        text = dumps_toml(run.config).encode()
        if not self.folder.config.is_file() or self.folder.config.read_bytes() != text:
            atomic_write(self.folder.config, text)
        self._log = Log(self.folder.events, run.log_position or {"bytes": 0})
        for checkpoint in checkpoints(self.folder.checkpoints):
            if step_of(checkpoint) > run.step:  # damaged, or the run was sent back
                aside = checkpoint.with_name(f".{checkpoint.name}.refused")
                shutil.rmtree(aside, ignore_errors=True)  # from an earlier resume
                checkpoint.rename(aside)
        for part in [*self.folder.path.glob(".*.part"), *self.folder.path.glob("*/.*.part")]:
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        for step, sample in self.folder.grids().items():
            if step > run.step:
                sample.unlink()
        step, self._lowest = read_run(self.folder.path, strict=False).nearest
        if self.folder.best_step() != step:  # the best weights are from steps that will be repeated
            self.folder.best.unlink(missing_ok=True)
            self._lowest = math.inf

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep(self, event: Event, run: Run) -> None:
        """Write an event and what it brings, except for `Saved`, which `_save` has written, and `Waiting`."""
        if isinstance(event, (Saved, Waiting)):
            return
        self._check_place()
        if isinstance(event, Sampled):
            path = self.folder.samples / f"step-{event.step:06d}.png"
            save_png(path, sheet_of(event.images, run.data), {"step": str(event.step)})
        self._write(event)
        if isinstance(event, Stepped) and event.clock is not None:
            with writing(self.folder.times), check_regular(self.folder.times).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": event.step, **vars(event.clock)}) + "\n")
        if isinstance(event, Evaluated) and (distance := distance_of(event.metrics)) < self._lowest:
            run.generator().save(self.folder.best)
            self._lowest = distance
        if isinstance(event, Finished):
            self._animate()

    def _write(self, event: Event) -> None:
        assert self._log is not None
        with writing(self.folder.events):
            self._log.write(event.line())

    def _save(self, run: Run, saved: Saved | None = None) -> None:
        assert self._log is not None
        self._check_place()
        if saved is not None:
            self._write(saved)
        with writing(self.folder.events):
            self._log.sync()
        save_checkpoint(run, self.folder.checkpoints, self._log.position)
        run.generator().save(self.folder.generator)

    def _check_place(self) -> None:
        """Raise an error in a fork, or if the locked folder has moved: writing would create it again, empty."""
        assert self._lock is not None
        path = self.folder.path
        lock = self._lock.fileno()  # a ValueError in a fork, where it is closed
        try:
            if os.path.samestat(os.fstat(lock), (path / ".lock").stat()):
                return
        except OSError:
            pass
        raise RunError(
            f"{path} was deleted or moved while the run was writing to it, so the run ends here. If it was moved, "
            "resume it there (mulligan resume): it goes on from its last checkpoint."
        )

    def _animate(self) -> None:
        if paths := [*self.folder.grids().values()]:
            save_animation(self.folder.animation, map(read_png, choose_evenly(paths, FRAMES)))

    # ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _leave(self, run: Run) -> None:
        """Save a run that has stopped early, unless it has not taken a step."""
        if run.config.begins < run.step < run.config.steps:
            self._save(run)
            self._animate()

    def _close(self) -> None:
        for file in (self._log, self._lock):
            if file is not None:
                file.close()
        self._log = self._lock = None


class Log:
    """``events.jsonl`` open for writing, cut to the length that a checkpoint noted."""

    def __init__(self, path: Path, position: dict[str, Any]):
        if position["bytes"] and not path.exists():  # moved away, as the error below proposes
            warnings.warn(f"{path} is missing, so the run begins a new log.", stacklevel=2)
            position = {"bytes": 0}
        check_regular(path).touch()
        self._file = path.open("r+b", buffering=0)
        self._length = position["bytes"]
        content = self._file.read(self._length) or b""
        self._hash = hashlib.sha256(content)
        if len(content) < self._length or position.get("sha256", self._hash.hexdigest()) != self._hash.hexdigest():
            self.close()
            raise CheckpointError(
                f"{path} was edited or truncated after it was written. Restore it, or move it away: the run then goes "
                "on with a new log."
            )
        self._file.truncate(self._length)
        self._file.seek(self._length)

    @property
    def position(self) -> dict[str, Any]:
        """Length and digest, for a checkpoint."""
        return {"bytes": self._length, "sha256": self._hash.hexdigest()}

    def write(self, line: str) -> None:
        """Add a line."""
        content = line.encode()
        if self._file.write(content) != len(content):
            raise OSError(errno.ENOSPC, "only part of a line was written")
        self._hash.update(content)
        self._length += len(content)

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
