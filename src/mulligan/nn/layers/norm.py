"""Normalisation of a feature over the batch, or of a sample; and dropout."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mulligan.nn.fields import Decay, Epsilon, PositiveFraction
from mulligan.nn.layers.base import Layer, Param, Shape, example, register
from mulligan.nn.layers.families import LinearMap
from mulligan.nn.layers.initializers import Fill, Zeros
from mulligan.nn.memory import Array, Memory


@register("batch_norm", example((4,)), example((2, 2, 3)))
@dataclass(frozen=True)
class BatchNorm(Layer):
    """Give each feature (or channel) mean 0 and variance 1 over the batch, then scale and shift it.

    Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithms 1 and 2.

        x̂ = (x − μ)/√(σ² + ε),   y = γ x̂ + β

    μ and σ² are those of the whole batch, which workers share. In evaluation they are running averages.
    """

    momentum: PositiveFraction = 0.1
    """Share of the new batch in the running averages, 0 < momentum ≤ 1, as in PyTorch; Keras has 1 − this."""
    eps: Epsilon = 1e-5
    """Added to the variance."""
    mixes_samples: ClassVar[bool] = True

    def params(self, shape: Shape) -> dict[str, Param]:
        one, zero, features = Fill(1.0), Zeros(), shape[-1:]
        return {
            "gamma": Param(features, one),
            "beta": Param(features, zero),
            "mean": Param(features, zero, trained=False),
            "var": Param(features, one, trained=False),
        }

    def forward(self, m: Memory, x: Array) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        x_hat = m.buffers["x_hat", rows.shape]
        if m.context.training:
            n = float(m.context.sum_over_workers(np.array(len(rows))))
            mean = m.context.sum_over_workers(rows.sum(axis=0)) / n
            np.subtract(rows, mean, out=x_hat)
            var = m.context.sum_over_workers(_column_dots(x_hat, x_hat)) / n
            if m.context.number == 0:  # the workers share the averages
                m.stats["mean"] += self.momentum * (mean - m.stats["mean"])
                m.stats["var"] += self.momentum * (var * (n / max(n - 1, 1)) - m.stats["var"])  # unbiased
        else:
            n, var = 0.0, m.stats["var"]  # n = 0: μ and σ² are constants, with no gradient through them
            np.subtract(rows, m.stats["mean"], out=x_hat)
        deviation = np.sqrt(var + self.eps)
        x_hat /= deviation
        m.saved["x_hat"], m.saved["deviation"], m.saved["n"] = x_hat, deviation, n
        y = np.multiply(x_hat, m.params["gamma"], out=m.buffers["y", rows.shape])
        y += m.params["beta"]
        return y.reshape(x.shape)

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        x_hat, n = m.saved["x_hat"], m.saved["n"]
        rows = dy.reshape(x_hat.shape)
        m.saved["dgamma"], m.saved["dbeta"] = dgamma, dbeta = _column_dots(rows, x_hat), rows.sum(axis=0)
        dx = m.buffers["dx", rows.shape]
        if n:
            # dx = γ/√(σ² + ε) · (dy − (Σdy + x̂ Σ dy x̂)/n), the sums over the whole batch
            sums = m.context.sum_over_workers(np.stack([dgamma, dbeta])) / n
            np.multiply(x_hat, -sums[0], out=dx)
            dx -= sums[1]
            dx += rows
        else:
            np.copyto(dx, rows)
        dx *= m.params["gamma"] / m.saved["deviation"]
        return dx.reshape(dy.shape)

    def grads(self, m: Memory) -> None:
        # dγ = Σ dy x̂,  dβ = Σ dy, over this worker's rows
        m.add("gamma", m.saved["dgamma"])
        m.add("beta", m.saved["dbeta"])


@register("layer_norm", example((6,)), example((2, 2, 3)))
@dataclass(frozen=True)
class LayerNorm(Layer):
    """Give each sample mean 0 and variance 1 over all its numbers, then scale and shift each feature (or channel).

    Source: Ba et al. 2016, "Layer Normalization", Eq. 4. It does not mix samples, so it supports gradient penalties.

    x̂ = P x/s, s² = mean (P x)² + ε, over a sample's D numbers, where P subtracts the mean. J = ∂x̂/∂x is symmetric. With
    ⟨a·b⟩ for the mean of a product,

        J t = (P t − x̂ ⟨x̂·t⟩)/s
        ∂/∂x Σ b·(J t) = −(⟨b·J t⟩ x̂ + ⟨x̂·t⟩ J b + ⟨x̂·b⟩ J t)/s

    where the second follows from ∂s/∂x = x̂/D and ∂x̂/∂x = J.
    """

    eps: Epsilon = 1e-5

    def params(self, shape: Shape) -> dict[str, Param]:
        return {"gamma": Param(shape[-1:], Fill(1.0)), "beta": Param(shape[-1:], Zeros())}

    def forward(self, m: Memory, x: Array) -> Array:
        rows = x.reshape(len(x), -1)
        x_hat = m.buffers["x_hat", rows.shape]
        np.subtract(rows, rows.mean(axis=1, keepdims=True), out=x_hat)
        s = np.sqrt(_mean_dots(x_hat, x_hat) + self.eps)
        x_hat /= s
        m.saved["x_hat"], m.saved["s"] = x_hat, s
        y = self.scale(m, x_hat.reshape(x.shape), "y")
        y += m.params["beta"]
        return y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        m.dy, m.dty = dy, None
        return self.project(m, self.scale(m, dy, "a"), "dx") if inputs else dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        m.tx = tx
        return self.scale(m, self.project(m, tx, "tx_hat"), "ty")

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        m.dy, m.dty = dy, dty
        if not inputs:
            return dy, dty
        assert m.tx is not None
        dx = self.project(m, self.scale(m, dy, "a"), "dx")
        b = self.scale(m, dty, "b")
        dtx = self.project(m, b, "dtx")
        x_hat, t_hat = m.saved["x_hat"], m.buffers["tx_hat", m.saved["x_hat"].shape]
        tx_rows, b_rows, dtx_rows, dx_rows = (rows.reshape(x_hat.shape) for rows in (m.tx, b, dtx, dx))
        curve = m.buffers["curve", x_hat.shape]
        for weight, along in (
            (_mean_dots(b_rows, t_hat), x_hat),
            (_mean_dots(x_hat, tx_rows), dtx_rows),
            (_mean_dots(x_hat, b_rows), t_hat),
        ):
            weight /= m.saved["s"]
            dx_rows -= np.multiply(along, weight, out=curve)
        return dx, dtx

    def grads(self, m: Memory) -> None:
        # dγ = Σ dy x̂ + dtx̂ tx̂,  dβ = Σ dy
        features = (-1, m.params["gamma"].size)
        rows, x_hat = m.dy.reshape(features), m.saved["x_hat"].reshape(features)
        dgamma = _column_dots(rows, x_hat)
        if m.dty is not None:
            t_hat = m.buffers["tx_hat", m.saved["x_hat"].shape].reshape(features)
            dgamma += _column_dots(m.dty.reshape(features), t_hat)
        m.add("gamma", dgamma)
        m.add("beta", rows.sum(axis=0))

    def project(self, m: Memory, t: Array, name: str) -> Array:
        """Return J t in the buffer `name`."""
        x_hat: Array = m.saved["x_hat"]
        rows = t.reshape(x_hat.shape)
        out = np.multiply(x_hat, -_mean_dots(x_hat, rows), out=m.buffers[name, rows.shape])
        out += rows
        out -= rows.mean(axis=1, keepdims=True)
        out /= m.saved["s"]
        return out.reshape(t.shape)

    def scale(self, m: Memory, x: Array, name: str) -> Array:
        """Return γ x in the buffer `name`."""
        return np.multiply(x, m.params["gamma"], out=m.buffers[name, x.shape])


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
        assert m.context.rng is not None  # give `Network.workspace` one, or call with training=False
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


def _column_dots(a: Array, b: Array) -> Array:
    """Return Σ a·b over the rows, column by column, without the array a·b."""
    dots: Array = np.einsum("nd,nd->d", a, b)
    return dots


def _mean_dots(a: Array, b: Array) -> Array:
    """Return the mean of a·b in each row, as a column."""
    dots: Array = np.vecdot(a, b)[:, None]
    dots /= a.shape[1]
    return dots
