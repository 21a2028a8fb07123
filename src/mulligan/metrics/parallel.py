"""Run independent functions in parallel threads."""

from collections import deque
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any

import threadpoolctl

from mulligan.nn.workers.limits import available_cores


def in_parallel(work: Mapping[Any, Callable[[], Any]]) -> dict[Any, Any]:
    """Call independent functions in parallel, one on each core, in their order, with BLAS at one thread.

    The results do not depend on the number of cores. BLAS's own threads would wait for one another by spinning, which
    takes ten times as long when another program uses one core. Ctrl-C, or the first error, is raised at once. The end
    of the process does not wait for running functions, as it would for an executor's.
    """
    waiting = deque(work.items())
    done: SimpleQueue[tuple[Any, Any, BaseException | None]] = SimpleQueue()

    def worker() -> None:
        while waiting:
            try:
                name, piece = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                done.put((name, piece(), None))
            except BaseException as error:  # the caller raises it
                done.put((name, None, error))

    results: dict[Any, Any] = {}
    with threadpoolctl.threadpool_limits(1, "blas"):
        try:
            for _ in range(min(available_cores(), len(work))):
                Thread(target=worker, daemon=True).start()
            while len(results) < len(work):
                name, result, error = done.get()
                if error is not None:
                    raise error
                results[name] = result
        finally:
            waiting.clear()
    return results
