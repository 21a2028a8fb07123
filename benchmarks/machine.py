"""Describe the machine on which a benchmark runs, and write what it measured into a page."""

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


def name_machine(machine: dict[str, Any]) -> str:
    """Return what a table says of a machine, in one line."""
    keys = ("date", "processor", "system", "cores", "python", "numpy", "blas")
    return "; ".join(f"{key} {machine[key]}" for key in keys if machine[key])


def write_between_marks(page: Path, name: str, text: str) -> None:
    """Replace what stands between a page's marks, ``<!-- NAME begins -->`` and ``<!-- NAME ends -->``."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} begins -->\n")
    _, end, tail = rest.partition(f"<!-- {name} ends -->")
    assert end, f"{page} has lost its marks"
    page.write_text(f"{head}{begin}{text}\n{end}{tail}", encoding="utf-8")
