"""The worker process of one side: it reads orders and writes answers as lines of JSON.

    {"do": "build", "side": …, "workload": …, "toy": …, "material": path, "threads": …, "dtype": …}
    {"do": "check", "steps": 5, "out": path}     takes steps from the start; writes the parameters to an .npz file
    {"do": "block", "seconds": …, "cpu": …}      warms up and times; answers with milliseconds a step
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
from material import Material
from sides import Rival, built

from mulligan.bench.machine import describe
from mulligan.bench.ours import Side
from mulligan.bench.timing import time_block
from mulligan.bench.workloads import workload


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
            self.side = built(order["side"], game, material, order["threads"], order["dtype"])
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
            arrays: dict[str, Any] = self.side.parameters() if isinstance(self.side, Rival) else {}
            np.savez(order["out"], **arrays)
            return {}
        return time_block(self.side, order["seconds"], time.process_time if order["cpu"] else time.perf_counter)


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
