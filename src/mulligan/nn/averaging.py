"""Averages of the parameters over a run. A GAN's parameters circle; samples from their average are better.

Measured in docs/book/10-lower-rates.md.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.fields import Checked, Positive
from mulligan.nn.memory import blocks, scratch


@dataclass(frozen=True)
class Average(Checked):
    """Subclass this for your own running mean of the parameters; implement `weight`."""

    @abstractmethod
    def weight(self, step: int) -> float:
        """Return the weight w of the newest parameters, in (0, 1]; 1 at step 0, the first."""

    def update(self, average: NDArray[Any], theta: NDArray[Any], step: int, part: slice) -> None:
        """Add the newest parameters: average ← average + w·(θ − average), in place, for the elements of `part`.

        Before step 0, the average may be any finite numbers. Disjoint parts may run in several threads at once: the
        result is the same to the byte.
        """
        w = self.weight(step)
        for block in blocks(part):
            update_block(average[block], theta[block], w)


def update_block(average: NDArray[Any], theta: NDArray[Any], w: float) -> None:
    """Set average ← average + w·(θ − average), for one block."""
    if w == 1:
        average[:] = theta
        return
    s = scratch("block", average.size, average.dtype)
    np.subtract(theta, average, out=s)
    s *= w
    average += s


@dataclass(frozen=True)
class EMA(Average):
    """Keep an exponential moving average, whose half-life grows early in the run.

    Source: Karras et al. 2018, "Progressive Growing of GANs" (the average); the public code of StyleGAN2, EDM and R3GAN
    (the half-life and its ramp).

        h = min(half_life, ramp·step),   β = ½^(1/h),   average ← β·average + (1−β)·θ
    """

    half_life: Positive = 1000.0
    ramp: Positive = 0.05
    """Bounds the half-life by ramp·step, so that the average soon forgets the random start; above 0."""

    def weight(self, step: int) -> float:
        """Return 1 − β; 1 at step 0, where h = 0."""
        h = min(self.half_life, self.ramp * step)
        return -math.expm1(-math.log(2) / h) if h > 0 else 1.0


AVERAGES: dict[str, type[Average]] = {"ema": EMA}
"""Every average by the name that a configuration uses."""
