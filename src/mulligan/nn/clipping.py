"""Clipping: a bound on the gradient before the optimiser sees it."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.blocks import blocks
from mulligan.nn.ranges import Positive, check_ranges


@dataclass(frozen=True)
class Clipping(ABC):
    """A bound on a flat gradient.

    Threads that share a step call `factor` once with the whole vector, then `clip` each for its own part.
    """

    def __post_init__(self) -> None:
        check_ranges(self)

    @abstractmethod
    def factor(self, grad: NDArray[Any]) -> float:
        """Give what `clip` needs to know of the whole gradient, shape (n,): a factor, at most 1."""

    @abstractmethod
    def clip(self, grad: NDArray[Any], factor: float, part: slice) -> None:
        """Bound ``grad[part]`` in place.

        Parameters
        ----------
        grad : ndarray, shape (n,)
            The whole gradient, float32 or float64.
        factor : float
            From `factor`, for the whole gradient.
        part : slice
            ``slice(start, stop)``, both given.
        """

    def apply(self, grad: NDArray[Any]) -> None:
        """Bound the whole gradient, shape (n,), in place."""
        self.clip(grad, self.factor(grad), slice(0, grad.size))


@dataclass(frozen=True)
class ClipNorm(Clipping):
    """Shorten the whole gradient to a given length when it is longer; its direction stays.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", Algorithm 1.

        g ← g · min(1, max/‖g‖)

    Parameters
    ----------
    max : float
        Largest Euclidean norm, above 0.
    """

    max: Positive = 1.0

    def factor(self, grad: NDArray[Any]) -> float:
        """Give ``min(1, max/‖grad‖)``; NaN when the norm is not finite, so that divergence is not hidden."""
        with np.errstate(over="ignore", invalid="ignore"):  # NaN below says it
            square = sum(float(grad[block] @ grad[block]) for block in blocks(slice(0, grad.size)))
        if not math.isfinite(square):
            return math.nan
        return min(1.0, self.max / math.sqrt(square)) if square > 0 else 1.0

    def clip(self, grad: NDArray[Any], factor: float, part: slice) -> None:
        """Multiply ``grad[part]`` by `factor`; see `Clipping.clip`."""
        if factor != 1:
            grad[part] *= factor


@dataclass(frozen=True)
class ClipValue(Clipping):
    """Cut every element of the gradient to a given size.

    Parameters
    ----------
    max : float
        Largest absolute value, above 0.
    """

    max: Positive = 1.0

    def factor(self, grad: NDArray[Any]) -> float:
        """Give 1: no element needs to know of the others."""
        return 1.0

    def clip(self, grad: NDArray[Any], factor: float, part: slice) -> None:
        """Cut ``grad[part]`` to [−max, max]; see `Clipping.clip`."""
        np.clip(grad[part], -self.max, self.max, out=grad[part])


CLIPPINGS: dict[str, type[Clipping]] = {"norm": ClipNorm, "value": ClipValue}
"""Every clipping by the name that a configuration uses."""
