"""A team whose workers are forked processes with shared memory, so that none waits for another's GIL.

Python threads share the GIL. A step takes it hundreds of times, which costs a third of a small step. A forked process
has a GIL of its own, and starts with the parent's networks, buffers and code. What workers exchange (parameters,
gradients, optimiser states, the batch) must lie in memory from `shared`. Everything else stays as it was at the fork.
So the first `repeat` inside ``with team:`` forks, `settle` ends the processes before anything else changes, and the
next `repeat` forks again, in about 10 ms.

On Linux only: elsewhere a fork is unsafe or missing, and the workers are threads.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from mulligan.errors import RunError
from mulligan.nn.memory import Array, shared
from mulligan.nn.workers.threads import Abandoned, ThreadTeam

if TYPE_CHECKING:
    from multiprocessing.synchronize import Semaphore

_LOG = logging.getLogger(__name__)
SPIN = 1000
"""Polls before a waiting worker sleeps, about 0.5 ms in all. Waking up takes 0.2 ms, as long as drawing a batch."""
PATIENCE = 0.5
"""Seconds of sleep between two checks that the other processes are alive."""
EXCHANGE = 1 << 26
"""Bytes that a worker can show the others at once. Unused pages take no memory."""
ENDING_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, `kill`, a closed terminal. The process that saves the checkpoint handles them."""


