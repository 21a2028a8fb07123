"""A team of threads that run one function on all cores, each on its share of the rows.

Every worker takes its rows through whole passes, with BLAS at one thread. When one needs the others' results, all of
them `meet`, a few times a step. BLAS's own threads would meet at every product, and beside another busy program each
meeting costs a time slice: a step of 3 ms took 260 ms.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import threadpoolctl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from concurrent.futures import Executor

Array: TypeAlias = NDArray[Any]

SWITCH_INTERVAL = 2e-5
"""GIL switch interval in seconds while a team works. Python's default of 5 ms is longer than a whole step: beside a
thread that is busy in Python, as in a notebook or a server, a step takes twice the time."""


@lru_cache(maxsize=1024)  # each step asks for the same few
def shares(n: int, workers: int) -> tuple[slice, ...]:
    """Cut ``range(n)`` into `workers` contiguous slices whose lengths differ by one at most."""
    edges = [n * i // workers for i in range(workers + 1)]
    return tuple(slice(a, b) for a, b in zip(edges, edges[1:]))


class _ProcessSettings:
    """Keeps BLAS at one thread and the switch interval short while any team works: teams leave in any order."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the garbage collector may end another team meanwhile
        self._holders = 0
        self._blas: threadpoolctl.threadpool_limits | None = None
        self._interval = 0.0

    def take(self) -> None:
        """Set both; `leave` must follow."""
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._blas = threadpoolctl.threadpool_limits(1, "blas")
                self._interval = sys.getswitchinterval()
                sys.setswitchinterval(SWITCH_INTERVAL)

    def leave(self) -> None:
        """Restore what was found, unless another team still works."""
        with self._lock:
            self._holders -= 1
            if not self._holders and self._blas is not None:
                self._blas.restore_original_limits()
                sys.setswitchinterval(self._interval)


_settings = _ProcessSettings()


class Worker:
    """One worker of a team: its share of the rows, and what it does together with the others.

    `number` counts from 0, which is the calling thread; `count` is the number of workers in the team.
    """

    def __init__(self, team: ThreadTeam, number: int):
        self._team, self.number, self.count = team, number, team.count

    def share(self, n: int) -> slice:
        """Return which of n rows are this worker's."""
        return shares(n, self.count)[self.number]

    def meet(self) -> None:
        """Wait for all workers. What each wrote before, all may read after."""
        self._team.meet(self.number)

    def gather(self, value: Array) -> list[Array]:
        """Return every worker's value, in their order; they stay valid until the next exchange."""
        return self._team.gather(self.number, value)

    def sum(self, value: Array) -> Array:
        """Add every worker's value, in their order: all get the same bytes."""
        total, *others = self.gather(value)
        for other in others:
            total = total + other
        return total


class Abandoned(Exception):
    """Another worker has failed and will not come to the meeting; its error is the one to report."""


class ThreadTeam:
    """A fixed set of threads that run the same function, each with its own number.

    Worker 0 is the calling thread. Use as a context manager while training: inside, BLAS keeps to one thread, and
    the GIL changes hands quickly. `answer` gives a worker's answer to `ask`: it is called with the question and the
    worker's number. `home` receives all workers' answers to "home" when process workers end.
    """

    def __init__(
        self,
        count: int,
        answer: Callable[[str, int], Any] = lambda question, worker: None,
        home: Callable[[list[Any]], None] = lambda answers: None,
    ):
        self.count = count
        self.workers = [Worker(self, i) for i in range(count)]
        self._answer = answer
        self._home = home
        self._slots: list[Any] = [None] * count
        self._barrier = threading.Barrier(count)
        self._pool: Executor | None = None
        self._inside = 0  # depth of nested contexts: two loops may take one run's events

    def run(self, work: Callable[[int], None]) -> None:
        """Call ``work(worker)`` in every worker at once; when all have stopped, raise the first one's error, if any."""
        if self.count == 1:
            work(0)
            return
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # late: most commands start no threads

            self._pool = ThreadPoolExecutor(self.count - 1, "worker")
        others = [self._pool.submit(self._failure, work, worker) for worker in range(1, self.count)]
        try:
            errors = [self._failure(work, 0), *(other.result() for other in others)]
        except BaseException:  # Ctrl-C: no worker may still be working when the next step begins
            self.close()
            raise
        if failures := [error for error in errors if error is not None]:
            self._barrier.reset()
            raise min(failures, key=lambda error: isinstance(error, Abandoned))

    def _failure(self, work: Callable[[int], None], worker: int) -> BaseException | None:
        """Call ``work(worker)`` and return its error, after which no worker waits for this one."""
        try:
            work(worker)
        except BaseException as error:
            self._barrier.abort()
            return error
        return None

    def repeat(self, work: Callable[[int], None]) -> None:
        """Call ``work(worker)`` in every worker: always the same function, which lets a `ProcessTeam` use processes."""
        self.run(work)

    def ask(self, question: str) -> list[Any]:
        """Return every worker's answer, in the workers' order."""
        return [self._answer(question, worker) for worker in range(self.count)]

    def meet(self, worker: int) -> None:
        """Wait for all workers. What each wrote before, all may read after."""
        if self.count == 1:
            return
        try:
            self._barrier.wait()
        except threading.BrokenBarrierError:
            raise Abandoned from None

    def gather(self, worker: int, value: Array) -> list[Array]:
        """Exchange a value among the workers; every worker must call. The arrays stay valid until the next exchange."""
        if self.count == 1:
            return [value]
        self._slots[worker] = value.copy()  # a worker may overwrite its buffer while another still reads
        self.meet(worker)
        values = list(self._slots)
        self.meet(worker)
        return values

    def settle(self) -> None:
        """End process workers and take over their state; threads have none of their own."""

    def __enter__(self) -> Self:
        _settings.take()
        self._inside += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside -= 1
        _settings.leave()
        self.close()

    def close(self) -> None:
        """End the threads; the next `run` starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()
