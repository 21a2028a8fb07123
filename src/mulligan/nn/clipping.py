"""Clipping: a bound on the gradient before the optimiser sees it."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.fields import Checked, Positive
from mulligan.nn.memory import blocks


@dataclass(frozen=True)
class Clipping(Checked):
    """Subclass this for your own bound on the gradient; implement `apply`."""

    @abstractmethod
    def apply(self, grad: NDArray[Any]) -> None:
        """Bound the whole gradient, shape (n,), float32 or float64, in place."""


@dataclass(frozen=True)
class ClipNorm(Clipping):
    """Shorten the whole gradient to a given length if it is longer, and keep its direction.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", Algorithm 1.

        g ← g · min(1, max/‖g‖)
    """

    max: Positive = 1.0

    def apply(self, grad: NDArray[Any]) -> None:
        """Shorten `grad`. If its norm is not finite, all of it becomes NaN, so that divergence is not hidden."""
        with np.errstate(over="ignore", invalid="ignore"):  # reported as NaN below
            square = 0.0
            for block in blocks(slice(0, grad.size)):  # from Python 3.12 on, sum() rounds differently
                square += float(grad[block] @ grad[block])
        if not math.isfinite(square):
            grad.fill(math.nan)
        elif square > self.max**2:
            grad *= self.max / math.sqrt(square)


CLIPPINGS: dict[str, type[Clipping]] = {"norm": ClipNorm}
"""Every clipping by the name that a configuration uses."""
