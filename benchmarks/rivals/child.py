"""Control a worker process of the benchmark: send orders through a pipe, and read answers."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mulligan.errors import RunError
from mulligan.nn.workers.blas import slowed

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
SLOWING_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables to remove if they slow OpenBLAS on this processor, because the other libraries ignore them."""


def environment(threads: int) -> dict[str, str]:
    """Return a worker's environment, with its number of threads and without variables that slow OpenBLAS."""
    aside = SLOWING_VARIABLES if slowed() else ()
    kept = {name: value for name, value in os.environ.items() if name not in aside}
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads))


class Child:
    """A worker process. Use it as a context manager, which ends it.

    Parameters
    ----------
    threads : int
        Number of threads, which libraries read from the environment when they are imported.
    """

    def __init__(self, threads: int):
        self._words = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 — closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
            env=environment(threads),
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send an order and wait for the answer.

        Raises
        ------
        RunError
            When the worker reports an error or has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._words.seek(0)
            last = self._words.read().strip().splitlines()[-1:] or ["it said nothing"]
            raise RunError(f"the worker ended with code {self._process.wait()}: {last[0]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RunError(answer["error"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is not None:
            self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._words.close()
