"""Describe the machine on which a benchmark runs."""

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

import mulligan
from mulligan.nn.workers.limits import available_cores, describe_blas

BUSY = 0.5
"""Load average above which another process probably needs the same cores."""


def describe(threads: int) -> dict[str, Any]:
    """Return the machine, the versions, the date, and notes on what distorts the numbers."""
    forced = os.environ.get("OPENBLAS_CORETYPE")
    notes = [f"OPENBLAS_CORETYPE={forced} is set."] if forced else []
    if available_cores() < threads:
        notes.append(f"{threads} threads on {available_cores()} core(s): the numbers mean little.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > BUSY:
        notes.append(f"the load average is {load:.2f}: other processes want the cores too.")
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": available_cores(),
        "threads": threads,
        "python": platform.python_version(),
        "mulligan": mulligan.__version__,
        "numpy": np.__version__,
        "blas": describe_blas(),
        "notes": notes,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
