"""Initialisers: the values of the parameters before the first step.

An initialiser fills a given array in place. It draws in float64 and rounds once, so that a float64 network for a
gradient check equals its float32 twin up to that rounding. `fan_in` counts the inputs that one output sums over,
`fan_out` the outputs that one input reaches. The layer knows both; an array's shape does not show them.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.fields import Checked, Count, Finite, NonNegative


@dataclass(frozen=True)
class Initializer(Checked):
    """Subclass this for your own first values of parameters; implement `fill`."""

    @abstractmethod
    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Fill an array of parameters, in place. The number of draws depends on its shape alone, not on the dtype."""


@dataclass(frozen=True)
class He(Initializer):
    """Draw from a normal distribution, scaled so that a (leaky) ReLU layer keeps the size of its input.

    Source: He et al. 2015, "Delving Deep into Rectifiers", Eq. 15.

        W ~ N(0, σ²),   σ = gain·√(2/((1 + slope²)·fan_in))
    """

    slope: Finite = 0.2
    """Of the rectifier on its negative side: 0 for ReLU, 1 for a linear layer."""
    gain: NonNegative = 1.0

    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        out[...] = rng.normal(0.0, self.gain * math.sqrt(2 / ((1 + self.slope**2) * fan_in)), out.shape)


@dataclass(frozen=True)
class Normal(Initializer):
    """Draw from N(0, std²), whatever the size of the layer."""

    std: NonNegative = 0.02

    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        out[...] = rng.normal(0.0, self.std, out.shape)


@dataclass(frozen=True)
class Fill(Initializer):
    """Fill with one number."""

    value: Finite = 0.0

    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        out[...] = self.value


@dataclass(frozen=True)
class Zeros(Initializer):
    """Fill with zeros, the usual start of a bias."""

    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        out[...] = 0


@dataclass(frozen=True)
class Scaled(Initializer):
    """Multiply another initialiser's values by a number.

    The article's start is ``Scaled(He(slope=0.0), by=0.002)``.
    """

    init: Initializer = He(slope=0.0)
    by: Finite = 1.0

    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        self.init.fill(out, fan_in, fan_out, rng)
        out *= self.by


@dataclass(frozen=True)
class Alike(Initializer):
    """Start each `count` neighbouring outputs of a layer with nearly the same weights.

        W[..., k] ← 0.9·W[..., first of k's group] + 0.1·W[..., k]

    Their mean, by `ChannelMean`, then moves as one output does. Means of unlike outputs begin with a G that ignores z.
    """

    init: Initializer = He()
    count: Count = 4

    def fill(self, out: NDArray[Any], fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        own = np.empty(out.shape)
        self.init.fill(own, fan_in, fan_out, rng)
        first = own[..., np.arange(out.shape[-1]) // self.count * self.count]
        out[...] = 0.9 * first + 0.1 * own


INITIALIZERS: dict[str, type[Initializer]] = {
    "he": He,
    "normal": Normal,
    "zeros": Zeros,
    "constant": Fill,
    "scaled": Scaled,
    "alike": Alike,
}
"""Every initialiser by the name that a configuration uses."""
