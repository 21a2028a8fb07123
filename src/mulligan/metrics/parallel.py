"""Independent pieces of work, side by side."""

from collections import deque
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any

import threadpoolctl

from mulligan.nn.workers.limits import available_cores


def in_parallel(work: Mapping[Any, Callable[[], Any]]) -> dict[Any, Any]:
    """Do independent pieces of work, as many at a time as there are cores, with BLAS at one thread.

    The figures do not depend on the number of cores, and a busy machine does not stop it: BLAS's own threads wait for
    one another by spinning, which takes ten times as long when one core is wanted elsewhere.

    Parameters
    ----------
    work : mapping of name to callable
        Begun in this order: with the longest first, no core is idle at the end.

    Returns
    -------
    dict
        What each returned, by its name.

    Notes
    -----
    Ctrl-C, or the first error, is raised at once. Pieces that are at work are not waited for, not even by the end of
    the process, which does wait for an executor's.
    """
    waiting = deque(work.items())
    done: SimpleQueue[tuple[Any, Any, BaseException | None]] = SimpleQueue()

    def worker() -> None:
        while waiting:
            try:
                name, piece = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                done.put((name, piece(), None))
            except BaseException as error:  # raised where it is waited for
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
