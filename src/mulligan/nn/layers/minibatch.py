"""A layer that lets D compare the samples of a batch, so that it can tell a collapsed batch from a real one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mulligan.nn.fields import Epsilon
from mulligan.nn.layers.base import Layer, Shape, example, register
from mulligan.nn.memory import Array, Memory


@register("minibatch_stddev", example((4,)), example((2, 2, 3)))
@dataclass(frozen=True)
class MinibatchStddev(Layer):
    """Append a measure of the batch's variety: the standard deviation of each feature, averaged.

    Source: Karras et al. 2018, "Progressive Growing of GANs", §3; the group is the whole batch.

        s_f = √(mean_n (x_nf − μ_f)² + ε),   y_n = [x_n, mean_f s_f]

    In images the number is one more channel.
    """

    eps: Epsilon = 1e-8
    """Added to the variance, so that the root is differentiable when all samples are equal."""
    mixes_samples: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] + 1)

    def forward(self, m: Memory, x: Array) -> Array:
        n = float(m.context.sum_over_workers(np.array(len(x))))
        mean = m.context.sum_over_workers(x.sum(axis=0)) / n
        centred = np.subtract(x, mean, out=m.buffers["centred", x.shape])
        var = m.context.sum_over_workers(np.einsum("n...,n...->...", centred, centred)) / n
        s = np.sqrt(var + self.eps)
        m.saved["centred"], m.saved["s"], m.saved["n"] = centred, s, n
        y = m.buffers["y", (*x.shape[:-1], x.shape[-1] + 1)]
        y[..., :-1] = x
        y[..., -1] = s.mean()
        return y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        # dx_nf = dy_nf + (Σ d mean) (x_nf − μ_f)/(n F s_f), the sum over every row of the whole batch
        d_mean = float(m.context.sum_over_workers(dy[..., -1].sum()))
        s = m.saved["s"]
        dx = m.buffers["dx", m.saved["centred"].shape]
        np.multiply(m.saved["centred"], (d_mean / (m.saved["n"] * s.size)) / s, out=dx)
        dx += dy[..., :-1]
        return dx
