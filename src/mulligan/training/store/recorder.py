"""Train a run and keep its events in a run folder, which survives a kill at any moment.

A resumed run writes the same ``events.jsonl`` as an uninterrupted one, wherever `events` promises the same events. Each
checkpoint holds the length of the log, and a resumed run truncates the log to that length. So each line is written
before the checkpoint that follows it.
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
from inspect import GEN_SUSPENDED, getgeneratorstate
from pathlib import Path
from typing import IO, Any

import numpy as np

from mulligan.config.toml import dumps_toml
from mulligan.data import DATASETS
from mulligan.errors import BusyError, CheckpointError, ConfigError, DataError, DivergedError, RunError, as_path, typed
from mulligan.output.files import FULL, advice, atomic_write, regular
from mulligan.output.pictures import read_png, save_animation, save_png
from mulligan.training.companions import Evaluator, Observer
from mulligan.training.events import Evaluated, Event, Finished, Sampled, Saved, Stepped, Waiting
from mulligan.training.interrupt import BetweenSteps
from mulligan.training.loop import Stop, check_play, train
from mulligan.training.run import Run
from mulligan.training.samples import sheet
from mulligan.training.store.checkpoint import checkpoints, put_back, save_checkpoint, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.log import best_of, read_events

FRAMES = 200
"""The animation has at most this many frames, chosen evenly from all samples."""
_going: weakref.WeakKeyDictionary[Generator[Event, None, None], Path] = weakref.WeakKeyDictionary()


def _leave_all() -> None:
    """Close the loops that are still running when the program ends, so that they save their runs."""
    for events in list(_going):
        with contextlib.suppress(ValueError):  # its thread is in the middle of a step
            events.close()


# Runs must be saved before their workers end, because only workers know the state of their random streams. The first
# finalizer registers the exit handler that ends workers. The last handler runs first, so ours is registered after it.
weakref.finalize(_leave_all, bool)
atexit.register(_leave_all)


class Recorder:
    """Use this instead of `train` to keep a run in a folder.

    Parameters
    ----------
    folder : str or Path
        Created when the run starts.

    Raises
    ------
    ConfigError
        When `folder` is not a path.
    """

    def __init__(self, folder: str | Path):
        self.folder = RunFolder(as_path("folder", folder, "a folder for the run", "runs/mine"))
        self._hash = hashlib.sha256()
        self._length = 0
        self._lowest = math.inf  # KID of what best.safetensors holds
        self._log: IO[bytes] | None = None
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

        Yields
        ------
        Event

        Raises
        ------
        ConfigError
            When an argument is of the wrong type, or the folder already holds something.
        RunError
            When the folder cannot be written or the disk is full. The last checkpoint is untouched.
        DivergedError
            When a tensor is no longer finite. The message names the last healthy checkpoint.
        CheckpointError
            When the log was changed, or a picture of samples cannot be read.
        DataError
            When a streamed picture cannot be read. The run is saved before that step.
        """
        events = self._record(run, evaluators, observers, stop)
        _going[events] = self.folder.path
        return events

    def _record(
        self, run: Run, evaluators: Sequence[Evaluator], observers: Sequence[Observer], stop: Callable[[], Stop]
    ) -> Generator[Event, None, None]:
        check_play(run, evaluators, observers, stop)
        again = self._again(run)  # found now, because the data may vanish during the run
        self._open(run)
        leaving = False

        def stopping() -> Stop:
            return leaving or stop()

        def save(saved: Saved) -> None:
            self._check_place()
            self._write(saved)
            self._save(run)

        events = train(run, evaluators=evaluators, observers=observers, save=save, stop=stopping)
        event: Event | None = None
        try:
            for event in events:
                if not isinstance(event, Waiting):
                    self._keep(event, run)
                yield event
            self._leave(event, run)
        except GeneratorExit:
            if self._lock is None or self._lock.closed:  # in a fork
                raise
            leaving = True
            for event in events:  # what is still due at this step
                self._keep(event, run)
            self._leave(event, run)
            raise
        except BetweenSteps:
            self._leave(event, run)
            raise BetweenSteps(f"stopped after step {run.step} and saved; go on with: {again}") from None
        except DivergedError as error:
            raise DivergedError(f"{error} {self._last_healthy()}") from error
        except DataError as error:  # a streamed picture could not be read; the steps before it are complete
            if run.step == run.begins:
                raise
            self._leave(event, run)
            here = f"The run is saved at step {run.step}; go on with: {again}"
            raise DataError(f"{error} {here}") from error
        except RunError as error:
            if not _is_of_a_full_disk(error) or not checkpoints(self.folder.checkpoints):
                raise
            raise RunError(f"{error} Then go on with: {again}") from error
        finally:
            self._close()

    def _again(self, run: Run) -> str:
        """Return the command that resumes the run, or the Python call if its samples are in no file."""
        name = run.config.data.name
        if name in DATASETS or os.path.exists(os.path.expanduser(name)):
            return f"mulligan resume {typed(self.folder.path)}"
        return f"mulligan.training.resume({str(self.folder.path)!r}, data=…)"

    def _leave(self, last: Event | None, run: Run) -> None:
        """Save a run that has stopped early, unless it has not taken a step."""
        if run.step > run.begins and not isinstance(last, Finished):
            self._save(run)
            self._animate()

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self, run: Run) -> None:
        path = self.folder.path
        try:
            if run.log_position is None and path.is_dir() and not self.folder.is_free():
                more = f", which holds a run. Go on with it (mulligan resume {typed(path)})" if self._is_run() else ""
                raise ConfigError(f"the run folder must be new or empty, got {path}{more}. Try another folder (--out).")
            if run.log_position is None:  # a resumed run has its folder
                path.mkdir(parents=True, exist_ok=True)
            self._lock = self.folder.hold()
        except BusyError as error:
            if all(path != other or getgeneratorstate(events) != GEN_SUSPENDED for events, other in _going.items()):
                raise
            raise BusyError(
                f"another loop of this program still holds {path}. Call close() on the events that Recorder.record "
                "returned for it, which saves the run; then resume the run."
            ) from error
        except OSError as error:
            raise _cannot(path, error) from error
        try:
            self._set_up(run)
        except BaseException:
            self._close()
            raise

    def _is_run(self) -> bool:
        return self.folder.config.is_file()

    def _set_up(self, run: Run) -> None:
        import safetensors.numpy  # noqa: F401 (for the checkpoints: later, memory may be short)

        text = dumps_toml(run.config).encode()
        try:
            if not self._is_run() or self.folder.config.read_bytes() != text:
                atomic_write(self.folder.config, text)
            self._log = self._cut(run.log_position or {"bytes": 0})
            put_back(self.folder.checkpoints)
            for checkpoint in checkpoints(self.folder.checkpoints):
                if step_of(checkpoint) > run.step:  # damaged, or the run was sent back
                    refused = checkpoint.with_name(f".{checkpoint.name}.refused")
                    shutil.rmtree(refused, ignore_errors=True)  # from an earlier resume
                    checkpoint.rename(refused)
            for part in [*self.folder.path.glob(".*.part"), *self.folder.path.glob("*/.*.part")]:  # of a killed process
                shutil.rmtree(part) if part.is_dir() else part.unlink()
            for step, sample in self.folder.grids().items():
                if step > run.step:
                    sample.unlink()
            self._find_best()
        except OSError as error:
            raise _cannot(self.folder.path, error) from error
        if run.log_position is None and run.begins:
            self._save(run)  # so that a second try never needs its parent's folder again
        elif run.log_position:
            run.generator().save(self.folder.generator)  # a kill may have come before this was written

    def _cut(self, position: dict[str, Any]) -> IO[bytes]:
        """Open the log and truncate it to its length at the checkpoint."""
        path = regular(self.folder.events)
        if position["bytes"] and not path.exists():  # moved away, as the error below proposes
            warnings.warn(f"{path} is missing, so the run begins a new log.", stacklevel=2)
            position = {"bytes": 0}
        length = position["bytes"]
        path.touch()
        log = path.open("r+b", buffering=0)
        kept = log.read(length) or b""
        self._hash = hashlib.sha256(kept)
        if len(kept) < length or position.get("sha256", self._hash.hexdigest()) != self._hash.hexdigest():
            log.close()
            raise CheckpointError(
                f"{path} was edited or truncated after it was written: its first {length} bytes do not match the "
                "checkpoint. Restore it, or move it away: the run then goes on with a new log."
            )
        log.truncate(length)
        log.seek(length)
        self._length = length
        return log

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep(self, event: Event, run: Run) -> None:
        self._check_place()
        if isinstance(event, Sampled):
            self._draw(event, run)
        if not isinstance(event, Saved):  # `save` has written it
            self._write(event)
        if isinstance(event, Stepped) and event.clock is not None:
            self._note_time(event)
        if isinstance(event, Evaluated) and (kid := best_of([(event.step, event.metrics)])[1]) < self._lowest:
            run.generator().save(self.folder.best)
            self._lowest = kid
        if isinstance(event, Finished):
            self._animate()

    def _find_best(self) -> None:
        """Read the lowest KID so far from the log. Best weights from steps that will be repeated are deleted."""
        told = read_events(self.folder.events, strict=False)
        step, self._lowest = best_of((e["step"], e["metrics"]) for e in told if e["event"] == Evaluated.name)
        if self.folder.best_step() != step:
            self.folder.best.unlink(missing_ok=True)
            self._lowest = math.inf

    def _check_place(self) -> None:
        """Raise an error in a fork, or if the locked folder has moved: writing would create it again, empty."""
        assert self._lock is not None
        if self._lock.closed:
            raise RunError(
                f"a fork must not write to {self.folder.path}; only the process that opened it may. End it: os._exit."
            )
        path = self.folder.path
        try:
            if os.path.samestat(os.fstat(self._lock.fileno()), (path / ".lock").stat()):
                return
        except OSError:
            pass
        raise RunError(
            f"{path} was deleted or moved while the run was writing to it, so the run ends here. If it was moved, "
            "resume it there (mulligan resume): it goes on from its last checkpoint."
        )

    def _write(self, event: Event) -> None:
        assert self._log is not None
        line = event.line().encode()
        try:
            written = self._log.write(line)
        except OSError as error:
            raise _cannot(self.folder.events, error) from error
        if written != len(line):
            full = OSError(errno.ENOSPC, "only part of a line was written")
            raise _cannot(self.folder.events, full) from full
        self._hash.update(line)
        self._length += len(line)

    def _note_time(self, event: Stepped) -> None:
        clock = event.clock
        assert clock is not None
        words = {"step": event.step, "wall": clock.wall, "cpu": clock.cpu, "steps_per_second": clock.steps_per_second}
        try:
            with regular(self.folder.times).open("a", encoding="utf-8") as file:
                file.write(json.dumps(words) + "\n")
        except OSError as error:
            raise _cannot(self.folder.times, error) from error

    def _save(self, run: Run) -> None:
        assert self._log is not None
        self._check_place()
        try:
            os.fsync(self._log.fileno())
        except OSError as error:
            raise _cannot(self.folder.events, error) from error
        log = {"bytes": self._length, "sha256": self._hash.hexdigest()}
        save_checkpoint(run, self.folder.checkpoints, log)
        run.generator().save(self.folder.generator)

    def _draw(self, event: Sampled, run: Run) -> None:
        path = self.folder.samples / f"step-{event.step:06d}.png"
        save_png(path, sheet(event.images, run.data), {"step": str(event.step)})

    def _animate(self) -> None:
        paths = [*self.folder.grids().values()]
        if paths:
            chosen = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), FRAMES)).round().astype(int))
            save_animation(self.folder.animation, (read_png(paths[i]) for i in chosen))

    # ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _close(self) -> None:
        for file in (self._log, self._lock):
            if file is not None:
                file.close()
        self._log = self._lock = None

    def _last_healthy(self) -> str:
        found = checkpoints(self.folder.checkpoints)
        if not found:
            return "No checkpoint had been saved."
        return f"The last healthy checkpoint is {found[-1]}."


def _is_of_a_full_disk(error: RunError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL


def _cannot(path: Path, error: OSError) -> RunError:
    return RunError(f"cannot write {path}: {advice(error)} What was saved before is untouched.")
