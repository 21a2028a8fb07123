"""Layers that let D compare the samples of a batch, so that it can tell a collapsed batch from a real one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mulligan.nn.fields import Count, Epsilon
from mulligan.nn.layers.base import Layer, Param, Shape
from mulligan.nn.layers.initializers import Glorot, Initializer
from mulligan.nn.layers.shape import check_row
from mulligan.nn.memory import Array, Memory


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


@dataclass(frozen=True)
class MinibatchDiscrimination(Layer):
    """Append to each row how near the other rows are, by `kernels` learned measures.

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", §3.2.

        M_n = x_n T  (kernels × dim),   c_b(n, k) = exp(−‖M_nb − M_kb‖₁),   y_n = [x_n, Σ_k c_b(n, k)]
    """

    kernels: Count = 16
    """Numbers appended, B in the paper."""
    dim: Count = 8
    """Dimension of the space in which rows are compared, C in the paper."""
    init: Initializer = Glorot()
    """First values of T (inputs × kernels × dim)."""
    mixes_samples: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        check_row(self, shape)
        return (shape[0] + self.kernels,)

    def params(self, shape: Shape) -> dict[str, Param]:
        return {"T": Param((shape[0], self.kernels, self.dim), self.init, shape[0], self.kernels * self.dim)}

    def forward(self, m: Memory, x: Array) -> Array:
        m.x = x
        T = m.params["T"].reshape(len(m.params["T"]), -1)
        own = np.matmul(x, T, out=m.buffers["M", (len(x), T.shape[1])]).reshape(-1, self.kernels, self.dim)
        everyone = np.concatenate(m.context.gather_workers(own))
        # (own rows, all rows, kernels, dim): the difference of each pair
        apart = np.subtract(own[:, None], everyone, out=m.buffers["apart", (len(own), *everyone.shape)])
        near = np.sum(np.abs(apart), axis=-1, out=m.buffers["near", apart.shape[:-1]])
        np.negative(near, out=near)
        np.exp(near, out=near)
        y = m.buffers["y", (len(x), x.shape[1] + self.kernels)]
        y[:, : -self.kernels] = x
        np.sum(near, axis=1, out=y[:, -self.kernels :])
        m.saved["apart"], m.saved["near"] = apart, near
        return y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        # c_b(n, k) is a term of both rows' sums:
        # dM_nb = −Σ_k (dy_nb + dy_kb) c_b(n, k) sign(M_nb − M_kb), k in every worker
        own = dy[:, -self.kernels :]
        everyone = np.concatenate(m.context.gather_workers(own))
        weight = np.add(own[:, None], everyone, out=m.buffers["weight", m.saved["near"].shape])
        weight *= m.saved["near"]
        sign = np.sign(m.saved["apart"], out=m.buffers["sign", m.saved["apart"].shape])
        dM = np.einsum("nkb,nkbc->nbc", weight, sign, out=m.buffers["dM", (len(dy), self.kernels, self.dim)])
        np.negative(dM, out=dM)
        m.saved["dM"] = dM = dM.reshape(len(dy), -1)
        if not inputs:
            return dy
        T = m.params["T"].reshape(len(m.params["T"]), -1)
        dx = np.matmul(dM, T.T, out=m.buffers["dx", (len(dy), len(T))])
        dx += dy[:, : -self.kernels]
        return dx

    def grads(self, m: Memory) -> None:
        m.accumulate("T", lambda out: np.matmul(m.x.T, m.saved["dM"], out=out.reshape(len(out), -1)))