def ignore_ending_signals() -> None:
    """Leave Ctrl-C, `kill` and a closed terminal to the parent process."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def can_fork() -> bool:
    """Return whether workers can be processes here."""
    return sys.platform == "linux"


class ProcessTeam(ThreadTeam):
    """A `ThreadTeam` that calls the function of `repeat` in forked processes, inside ``with team:``.

    `run` uses threads, because a process knows only what existed when it was forked. So does `repeat` outside ``with``.
    The repeated function may write to memory from `shared`, and to arrays that no other worker reads. Parameters are
    those of `ThreadTeam`; answers are pickled.
    """

    def __init__(self, count: int, answer: Callable[[str, int], Any], home: Callable[[list[Any]], None]):
        super().__init__(count, answer, home)
        self._process = os.getpid()
        self._team: _Processes | None = None
        self._repeating = False  # in this process: the workers that meet now are processes

    def repeat(self, work: Callable[[int], None]) -> None:
        """Call ``work(worker)`` in every worker; the same function every time, until `settle`."""
        self._check_process()
        if not self._inside or self.count == 1 or not can_fork():
            self.run(work)
            return
        if self._team is None:
            self._fork(work)
        team = self._team
        if team is None:  # the system could not fork
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
        """Return every worker's answer, in the workers' order."""
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
        values = [self._team.shown(other) for other in range(self.count)]
        self._team.meet(worker)
        return values

    def settle(self) -> None:
        if self._team is not None and self._team.there:
            self._home(self.ask("home"))
        self._end()

    def close(self) -> None:
        self.settle()
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

    def _fork(self, work: Callable[[int], None]) -> None:
        super().close()  # a child inherits the locks that threads hold, but not the threads
        try:
            team = self._team = _Processes(self.count)
            for worker in range(1, self.count):
                if team.fork() == 0:
                    self._serve(worker, work)
        except (OSError, MemoryError):  # no more processes, or no memory for their exchange
            self._end()

    def _serve(self, worker: int, work: Callable[[int], None]) -> NoReturn:
        """Work as number `worker` until another worker fails or the parent ends."""
        team = self._team
        assert team is not None
        try:
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


class _Failure(NamedTuple):
    """What a worker sends before the error that ended it."""

    words: str


class _Processes:
    """The processes, and the semaphores, pipes and memory between them."""

    def __init__(self, count: int):
        from multiprocessing import get_context

        context, workers = get_context("fork"), range(count)
        self._context = context
        self.count = count
        self.pids = [os.getpid()]
        self._pipes: list[Any] = []  # the parent's ends to read from each child; a child's own end to write is last
        gates = [[context.Semaphore(0) for _ in workers] for _ in workers]
        self._towards = [[gates[worker][other] for other in workers if other != worker] for worker in workers]
        self._from = [[gates[other][worker] for other in workers if other != worker] for worker in workers]
        self._start = [context.Semaphore(0) for _ in workers]
        self._failed = shared((1,), np.int64)  # number of a worker that failed, or 0
        self._question = shared((16,), np.uint8)
        self._kinds = shared((count, 8), np.int64)  # dtype, number of axes and axes of each worker's value
        self._shown = [shared((EXCHANGE,), np.uint8) for _ in workers]
        self._finalizer = weakref.finalize(self, _kill, self.pids)

    def fork(self) -> int:
        """Fork one child; return 0 in the child, its process number in the parent."""
        ear, mouth = self._context.Pipe(duplex=False)
        with warnings.catch_warnings():
            # Python warns of a fork beside threads, even BLAS's sleeping ones. BLAS stops its threads before a fork,
            # and the child runs only NumPy, on memory that Mulligan allocated
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid:
            mouth.close()
            self.pids.append(pid)
            self._pipes.append(ear)
        else:
            self._finalizer.detach()
            ear.close()
            self._pipes.append(mouth)
        return pid

    @property
    def there(self) -> bool:
        """Whether the children belong to this process and nobody has ended them; the interpreter does so at exit."""
        return self._finalizer.alive and os.getpid() == self.pids[0]

    def tell(self, question: str | None) -> None:
        """Start the children: without a question they work, with one they answer."""
        if question or self._question[0]:
            words = (question or "").encode().ljust(len(self._question), b"\0")
            self._question[:] = np.frombuffer(words, np.uint8)
        for start in self._start[1:]:
            start.release()

    def listen(self, worker: int) -> str | None:
        """Wait for `tell`; return its question."""
        self._wait(self._start[worker], worker)
        return self._question.tobytes().rstrip(b"\0").decode() if self._question[0] else None

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
        if value.nbytes > EXCHANGE:
            raise RunError(
                f"a layer must exchange at most {EXCHANGE} bytes among workers, got {value.nbytes}. "
                "Try a smaller batch, or threads = 1."
            )
        self._kinds[worker, : 2 + value.ndim] = (value.dtype.num, value.ndim, *value.shape)
        self._shown[worker][: value.nbytes] = value.reshape(-1).view(np.uint8)

    def shown(self, worker: int) -> Array:
        """Return a copy of the value that a worker shows."""
        number, ndim, *axes = self._kinds[worker].tolist()
        shape, dtype = axes[:ndim], _DTYPES[number]
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return self._shown[worker][:size].view(dtype).reshape(shape).copy()

    def send(self, thing: Any) -> None:
        """Send something to the parent."""
        self._pipes[-1].send(thing)

    def hear(self, worker: int) -> Any:
        """Return what a child sends."""
        pipe = self._pipes[worker - 1]
        try:
            thing = pipe.recv()
            if isinstance(thing, _Failure):
                try:
                    return pipe.recv()
                except Exception:  # an error that cannot be unpickled
                    return RunError(f"worker {worker} failed with {thing.words}. Try threads = 1.")
            return thing
        except (EOFError, OSError):
            return RunError(
                "a worker process has ended: it was killed, or memory ran out. "
                "Resume from the last checkpoint; threads = 1 needs no worker processes."
            )

    def report(self, worker: int, error: BaseException) -> None:
        """Report an error to the parent, and release the workers that wait for this one."""
        self._failed[0] = worker
        for gate in self._towards[worker]:
            gate.release()
        self.send(_Failure(f"{type(error).__name__}: {error}"))
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
            os.sched_yield()
        while not gate.acquire(True, PATIENCE):
            if not self._alive(worker):
                raise Abandoned

    def _alive(self, worker: int) -> bool:
        """Whether the process to wait for is alive."""
        if worker:
            return os.getppid() == self.pids[0]
        for pid in self.pids[1:]:
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if found and os.WIFSTOPPED(status):  # once
                _LOG.warning("worker process %d is stopped, and steps wait for it. Try: kill -CONT %d", pid, pid)
            elif found:
                return False
        return True


def _kill(pids: list[int]) -> None:
    if os.getpid() != pids[0]:  # a child that the program forked itself; the workers belong to its parent
        return
    for pid in pids[1:]:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
    del pids[1:]


_DTYPES = {dtype.num: dtype for dtype in map(np.dtype, "?" + np.typecodes["AllInteger"] + np.typecodes["AllFloat"])}
