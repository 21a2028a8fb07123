"""Overflow that is no error: e⁻ˣ of a saturated σ is ∞, and 1/(1 + ∞) is the 0 that it should be.

``np.errstate`` around every such call takes some 2 µs of a step of 650, and the smallest networks make four a step.
So a step enters `quiet` once, and what overflows rightly asks `exp`, which is silent inside it and outside.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.nn.memory import Array

P = ParamSpec("P")
R = TypeVar("R")

_inside: ContextVar[bool] = ContextVar("quiet", default=False)


def quiet(work: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function in which NumPy shall be silent about overflow, and about invalid operations.

    OpenBLAS's kernels for vectors raise "invalid" over numbers that they do not use.
    """

    @wraps(work)
    @np.errstate(over="ignore", invalid="ignore")
    def quietly(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _inside.set(True)
        try:
            return work(*args, **kwargs)
        finally:
            _inside.reset(token)

    return quietly


def exp(x: Array, out: Array) -> None:
    """Write eˣ, ∞ where it is too large for the dtype, without a warning; NaN stays NaN."""
    if _inside.get():
        np.exp(x, out=out)
    else:
        with np.errstate(over="ignore"):
            np.exp(x, out=out)
