"""Which BLAS multiplies here, and whether it was told to be slow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import threadpoolctl

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux tells what the processor can do; nowhere else is it asked."""
_OLD = ("Katmai", "Prescott", "Core2", "Nehalem", "Sandybridge")
_UNUSED = dict.fromkeys(_OLD, ("avx2", "AVX2")) | dict.fromkeys(("Haswell", "Zen"), ("avx512vl", "AVX-512"))
"""By the kernels of OpenBLAS: what newer ones would use, as the system's flag and as people write it."""


def libraries() -> list[dict[str, Any]]:
    """Return what threadpoolctl knows of the BLAS of NumPy, once that is imported; SciPy may have brought another."""
    found = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
    return [lib for lib in found if "numpy" in lib["filepath"]] or found


def slowed() -> str:
    """Say that OPENBLAS_CORETYPE keeps OpenBLAS from what this processor can do; nothing where it does not.

    Some machines set it for every program, to get the same bytes everywhere. What runs is asked, and not what is
    wished for: OpenBLAS ignores a name that it does not know, and the variable may have changed since NumPy was loaded.
    """
    forced = os.environ.get("OPENBLAS_CORETYPE")
    if not forced:
        return ""
    for lib in libraries():
        flag, name = _UNUSED.get(lib.get("architecture", ""), ("", ""))
        if flag and flag in _flags():
            return (
                f"OPENBLAS_CORETYPE={forced} is set: OpenBLAS leaves this processor's {name} unused, and is slower. "
                "Unset it before the start for the machine's own speed."
            )
    return ""


def _flags() -> set[str]:
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return set()
    return {word for line in text.splitlines() if line.startswith("flags") for word in line.split()}
