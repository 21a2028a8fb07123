"""Which BLAS NumPy uses, and whether the environment makes it slow."""

import os
from pathlib import Path
from typing import Any

import threadpoolctl

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux lists the processor's instruction sets."""
_OLD = ("Katmai", "Prescott", "Core2", "Nehalem", "Sandybridge")
_UNUSED = dict.fromkeys(_OLD, ("avx2", "AVX2")) | dict.fromkeys(("Haswell", "Zen"), ("avx512vl", "AVX-512"))
"""For each set of OpenBLAS kernels, the instructions that newer kernels use: the flag in cpuinfo, and its name."""


def libraries() -> list[dict[str, Any]]:
    """Return what threadpoolctl knows about NumPy's BLAS, without SciPy's."""
    blas = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
    return [lib for lib in blas if "numpy" in lib["filepath"]] or blas


def describe_blas() -> str:
    """Return name, version and processor kernels of NumPy's BLAS, as runs and benchmarks note them."""
    return ", ".join(
        f"{lib['internal_api']} {lib['version']} {lib.get('architecture', '')}".strip() for lib in libraries()
    )


def explain_slowdown() -> str:
    """Return a sentence if OPENBLAS_CORETYPE slows this processor down, else an empty text.

    Some machines set the variable for every program. We ask the library which kernels it uses: OpenBLAS ignores names
    that it does not know, and the variable may have changed since NumPy was loaded.
    """
    forced = os.environ.get("OPENBLAS_CORETYPE")
    if not forced:
        return ""
    for lib in libraries():
        flag, name = _UNUSED.get(lib.get("architecture", ""), ("", ""))
        if flag and flag in _flags():
            return (
                f"OPENBLAS_CORETYPE={forced} is set: OpenBLAS does not use this processor's {name}, and runs slower. "
                "Unset it before you start Mulligan."
            )
    return ""


def _flags() -> set[str]:
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return set()
    return {word for line in text.splitlines() if line.startswith("flags") for word in line.split()}
