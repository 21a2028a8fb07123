"""A team whose workers are forked processes with shared memory: waiting for the GIL costs a third of a small step.

A forked process starts with the parent's networks, buffers and code. What workers exchange (parameters, gradients,
optimiser states, the batch) must lie in memory from `share`; everything else stays as it was at the fork. So the first
`repeat` inside ``with team:`` forks, `settle` ends the processes before anything else changes, and the next `repeat`
forks again, in about 10 ms. Where a fork is unsafe or missing, `started` runs them in fresh interpreters.
"""

from __future__ import annotations

import gc
import os
import signal
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from mulligan.errors import RunError
from mulligan.nn.memory import Array, share
from mulligan.nn.workers.limits import can_fork
from mulligan.nn.workers.threads import Abandoned, ThreadTeam

if TYPE_CHECKING:
    from multiprocessing.synchronize import Semaphore

SPIN = 1000
"""Polls before a waiting worker sleeps, about 0.5 ms in all. Waking up takes 0.2 ms, as long as drawing a batch."""
PATIENCE = 0.5
"""Seconds of sleep between two checks that the other processes are alive."""
EXCHANGE = 1 << 24
"""Bytes that a worker can show the others at once."""
ENDING_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, `kill`, a closed terminal. The process that saves the checkpoint handles them."""


def ignore_ending_signals() -> None:
    """Leave Ctrl-C, `kill` and a closed terminal to the parent process."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def deaf_to(*signals: int) -> Iterator[None]:
    """Block signals. A process that is started meanwhile does not hear them, not even while it imports its modules."""
    mask: Any = getattr(signal, "pthread_sigmask", None)
    if mask is None:  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # if Python started it with the process, it would unblock the signals
    before = mask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)


class ProcessTeam(ThreadTeam):
    """A `ThreadTeam` that calls the function of `repeat` in forked processes, inside ``with team:``.

    `run` uses threads, because a process knows only what existed when it was forked. So does `repeat` outside ``with``.
    The repeated function may write to memory from `share`, and to arrays that no other worker reads. Parameters are
    those of `ThreadTeam`; answers are pickled.
    """

    def __init__(self, count: int, answer: Callable[[str, int], Any], home: Callable[[list[Any]], None]):
        super().__init__(count, answer, home)
        self._process = os.getpid()
        self._team: Processes | None = None
        self._repeating = False  # in this process: the workers that meet now are processes

    def repeat(self, work: Callable[[int], None]) -> None:
        self._check_process()
        team = self._ready(work) if self._inside and self.count > 1 else None
        if team is None:
            self.run(work)
            return
        team.tell(None)
        self._repeating = True
        try:
            work(0)
            team.meet(0)
        except Abandoned:
            error = team.failure()
            self._end()
            raise error from None
        except BaseException:
            self._end()
            raise
        finally:
            self._repeating = False

    def ask(self, question: str) -> list[Any]:
        self._check_process()
        if self._team is None:
            return super().ask(question)
        self._team.tell(question)
        answers = [self._answer(question, 0), *(self._team.hear(worker) for worker in range(1, self.count))]
        for answer in answers:
            if isinstance(answer, BaseException):
                self._end()
                raise answer
        return answers

    def meet(self, worker: int) -> None:
        if self._repeating:
            assert self._team is not None
            self._team.meet(worker)
        else:
            super().meet(worker)

    def gather(self, worker: int, value: Array) -> list[Array]:
        if not self._repeating:
            return super().gather(worker, value)
        assert self._team is not None
        self._team.show(worker, value)
        self._team.meet(worker)
        values = [self._team.value_of(other) for other in range(self.count)]
        self._team.meet(worker)
        return values

    def settle(self) -> None:
        if self._team is not None and self._team.there:
            self._home(self.ask("home"))
        self._end()

    def close(self) -> None:
        self.settle()
        self._end()
        super().close()

    def _check_process(self) -> None:
        """Raise in a child process that the program forked itself: it would change its parent's arrays."""
        if os.getpid() != self._process:
            raise RunError(
                "the run was made by another process and shares its arrays, so training it here would change them "
                "there. Make the run in the process that trains it (mulligan.Run(config)), or set threads = 1."
            )

    def _end(self) -> None:
        team, self._team = self._team, None
        if team is not None:
            team.end()

    def _ready(self, work: Callable[[int], None]) -> Processes | None:
        """Return the processes that call `work`, or None where the system has none for us."""
        if self._team is None:
            self._fork(work)
        return self._team

    def _fork(self, work: Callable[[int], None]) -> None:
        super().close()  # a child inherits the locks that threads hold, but not the threads
        try:
            self._team = Processes(self.count, "fork")
            with warnings.catch_warnings():
                # Python warns of a fork beside threads, even BLAS's sleeping ones. BLAS stops its threads before a
                # fork, and the child runs only NumPy, on memory that Mulligan allocated
                warnings.simplefilter("ignore", DeprecationWarning)
                self._team.start(self._serve, work)
        except (OSError, MemoryError):  # no more processes, or no memory for their exchange
            self._end()

    def _serve(self, worker: int, team: Processes, work: Callable[[int], None]) -> NoReturn:
        """Work as number `worker` until another worker fails or the parent ends."""
        try:
            self._team = team
            ignore_ending_signals()
            np.seterr(all="ignore")
            gc.freeze()
            self._repeating = True
            while True:
                question = team.listen(worker)
                if question is None:
                    work(worker)
                    team.meet(worker)
                else:
                    team.send(self._answer(question, worker))
        except Abandoned:
            pass
        except BaseException as error:
            team.report(worker, error)
        finally:
            os._exit(0)


