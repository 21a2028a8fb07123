"""Activations: f, f′ and f″, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mulligan.nn.layers.base import Pointwise
from mulligan.nn.memory import Array


@dataclass(frozen=True)
class LeakyReLU(Pointwise):
    """max(x, αx).

    Parameters
    ----------
    alpha : float
        Slope for negative inputs, 0 ≤ α < 1.
    """

    alpha: float = 0.2
    piecewise_linear: ClassVar[bool] = True

    def f(self, x: Array, out: Array) -> None:
        np.multiply(x, self.alpha, out=out)
        np.maximum(x, out, out=out)

    def df(self, x: Array, y: Array, out: Array) -> None:
        # 1 or α by the sign bit, without a branch: mask = x >> 31 is all ones where x < 0, and
        # 1 ^ (mask & (1 ^ α)) on the bit patterns is then α, else 1. np.where takes seven times as long.
        word = np.dtype(f"i{x.itemsize}").type
        bits = out.view(word)
        one = x.dtype.type(1).view(word)
        difference = one ^ x.dtype.type(self.alpha).view(word)
        np.right_shift(x.view(word), word(8 * x.itemsize - 1), out=bits)
        np.bitwise_and(bits, difference, out=bits)
        np.bitwise_xor(bits, one, out=bits)
