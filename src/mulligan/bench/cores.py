"""How far apart two cores are: what it costs to write what another core has read.

A step on two cores hands every parameter and every gradient from one to the other. Where both share a cache, writing a
line that the other core has read takes little longer than any line; where they do not, several times as long. A rented
machine may have either, and change from one to the other while it runs.
"""

from __future__ import annotations

import time

import numpy as np

from mulligan.nn.blocks import LINE, blocks
from mulligan.nn.memory import shared
from mulligan.nn.workers.limits import available_cores
from mulligan.nn.workers.processes import ProcessTeam, can_fork

LINES = 1 << 15
"""2 MiB, half of what the two networks of the MLP weigh."""
TIMES = 9


def handover() -> float | None:
    """Return the nanoseconds in which a core writes a cache line that another has read; None without two cores."""
    if available_cores() < 2 or not can_fork():
        return None
    array = shared((LINES * LINE,), np.float32)
    took = shared((TIMES,), np.float64)

    def work(worker: int) -> None:
        for i in range(TIMES):
            if worker == 1:
                array.sum()
            team.meet(worker)
            if worker == 0:
                start = time.perf_counter()
                for part in blocks(slice(0, array.size)):
                    array[part] += 1
                took[i] = time.perf_counter() - start
            team.meet(worker)

    with ProcessTeam(2, lambda question, worker: None, lambda answers: None) as team:
        team.repeat(work)
    return float(1e9 * np.median(took) / LINES)
