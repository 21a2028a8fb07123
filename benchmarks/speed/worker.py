"""The process of one side: it builds the side, takes steps and times them, as the race asks.

Each side has a process of its own, so that no library sees another's threads, memory or environment.
"""

import math
import multiprocessing
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from material import Material
from numpy.typing import DTypeLike
from sides import Rival, Side, build
from timing import Block, time_block
from workloads import workload

from mulligan.errors import RunError
from mulligan.nn.memory import Array

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
SLOWING_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables to remove, because they may slow OpenBLAS, and the other libraries ignore them."""


class Worker:
    """Build a side in this process, and run it."""

    side: Side

    def build(self, side: str, name: str, toy: bool, material: Path, threads: int, dtype: DTypeLike) -> None:
        """Build a side of a workload, on the cores that it may use: some libraries ask the system for their number."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self.side = build(side, workload(name, toy), Material.load(material, dtype), threads, dtype)

    def parameters_after(self, steps: int) -> dict[str, Array]:
        """Return the parameters after the first steps; none for a floor."""
        self.side.rewind()
        for _ in range(steps):
            self.side.step()
        self.side.wait()
        return self.side.parameters() if isinstance(self.side, Rival) else {}

    def time(self, seconds: float, cpu: bool) -> Block:
        """Time a block of steps."""
        return time_block(self.side, seconds, time.process_time if cpu else time.perf_counter)

    def peak_memory(self) -> float:
        """Return the peak resident memory of this process in bytes; NaN on Windows, where Python cannot read it."""
        try:
            for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        try:
            import resource
        except ImportError:
            return math.nan
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def serve(pipe: Any) -> None:
    """Carry out orders, (method of `Worker`, arguments), until the pipe closes."""
    os.dup2(2, 1)  # a library's output must not mix with the benchmark's
    worker = Worker()
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((getattr(worker, name)(*arguments), ""))
        except Exception as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            pipe.send((None, f"{type(error).__name__}: {lines[0] if lines else ''}"))


class Child:
    """A worker process. Use it as a context manager, which ends it.

    `threads` is the number of threads, which libraries read from the environment when they are imported.
    """

    def __init__(self, threads: int):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,))
        before = dict(os.environ)
        for name in SLOWING_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        try:
            self._process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        theirs.close()

    def ask(self, order: str, *arguments: Any) -> Any:
        """Call a method of `Worker`. Raises `RunError` when it fails or the process has ended."""
        try:
            self._pipe.send((order, arguments))
            answer, error = self._pipe.recv()
        except (EOFError, OSError) as lost:
            self._process.join()
            raise RunError(f"the worker ended with code {self._process.exitcode}") from lost
        if error:
            raise RunError(error)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._pipe.close()
        self._process.join()
