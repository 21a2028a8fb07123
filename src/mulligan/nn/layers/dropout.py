"""Dropout: random zeros in training."""

from dataclasses import dataclass

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.nn.fields import Decay
from mulligan.nn.layers.base import example, register
from mulligan.nn.layers.families import LinearMap
from mulligan.nn.memory import Array, Memory


@register("dropout", example((6,), 0.3))
@dataclass(frozen=True)
class Dropout(LinearMap):
    """In training, zero each number with probability `rate` and scale the others by 1/(1 − rate).

    Source: Srivastava et al. 2014, "Dropout", §10 (the inverted form: evaluation changes nothing).

    `forward` draws the mask from the workspace's generator. Every pass until the next `forward` uses the same mask.
    """

    rate: Decay = 0.5

    def forward(self, m: Memory, x: Array) -> Array:
        m.saved["mask"] = self._draw(m, x) if m.context.training else None
        return super().forward(m, x)

    def _draw(self, m: Memory, x: Array) -> Array:
        if m.context.rng is None:
            raise UnsupportedError(
                "Dropout: the workspace must have a random generator in training, got none. "
                "Make it with network.workspace(rng=...), or pass training=False."
            )
        mask = m.buffers["mask", x.shape]
        m.context.rng.random(out=mask, dtype=mask.dtype.type)
        np.greater_equal(mask, self.rate, out=mask)
        mask *= 1 / (1 - self.rate)
        return mask

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        mask = m.saved["mask"]
        return x if mask is None else np.multiply(x, mask, out=m.buffers[name, x.shape])

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        return self.apply(m, dy, name)
