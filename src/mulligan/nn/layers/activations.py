"""Activations: f, f′ and f″, element by element.

Derived in docs/book/02-backpropagation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from mulligan.nn.fields import Decay, Gain
from mulligan.nn.layers.base import example, register
from mulligan.nn.layers.families import Pointwise
from mulligan.nn.memory import Array, blocks, constant, scratch


@register("leaky_relu", example((6,)))
@dataclass(frozen=True)
class LeakyReLU(Pointwise):
    """max(x, αx)."""

    alpha: Decay = 0.2
    """Slope for negative inputs, 0 ≤ α < 1."""
    piecewise_linear: ClassVar[bool] = True
    by_y: ClassVar[bool] = True

    def f(self, x: Array, out: Array) -> None:
        flat, y = x.reshape(-1), out.reshape(-1)
        for part in blocks(slice(0, x.size)):  # y may be written over x
            scaled = scratch("scaled", part.stop - part.start, x.dtype)
            np.multiply(flat[part], constant(self.alpha, x.dtype), out=scaled)
            np.maximum(flat[part], scaled, out=y[part])

    def df(self, x: Array, y: Array, out: Array) -> None:
        # f′ = 1 or α. Read the bits of x as a signed integer: it has x's sign. Set the highest bit below the sign. Then
        # x ≥ 0 lies above the bit pattern of 1, and x < 0 below that of α. Clipping to the two patterns leaves 1 or α
        # without a branch; np.where takes seven times as long.
        word, high, low, one = _patterns(x.dtype, self.alpha)
        bits = out.view(word)
        np.bitwise_or(x.view(word), high, out=bits)
        bits.clip(low, one, out=bits)


@register("relu", example((6,)))
@dataclass(frozen=True)
class ReLU(Pointwise):
    """max(x, 0), with slope 0 at 0."""

    by_y: ClassVar[bool] = True
    reach: ClassVar[tuple[float, float]] = (0.0, math.inf)
    piecewise_linear: ClassVar[bool] = True

    def f(self, x: Array, out: Array) -> None:
        above(x, 0, out)

    def df(self, x: Array, y: Array, out: Array) -> None:
        np.greater(x, constant(0, x.dtype), out=out)


@register("tanh", example((6,)), example((6,), gain=1.5))
@dataclass(frozen=True)
class Tanh(Pointwise):
    """gain · tanh x, cut to [−1, 1]: a gain above 1 reaches both ends."""

    gain: Gain = 1.0
    by_y: ClassVar[bool] = True
    reach: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def f(self, x: Array, out: Array) -> None:
        np.tanh(x, out=out)
        if self.gain != 1:
            out *= self.gain
            out.clip(constant(-1, x.dtype), constant(1, x.dtype), out=out)

    def df(self, x: Array, y: Array, out: Array) -> None:
        # f′ = gain − y²/gain, and 0 where f is cut
        np.multiply(y, y, out=out)
        if self.gain == 1:
            np.subtract(1, out, out=out)
            return
        cut = out >= 1
        out /= -self.gain
        out += self.gain
        out[cut] = 0

    def ddf(self, x: Array, y: Array, out: Array) -> None:
        # f″ = −2y f′/gain
        self.df(x, y, out)
        out *= y
        out *= -2 / self.gain


@register("sigmoid", example((6,)))
@dataclass(frozen=True)
class Sigmoid(Pointwise):
    """σ(x) = 1/(1 + e⁻ˣ)."""

    by_y: ClassVar[bool] = True
    reach: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def f(self, x: Array, out: Array) -> None:
        sigmoid(x, out)

    def df(self, x: Array, y: Array, out: Array) -> None:
        # f′ = y (1 − y)
        np.subtract(constant(1, y.dtype), y, out=out)
        out *= y

    def ddf(self, x: Array, y: Array, out: Array) -> None:
        # f″ = y (1 − y) (1 − 2y)
        self.df(x, y, out)
        out *= 1 - 2 * y


@register("arctan", example((6,)))
@dataclass(frozen=True)
class Arctan(Pointwise):
    """arctan x, between −π/2 and π/2."""

    def f(self, x: Array, out: Array) -> None:
        np.arctan(x, out=out)

    def df(self, x: Array, y: Array, out: Array) -> None:
        # f′ = 1/(1 + x²)
        np.multiply(x, x, out=out)
        out += 1
        np.divide(1, out, out=out)  # 3.4 µs for 32 × 784, np.reciprocal 5.6

    def ddf(self, x: Array, y: Array, out: Array) -> None:
        # f″ = −2x f′²
        self.df(x, y, out)
        out *= out
        out *= x
        out *= -2


def sigmoid(x: Array, out: Array | None = None) -> Array:
    """Return 1/(1 + e⁻ˣ), to a few roundings; 0 where e⁻ˣ overflows (below −88 in float32). `out` may be `x`."""
    out = np.negative(x, out=out)
    with np.errstate(over="ignore"):  # 1/(1 + ∞) is 0, as it should be
        np.exp(out, out=out)
    one = constant(1, x.dtype)
    out += one
    return np.divide(one, out, out=out)  # 3.4 µs for 32 × 784, np.reciprocal 5.6


def above(x: Array, least: float, out: Array | None = None) -> Array:
    """Return max(x, least) with NaN kept: 3 µs for 32 × 784, where np.maximum with a number takes 8."""
    return x.clip(constant(least, x.dtype), constant(np.inf, x.dtype), out=out)


@cache  # making them takes as long as using them on 32 rows
def _patterns(dtype: np.dtype[Any], alpha: float) -> tuple[np.dtype[Any], Array, Array, Array]:
    """Return the integer type as wide as a float, its highest bit below the sign, and the bit patterns of α and 1."""
    word = np.dtype(f"i{dtype.itemsize}")
    high = np.array(1 << (8 * dtype.itemsize - 2), word)
    return word, high, np.array(alpha, dtype).view(word), np.array(1, dtype).view(word)
