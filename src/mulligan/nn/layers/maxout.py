"""Maxout, the activation of the first GAN's discriminator."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from mulligan.nn.fields import Count
from mulligan.nn.layers.base import Layer, Shape, example, register
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.initializers import He, Initializer
from mulligan.nn.memory import Array, Memory


@register("maxout", example((4,), 3, 2), example((4,), 2, 3, spectral_norm=True))
@dataclass(frozen=True)
class Maxout(Layer):
    """Take the largest of several affine maps: y_u = max_k (x W_uk + b_uk).

    Source: Goodfellow et al. 2013, "Maxout Networks", §3. The maps are one Dense layer of units × pieces.
    """

    units: Count
    pieces: Count = 5
    """Affine maps of each unit."""
    init: Initializer = He(slope=1.0)
    spectral_norm: bool = field(default=False, kw_only=True)
    """Normalise all maps as one matrix; see `Affine`."""
    piecewise_linear: ClassVar[bool] = True

    @cached_property
    def maps(self) -> Dense:
        """The affine maps."""
        return Dense(self.units * self.pieces, self.init, spectral_norm=self.spectral_norm)

    def output_shape(self, shape: Shape) -> Shape:
        self.maps.output_shape(shape)
        return (self.units,)

    def children(self, shape: Shape) -> list[tuple[str, Layer, Shape]]:
        return [("maps", self.maps, shape)]

    def forward(self, m: Memory, x: Array) -> Array:
        a = self.maps.forward(m.children[0], x).reshape(len(x), self.units, self.pieces)
        chosen = m.saved["chosen"] = m.buffers["chosen", a.shape]  # 1 where the map is the largest, else 0
        chosen.fill(0)
        np.put_along_axis(chosen, np.argmax(a, axis=-1, keepdims=True), 1, axis=-1)
        return np.max(a, axis=-1, out=m.buffers["y", a.shape[:-1]])

    def spread(self, m: Memory, dy: Array, name: str) -> Array:
        """Pass each dy to the map that was the largest."""
        chosen: Array = m.saved["chosen"]
        return np.multiply(dy[..., None], chosen, out=m.buffers[name, chosen.shape]).reshape(len(dy), -1)

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        return self.maps.backward(m.children[0], self.spread(m, dy, "da"), inputs)

    def tangent(self, m: Memory, tx: Array) -> Array:
        ta = self.maps.tangent(m.children[0], tx).reshape(m.saved["chosen"].shape)
        return np.vecdot(ta, m.saved["chosen"], out=m.buffers["ty", ta.shape[:-1]])

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        return self.maps.adjoint(m.children[0], self.spread(m, dy, "da"), self.spread(m, dty, "dta"), inputs)
