"""The fully connected layer. Read this first: a whole layer, with the three products of its passes.

Derived in docs/book/02-backpropagation.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mulligan.nn.fields import Count
from mulligan.nn.layers.base import Param, Shape, example, register
from mulligan.nn.layers.families import Affine
from mulligan.nn.layers.initializers import He, Initializer, Zeros
from mulligan.nn.layers.products import multiply
from mulligan.nn.layers.shape import check_axes
from mulligan.nn.memory import Array, Memory


@register(
    "dense", example((4,), 3), example((4,), 1), example((4,), 3, bias=False), example((4,), 3, spectral_norm=True)
)
@dataclass(frozen=True)
class Dense(Affine):
    """Fully connected: y = x W + b, for samples that are rows of numbers. Put `Flatten` before it for pictures."""

    units: Count
    init: Initializer = He()
    bias: bool = True
    bias_init: Initializer = Zeros()
    """First values of W (inputs × units) and b (units)."""

    def output_shape(self, shape: Shape) -> Shape:
        check_axes(self, shape, 1)
        return (self.units,)

    def params(self, shape: Shape) -> dict[str, Param]:
        W = Param((shape[0], self.units), self.init, shape[0], self.units)
        b = Param((self.units,), self.bias_init, shape[0], self.units)
        return self.with_directions({"W": W, "b": b} if self.bias else {"W": W})

    def product(self, m: Memory, x: Array, name: str) -> Array:
        out = m.buffers[name, (len(x), self.units)]
        multiply(x, m.weights["W"], out)  # y = x W
        return out

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        W = m.weights["W"]
        out = m.buffers[name, (len(dy), len(W))]
        if self.units == 1:  # BLAS would pack the matrix of one column
            return np.multiply(dy, W.T, out=out)
        multiply(dy, W.T, out)  # dx = dy Wᵀ
        return out

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        m.accumulate("W", multiply, x.T, dy)  # dW = xᵀ dy
