"""Layers that know the class of each row: `OneHot` begins a conditional G, `Projection` ends a conditional D."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.fields import Count, Positive
from mulligan.nn.layers.base import Param, Shape, example, register
from mulligan.nn.layers.families import Affine, LinearMap
from mulligan.nn.layers.initializers import He, Initializer, Zeros
from mulligan.nn.layers.shape import check_axes
from mulligan.nn.memory import Array, Memory


def labels_of(m: Memory) -> NDArray[Any]:
    """Return the rows' classes, (n,), or their mixtures, (n, classes); `Workspace.forward` has checked them."""
    labels = m.context.labels
    assert labels is not None
    return labels


@register("one_hot", example((4,), 3), example((2, 2, 1), 3))
@dataclass(frozen=True)
class OneHot(LinearMap):
    """Append the row's class to it: y = [x, scale · onehot(label)]."""

    classes: Count
    scale: Positive = 3.0
    """The value in the class's column. The larger it is beside the noise, the sooner G attends to the class."""

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] + self.classes)

    def forward(self, m: Memory, x: Array) -> Array:
        y, labels = super().forward(m, x), labels_of(m)
        if labels.ndim == 1:
            y[np.arange(len(x)), ..., x.shape[-1] + labels] = self.scale
        else:
            y[..., x.shape[-1] :] = self.scale * labels.reshape(len(x), *[1] * (x.ndim - 2), self.classes)
        return y

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        out = m.buffers[name, (len(x), *self.output_shape(x.shape[1:]))]
        out[..., : -self.classes] = x
        out[..., -self.classes :] = 0
        return out

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        return dy[..., : -self.classes]


@register(
    "projection", example((4,), 3), example((4,), 3, bias=False), example((4,), 3, class_init=He(), spectral_norm=True)
)
@dataclass(frozen=True)
class Projection(Affine):
    """End D with this when there are classes: logit = w·h + b + E[label]·h.

    Source: Miyato & Koyama 2018, "cGANs with Projection Discriminator", Eq. 5.
    """

    classes: Count
    init: Initializer = He()
    class_init: Initializer = Zeros()
    """First values of w (inputs × 1) and E (classes × inputs). With E = 0, D ignores the classes at first."""
    bias: bool = True
    normed: ClassVar[tuple[str, ...]] = ("W", "E")

    def output_shape(self, shape: Shape) -> Shape:
        check_axes(self, shape, 1)
        return (1,)

    def params(self, shape: Shape) -> dict[str, Param]:
        params = {
            "W": Param((shape[0], 1), self.init, shape[0], 1),
            "E": Param((self.classes, shape[0]), self.class_init, shape[0], 1),
        }
        return self.with_directions(params | ({"b": Param((1,), Zeros(), shape[0], 1)} if self.bias else {}))

    def rows(self, m: Memory, n: int) -> Array:
        """Return each row's own weights, w + E[label]."""
        R = m.buffers["rows", (n, m.weights["W"].size)]
        np.take(m.weights["E"], labels_of(m), axis=0, out=R, mode="clip")  # "raise" would copy through a buffer
        R += m.weights["W"][:, 0]
        return R

    def forward(self, m: Memory, x: Array) -> Array:
        m.saved["rows"] = None
        return super().forward(m, x)

    def product(self, m: Memory, x: Array, name: str) -> Array:
        if m.saved["rows"] is None:
            m.saved["rows"] = self.rows(m, len(x))
        out = m.buffers[name, (len(x), 1)]
        np.vecdot(x, m.saved["rows"], out=out[:, 0])  # yₙ = (w + E[labelₙ])·xₙ
        return out

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        R: Array = m.saved["rows"]
        return np.multiply(dy, R, out=m.buffers[name, R.shape])  # dxₙ = dyₙ (w + E[labelₙ])

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        # dE[k] = Σₙ [labelₙ = k] dyₙ xₙ.  Every row has one class:  dw = Σₖ dE[k]
        chosen = m.buffers["chosen", (len(x), self.classes)]
        chosen.fill(0)
        chosen[np.arange(len(x)), labels_of(m)] = dy[:, 0]
        dE = np.matmul(chosen.T, x, out=m.buffers["dE", m.params["E"].shape])
        m.add("E", dE)
        m.add("W", dE.sum(axis=0)[:, None])