class Processes:
    """The processes, and the semaphores, pipes and memory between them."""

    def __init__(self, count: int, method: str):
        from multiprocessing import get_context

        context: Any = get_context(method)
        workers, self._context, self.count = range(count), context, count
        self._parent, self._children = os.getpid(), list[Any]()
        self._pipes: list[Any] = []  # the parent's ends of the pipes to each child, or a child's own end
        gates = [[context.Semaphore(0) for _ in workers] for _ in workers]
        self._towards = [[gates[worker][other] for other in workers if other != worker] for worker in workers]
        self._from = [[gates[other][worker] for other in workers if other != worker] for worker in workers]
        self._start = [context.Semaphore(0) for _ in workers]
        self._failed = share((1,), np.int64)  # number of a worker that failed, or 0
        self._asked = share((1,), np.bool_)  # whether a question comes through the pipe; else it is time to work
        self._kinds = share((count, 8), np.int64)  # dtype, number of axes and axes of each worker's value
        self._values = [share((EXCHANGE,), np.uint8) for _ in workers]
        self._finalizer = weakref.finalize(self, _kill, self._parent, self._children)

    def start(self, serve: Callable[..., None], *args: Any) -> None:
        """Start the children, each of which calls ``serve(worker, self, *args)``."""
        from multiprocessing import current_process, process

        current_process().daemon = False  # else it may have no children
        for worker in range(1, self.count):
            ours, theirs = self._context.Pipe()
            self._pipes.append(ours)
            child = self._context.Process(target=_begin, args=(worker, theirs, self, serve, args))
            child.start()
            vars(process)["_children"].discard(child)  # at exit, Python would wait for them
            theirs.close()
            self._children.append(child)

    @property
    def there(self) -> bool:
        """Whether the children belong to this process and nobody has ended them; the interpreter does so at exit."""
        return self._finalizer.alive and os.getpid() == self._parent

    def tell(self, question: str | bytes | None) -> None:
        """Start the children: without a question they work, with one they answer."""
        self._asked[0] = question is not None
        for start, pipe in zip(self._start[1:], self._pipes):
            start.release()
            if question is not None:
                with suppress(OSError):  # it has ended: `hear` says so
                    pipe.send(question)

    def listen(self, worker: int) -> Any:
        """Wait for `tell`; return its question."""
        self._wait(self._start[worker], worker)
        try:
            return self._pipes[-1].recv() if self._asked[0] else None
        except (EOFError, OSError):  # the parent was killed before it sent the question
            raise Abandoned from None

    def meet(self, worker: int) -> None:
        """Wait until every worker has come here."""
        for gate in self._towards[worker]:
            gate.release()
        for gate in self._from[worker]:
            self._wait(gate, worker)
        if self._failed[0]:
            raise Abandoned

    def show(self, worker: int, value: Array) -> None:
        """Copy a value into memory that the other workers can read."""
        value = np.asarray(value, order="C")
        self._kinds[worker, : 2 + value.ndim] = (value.dtype.num, value.ndim, *value.shape)
        self._values[worker][: value.nbytes] = value.reshape(-1).view(np.uint8)

    def value_of(self, worker: int) -> Array:
        """Return a copy of the value that a worker shows."""
        number, ndim, *axes = self._kinds[worker].tolist()
        shape, dtype = axes[:ndim], _DTYPES[number]
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return self._values[worker][:size].view(dtype).reshape(shape).copy()

    def send(self, thing: Any) -> None:
        """Send something to the parent."""
        self._pipes[-1].send(thing)

    def hear(self, worker: int) -> Any:
        """Return what a child sends."""
        try:
            return self._pipes[worker - 1].recv()
        except (EOFError, OSError):
            return RunError(
                "a worker process has ended: it was killed, or memory ran out. "
                "Resume from the last checkpoint; threads = 1 needs no worker processes."
            )

    def report(self, worker: int, error: BaseException) -> None:
        """Report an error to the parent, and release the workers that wait for this one."""
        from multiprocessing.reduction import ForkingPickler

        self._failed[0] = worker
        for gate in self._towards[worker]:
            gate.release()
        try:
            ForkingPickler.loads(ForkingPickler.dumps(error))
        except Exception:  # the parent could not unpickle it, either
            error = RunError(f"worker {worker} failed with {type(error).__name__}: {error}. Try threads = 1.")
        self.send(error)

    def failure(self) -> BaseException:
        """Return the error for which a worker was abandoned."""
        lost: BaseException = self.hear(int(self._failed[0]) or 1)
        return lost

    def end(self) -> None:
        """End the children."""
        self._finalizer()
        for pipe in self._pipes:
            pipe.close()

    def _wait(self, gate: Semaphore, worker: int) -> None:
        for _ in range(SPIN):
            if gate.acquire(False):
                return
            _yield_core()
        while not gate.acquire(True, PATIENCE):
            if not self._alive(worker):
                raise Abandoned

    def _alive(self, worker: int) -> bool:
        """Whether the process to wait for is alive."""
        if worker:
            from multiprocessing import parent_process  # which Windows needs

            return os.getppid() == self._parent and (can_fork() or bool((of := parent_process()) and of.is_alive()))
        return all(child.is_alive() for child in self._children)


_yield_core = getattr(os, "sched_yield", partial(time.sleep, 0))


def _begin(worker: int, pipe: Any, processes: Processes, serve: Callable[..., None], args: tuple[Any, ...]) -> None:
    for end in vars(processes).get("_pipes", ()):  # a fork has the parent's ends, too: then no pipe would ever end
        end.close()
    processes._pipes = [pipe]
    serve(worker, processes, *args)


def _kill(parent: int, children: list[Any]) -> None:
    if os.getpid() == parent:  # else a child, or a fork of the program's own
        for child in children:
            child.kill()
            child.join()


_DTYPES = {dtype.num: dtype for dtype in map(np.dtype, "?" + np.typecodes["AllInteger"] + np.typecodes["AllFloat"])}
