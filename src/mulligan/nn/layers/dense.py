"""The fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mulligan.errors import ShapeError
from mulligan.nn.layers.base import Affine, Param, Shape
from mulligan.nn.layers.initializers import He, Initializer, Zeros
from mulligan.nn.layers.products import cut, multiply
from mulligan.nn.memory import Array, Memory
from mulligan.nn.ranges import Count

FEW = 64
"""Rows up to which a product of few rows with a large W is turned or cut, because BLAS first packs its operands: for
784 × 512 and 32 rows that takes longer than half of the product. Microseconds as measured, copies included (one core
with 2 MiB of L2; OpenBLAS 0.3.31, SkylakeX kernels, which work products of up to `SMALL` multiplications in place):

    inputs × units, rows      784 × 512, 32   64     512 × 784, 32   64     784 × 128, 32   64     256 × 1568, 32
    y = x W, straight             305        420         221        334          72        104          252
             turned               241        395         237        395          74        116          261
    dx = dy Wᵀ, straight          306        426         300        417          86        118          316
                turned            239        408         235        384          78        149          232
                turned, cut       194        348         184        321          65        124          189
    dW = xᵀ dy, straight          202        324         199        321          57         91          207
                cut               153        289         144        284          39         69          140
"""

COLLIDING = 256
"""Floats, 1 KiB. Rows of W that lie a multiple of this apart fall into few sets of the cache, which is what makes the
straight y = x W slow in the table's first columns."""


def turns_forward(rows: int, W: Array) -> bool:
    """Whether y = x W is faster turned, yᵀ = Wᵀ xᵀ."""
    inputs, units = W.shape
    return rows <= FEW // 2 and units % COLLIDING == 0 and 2 * inputs >= units


def turns_back(rows: int, W: Array) -> bool:
    """Whether dx = dy Wᵀ is faster turned and cut; with few units, turning dx back would cost more than is won."""
    units: int = W.shape[1]
    return rows <= min(FEW, units // 5)


@dataclass(frozen=True)
class Dense(Affine):
    """Fully connected: y = x W + b.

    Parameters
    ----------
    units : int
        Length of an output row.
    init, bias_init : Initializer
        Where W (inputs × units) and b (units) start.
    bias : bool
    """

    units: Count
    init: Initializer = He()
    bias: bool = True
    bias_init: Initializer = Zeros()

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(
                f"Dense takes rows of numbers, not samples of shape {shape}. Put a Flatten layer before it."
            )
        return (self.units,)

    def params(self, shape: Shape) -> dict[str, Param]:
        W = Param((shape[0], self.units), self.init, shape[0], self.units)
        b = Param((self.units,), self.bias_init, shape[0], self.units)
        return self.with_directions({"W": W, "b": b} if self.bias else {"W": W})

    def product(self, m: Memory, x: Array, name: str) -> Array:
        W = self.weight(m)
        out = m.buffer(name, (len(x), self.units))
        if not turns_forward(len(x), W):
            multiply(x, W, out)  # y = x W
            return out
        turned = np.matmul(W.T, x.T, out=m.buffer(f"{name}ᵀ", (self.units, len(x))))  # yᵀ = Wᵀ xᵀ
        np.copyto(out, turned.T)
        return out

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        W = self.weight(m)
        out = m.buffer(name, (len(dy), len(W)))
        if self.units == 1:  # an outer product; BLAS would pack a matrix of one column
            return np.multiply(dy, W.T, out=out)
        if not turns_back(len(dy), W):
            return np.matmul(dy, W.T, out=out)  # dx = dy Wᵀ
        columns = m.buffer("dyᵀ", (self.units, len(dy)))
        np.copyto(columns, dy.T)
        turned = m.buffer(f"{name}ᵀ", (len(W), len(dy)))
        parts, columns, results = cut(W, columns, turned)
        np.matmul(parts, columns, out=results)  # dxᵀ = W dyᵀ
        np.copyto(out, turned.T)
        return out

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        dW = m.gradient("W")
        parts, dy, results = cut(x.T, dy, dW) if len(x) <= FEW else (x.T, dy, dW)
        np.matmul(parts, dy, out=results)  # dW = xᵀ dy
        m.add("W", dW)
