"""What this process may do here: how many cores and how much memory it may use, whether it may fork, and which BLAS.

A container or a batch job sees the whole machine, but Linux's control groups limit it to a part.
"""

import gc
import math
import os
import sys
from pathlib import Path
from typing import Any

import threadpoolctl

from mulligan.errors import TooLargeError

LARGE = 1 << 26
"""Bytes. Free memory is checked only before allocations of this size or more."""
SPARE = 1 << 28
"""Bytes that stay free for other workers and programs."""
GROUPS = Path("/sys/fs/cgroup")
"""Where Linux lists the limits of its control groups."""


def available_cores() -> int:
    """Return how many cores this process may use, by its affinity and by its control groups' quota of CPU time.

    A quota is rounded up. More workers would gain nothing: Linux stops a process that has used up its quota until the
    next tenth of a second, even in the middle of a step.
    """
    try:
        bound = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity call
        bound = os.cpu_count() or 1
    return min([bound, *map(_quota, _groups())])


def blas_libraries() -> list[dict[str, Any]]:
    """Return what threadpoolctl knows about NumPy's BLAS, without SciPy's."""
    blas = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
    return [lib for lib in blas if "numpy" in lib["filepath"]] or blas


def describe_blas() -> str:
    """Return name, version and processor kernels of NumPy's BLAS, as runs and benchmarks note them."""
    return ", ".join(
        f"{lib['internal_api']} {lib['version']} {lib.get('architecture', '')}".strip() for lib in blas_libraries()
    )


def can_fork() -> bool:
    """Return whether workers can be forked here; elsewhere a fork is unsafe or missing."""
    return sys.platform == "linux"


def check_size(what: str, size: int) -> None:
    """Raise before an allocation that does not fit into free memory; Linux would grant it, and then kill us."""
    if size >= LARGE and size > free_memory() - SPARE:
        gc.collect()  # a finished run may still hold its arrays
        free = free_memory()
        if size > free - SPARE:
            raise TooLargeError(
                f"not enough memory ({what} of {size:,} bytes, where {free:,} are free). Try a smaller batch, or fewer "
                "samples."
            )


def rows_at_once(most: int, shape: tuple[int, ...]) -> int:
    """Return the number of rows in one pass of G, fewer than `most` for pictures larger than 32×32."""
    return max(1, min(most, (most << 12) // math.prod(shape)))


def free_memory() -> int:
    """Return how many bytes this process may still use, swap included; ``sys.maxsize`` outside Linux."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        machine = sum(int(fields[name].split()[0]) << 10 for name in ("MemAvailable", "SwapFree"))
    except (OSError, KeyError, ValueError):
        return sys.maxsize
    return min([machine, *map(_count_left, _groups())])


def _groups() -> list[Path]:
    """Return the folders of this process's control group (version 2) and of its parents."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:  # a kernel without control groups
        return []
    own = [GROUPS / line[3:].lstrip("/") for line in lines if line.startswith("0::")]
    return [group for here in own for group in (here, *here.parents)]


def _count_left(group: Path) -> int:
    """Return how many bytes a control group may still take, file cache included; ``sys.maxsize`` without a limit."""
    try:
        limit, taken = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        fields = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return limit - taken + sum(int(fields[name]) for name in ("inactive_file", "active_file"))
    except (OSError, KeyError, ValueError):  # no file, or no limit: "max"
        return sys.maxsize


def _quota(group: Path) -> int:
    """Return how many cores a control group's quota of CPU time amounts to; ``sys.maxsize`` without a quota."""
    try:
        quota, period = map(int, (group / "cpu.max").read_text().split())
    except (OSError, ValueError):  # no file, or no quota: "max"
        return sys.maxsize
    return -(-quota // period)
