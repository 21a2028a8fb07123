"""The worker process of one side: it reads orders and writes answers as lines of JSON.

    {"do": "build", "side": …, "workload": …, "toy": …, "material": path, "threads": …, "dtype": …}
    {"do": "check", "steps": 5, "out": path}     takes steps from the start; writes the parameters to an .npz file
    {"do": "block", "seconds": …}                warms up and times; answers with milliseconds a step
    {"do": "machine", "threads": …}              describes the machine
    {"do": "memory"}                             the peak resident memory of the process, in bytes

An answer has ``error`` if the order failed. The end of the input ends the process.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.bench.machine import describe
from mulligan.bench.material import Material
from mulligan.bench.side import SIDES, Side
from mulligan.bench.workloads import workload

CHUNK = 0.02
"""Seconds between two readings of the clock, so that an asynchronous library can work ahead of its caller."""


def time_block(side: Side, seconds: float) -> dict[str, Any]:
    """Rewind, warm up for a tenth of the time, then time chunks of steps.

    Returns
    -------
    dict
        ``ms``, the median of the chunks' milliseconds a step; ``low`` and ``high``, their 10 and 90 % quantiles;
        ``steps``.
    """
    side.rewind()
    clock = time.perf_counter
    begin, warm = clock(), 0
    while clock() - begin < max(0.1 * seconds, CHUNK) or warm < 2:
        side.step()
        side.wait()
        warm += 1
    chunk = max(1, round(CHUNK * warm / (clock() - begin)))
    times: list[float] = []
    begin = clock()
    while clock() - begin < seconds or len(times) < 3:
        start = clock()
        for _ in range(chunk):
            side.step()
        side.wait()
        times.append(1000 * (clock() - start) / chunk)
    low, middle, high = (float(q) for q in np.quantile(times, [0.1, 0.5, 0.9]))
    return {"ms": middle, "low": low, "high": high, "steps": len(times) * chunk}


def peak_memory() -> float:
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


def pin(threads: int) -> None:
    """Limit the process to `threads` cores, for libraries that read the number of cores from the system."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])


class Worker:
    """Carries out orders."""

    def __init__(self) -> None:
        self.side: Side | None = None

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order and return the answer."""
        if order["do"] == "build":
            material = Material.load(Path(order["material"]), order["dtype"])
            game = workload(order["workload"], order["toy"])
            self.side = SIDES[order["side"]].build(game, material, order["threads"], order["dtype"])
            return {}
        if order["do"] == "machine":
            return describe(order["threads"])
        if order["do"] == "memory":
            return {"bytes": peak_memory()}
        assert self.side is not None, "build comes first"
        if order["do"] == "check":
            self.side.rewind()
            for _ in range(order["steps"]):
                self.side.step()
            self.side.wait()
            arrays: dict[str, Any] = self.side.parameters()
            np.savez(order["out"], **arrays)
            return {}
        return time_block(self.side, order["seconds"])


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library's output must not mix with the answers
    worker = Worker()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["do"] == "build":
                pin(order["threads"])
            answer = worker.obey(order)
        except Exception as error:
            words = [line.strip() for line in str(error).splitlines() if line.strip()]
            answer = {"error": f"{type(error).__name__}: {words[0] if words else ''}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
