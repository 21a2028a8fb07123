"""Run independent functions in parallel threads."""

from collections.abc import Callable, Mapping
from typing import Any

import threadpoolctl

from mulligan.nn.workers.limits import available_cores


def in_parallel(work: Mapping[Any, Callable[[], Any]]) -> dict[Any, Any]:
    """Call independent functions in parallel, one on each core, in their order, with BLAS at one thread.

    The results do not depend on the number of cores. BLAS's own threads would wait for one another by spinning, which
    takes ten times as long when another program uses one core. The first error is raised.
    """
    cores = min(available_cores(), len(work))
    if cores <= 1:  # as in a browser, which has no joblib
        return {name: each() for name, each in work.items()}
    import joblib

    with threadpoolctl.threadpool_limits(1, "blas"):
        threads = joblib.Parallel(cores, backend="threading")
        return dict(zip(work, threads(joblib.delayed(each)() for each in work.values())))
