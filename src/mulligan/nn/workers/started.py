"""Process workers where a fork is unsafe or missing, as on macOS and Windows: fresh interpreters that receive the game.

Workers are threads until the interpreters are ready, and processes from then on, to the same bytes. The game is
pickled, but arrays from `shared` go by their place in memory that both processes have open. After `settle` the
processes wait, and the next `repeat` sends them the game again. The user's script is not imported a second time; the
workers stay threads if it defines a part of the game, such as a layer.
"""

from __future__ import annotations

import ctypes
import gc
import io
import logging
import math
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import threadpoolctl

from mulligan.errors import RunError
from mulligan.nn.memory import Array
from mulligan.nn.workers.processes import ENDING_SIGNALS, Processes, ProcessTeam, deaf_to

_LOG = logging.getLogger(__name__)
WARM = 1.0
"""Seconds of training before processes are started, because a shorter run would not win their start back."""
_own: dict[str, Any] = {}
"""In a started process: its team, and the blocks of memory that it has open."""


class StartedTeam(ProcessTeam):
    """A `ProcessTeam` whose processes are started, and take over from threads when they are ready."""

    _started: _Started | None = None  # the same as `_team` while they have the game of now
    _due = 0.0  # when they are to be started
    _game: Any = None  # in a started process

    def _ready(self, work: Callable[[int], None]) -> Processes | None:
        self._due = self._due or time.monotonic() + WARM
        if self._team is None and time.monotonic() >= self._due:
            try:
                if self._started is None:
                    self._started = _Started(self, (work, self._answer))
                elif self._started.ready():
                    self._started.load(self, (work, self._answer))
                    super(ProcessTeam, self).close()  # the threads
                    self._team = self._started
            except Exception as error:
                self._end()
                self._due = math.inf
                _LOG.warning("workers are threads, which are slower than processes: %s", error)
        return self._team

    def settle(self) -> None:
        if self._team is not None and self._team.there:
            self._home(self.ask("home"))
        self._team = None

    def _end(self) -> None:
        self._team, self._started = self._started, None
        super()._end()

    def serve(self, worker: int, processes: Processes) -> None:
        """Be one worker, in a started process."""
        self._answer = self._load
        with suppress(OSError):  # the parent has ended
            processes.send("ready")
        self._serve(worker, processes, lambda worker: self._game[0](worker))

    def _load(self, question: str | bytes, worker: int) -> Any:
        """Take the game, or answer a question about it."""
        if isinstance(question, str):
            return self._game[1](question, worker)
        self._game = ForkingPickler.loads(question)
        gc.collect()  # the game before it
        return None


class _Started(Processes):
    """Processes that were started, and the blocks of memory that they have open."""

    def __init__(self, team: StartedTeam, game: Any):
        super().__init__(team.count, "spawn")
        self._blocks: list[Any] = []
        self._exchange = self._pickle(team, [self._failed, self._asked, self._kinds, self._values])
        self._pickle(team, game)  # finds its blocks
        self._silent = list(range(1, team.count))
        with _hide_main():
            self.start(_serve)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: vars(self)[name]
            for name in ("count", "_parent", "_towards", "_from", "_start", "_blocks", "_exchange")
        }

    def ready(self) -> bool:
        """Return whether all processes have started."""
        while self._silent and self._pipes[self._silent[-1] - 1].poll():
            self._check_answer(self._silent.pop())
        return not self._silent

    def load(self, team: StartedTeam, game: Any) -> None:
        """Give the processes the game."""
        known, pickled = len(self._blocks), self._pickle(team, game)
        if len(self._blocks) > known:
            raise RunError("a batch must be as large as the batches before it. Make another GAN for larger ones.")
        self.tell(pickled)
        for worker in range(1, self.count):
            self._check_answer(worker)

    def _check_answer(self, worker: int) -> None:
        if isinstance(answer := self.hear(worker), BaseException):
            raise answer

    def _pickle(self, team: StartedTeam, thing: Any) -> bytes:
        file = io.BytesIO()
        _Pickler(file, team, self._blocks).dump(thing)
        return file.getvalue()


class _Pickler(ForkingPickler):
    """Pickles an array in shared memory by its place, and the team as that of the process which unpickles it."""

    def __init__(self, file: io.BytesIO, team: StartedTeam, blocks: list[Any]):
        super().__init__(file)
        self._team, self._blocks = team, blocks

    def reducer_override(self, thing: Any) -> Any:
        if thing is self._team:
            return _team, ()
        if isinstance(thing, (type, types.FunctionType)) and thing.__module__ == "__main__":
            raise RunError(f"{thing.__name__} must not be defined in the script. Put it into a module that you import.")
        block = thing
        while isinstance(block, np.ndarray):
            block = block.base
        if block is thing or not isinstance(block, ctypes.Array):
            return NotImplemented
        if not any(block is known for known in self._blocks):
            self._blocks.append(block)
        index = [id(known) for known in self._blocks].index(id(block))
        return _array, (index, thing.ctypes.data - ctypes.addressof(block), thing.shape, thing.strides, thing.dtype)


def _team() -> Any:
    return _own["team"]


def _array(index: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.ndarray(shape, dtype, _own["blocks"][index], offset, strides)


@contextmanager
def _hide_main() -> Iterator[None]:
    """Start processes that do not import the user's script."""
    main, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
    try:
        with deaf_to(*ENDING_SIGNALS):
            yield
    finally:
        sys.modules["__main__"] = main


def _serve(worker: int, processes: _Started) -> None:
    threadpoolctl.threadpool_limits(1, "blas")
    team = StartedTeam(processes.count, lambda question, worker: None, lambda answers: None)
    _own.update(team=team, blocks=processes._blocks)
    exchange = ForkingPickler.loads(processes._exchange)
    processes._failed, processes._asked, processes._kinds, processes._values = exchange
    team.serve(worker, processes)
