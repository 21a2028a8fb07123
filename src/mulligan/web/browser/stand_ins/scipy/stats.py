"""Tests of hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Result(NamedTuple):
    """The statistic of a test; its p-value is asked for nowhere."""

    statistic: float


def mannwhitneyu(a: NDArray[Any], b: NDArray[Any], method: str) -> Result:
    """Return U = #{(i, j): aᵢ > bⱼ}, ties by half."""
    ordered = np.sort(b)
    below = np.searchsorted(ordered, a, "left") + np.searchsorted(ordered, a, "right")
    return Result(0.5 * float(below.sum()))
