"""What a run needs of modules that Pyodide lacks: SciPy, file locks. It stands under all their names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOCK_EX, LOCK_NB = 2, 4


def gammainc(a: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function, x^a e^−x Σₙ xⁿ / Γ(a + n + 1)."""
    term = math.exp(a * math.log(x) - x - math.lgamma(a + 1)) if x > 0 else 0.0
    total, n = term, 0
    while term > 1e-17 * total:
        n += 1
        term *= x / (a + n)
        total += term
    return total


def rel_entr(p: NDArray[Any], q: float) -> NDArray[Any]:
    """Return p log(p / q), 0 where p is 0."""
    return p * np.log(np.where(p > 0, p, q) / q)


def flock(file: object, how: int) -> None:
    """Lock a file, which nobody else can open in a browser."""
