"""Describe the machine, and measure what no workload changes: the time to import and the size on disk."""

import datetime
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import mulligan
from mulligan.nn.workers.blas import described, slowed
from mulligan.nn.workers.limits import available_cores


def describe(threads: int) -> dict[str, Any]:
    """Return the machine, the versions, the date, and notes on what distorts the numbers."""
    notes = [note] if (note := slowed()) else []
    if available_cores() < threads:
        notes.append(f"{threads} threads on {available_cores()} core(s): the numbers mean little.")
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": available_cores(),
        "threads": threads,
        "python": platform.python_version(),
        "mulligan": mulligan.__version__,
        "numpy": np.__version__,
        "blas": described(),
        "notes": notes,
    }


def load_average() -> float | None:
    """Return the load average of the last minute, or None if the system has none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def footprint(times: int = 5) -> dict[str, Any]:
    """Return ``import_ms``, the median time of `import mulligan` beyond NumPy, and ``install_bytes``."""
    code = "import time, numpy; t = time.perf_counter(); import mulligan; print(1000 * (time.perf_counter() - t))"
    taken = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(times)
    ]
    root = Path(mulligan.__file__).parent
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {"import_ms": statistics.median(taken), "install_bytes": size}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
