"""Adam and its relatives: a mean of the gradient, divided by the root of a mean of its square.

Adam keeps sums where its paper keeps means, which saves a pass over memory. Divide the line of m by 1−β₁, and that of v
by 1−β₂. This leaves two sums, M = m/(1−β₁) and V = v/(1−β₂). The state holds them as "m" and "v":

    M ← β₁·M + g
    V ← β₂·V + g²
    θ ← θ − lr · r (1−β₁)/(1−β₁ᵗ) · M/(√V + ε·r),   r = √((1−β₂ᵗ)/(1−β₂))

The last line is Algorithm 1's with its ε, exactly, because √v̂ = √V/r. The constants come back as numbers, not as passes
over vectors. With β₁ = 0, m̂ is g itself, and M stays zero.

Derived in docs/book/05-adam.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from mulligan.nn.fields import Decay, Epsilon, NonNegative, Positive
from mulligan.nn.memory import scratch
from mulligan.nn.optimizers.base import Optimizer, State, Vector, average, average_square, descend, steps


@dataclass(frozen=True)
class Adam(Optimizer):
    """Move each weight by about the rate: the mean gradient, divided by its root mean square.

    Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", Algorithm 1.

        m ← β₁·m + (1−β₁)·g
        v ← β₂·v + (1−β₂)·g²
        θ ← θ − lr · m̂/(√v̂ + ε),   m̂ = m/(1−β₁ᵗ),   v̂ = v/(1−β₂ᵗ)

    The state holds m and v as sums, each a constant times the mean. ``beta1=0`` suits games; m̂ is then g.
    """

    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    lr: Positive = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8

    def update_block(self, state: State, theta: Vector, g: Vector, m: Vector, v: Vector, /, *, lr: float) -> None:
        t, beta1, s = steps(state), self.beta1, scratch("block", g.size, g.dtype)
        if beta1:
            m *= beta1
            m += g  # M ← β₁·M + g
        np.multiply(g, g, out=s)
        v *= self.beta2
        v += s  # V ← β₂·V + g²
        r = math.sqrt((1 - self.beta2**t) / (1 - self.beta2))
        rate = lr * (r * (1 - beta1) / (1 - beta1**t))
        descend(theta, g, m if beta1 else g, v, self.eps * r, rate)  # θ ← θ − rate · M/(√V + ε·r)


@dataclass(frozen=True)
class AMSGrad(Adam):
    """Keep Adam's denominator from shrinking, which restores a proof of convergence.

    Source: Reddi et al. 2018, "On the Convergence of Adam and Beyond", Algorithm 2.

        m ← β₁·m + (1−β₁)·g
        v ← β₂·v + (1−β₂)·g²
        w ← max(w, v)
        θ ← θ − lr · m/(√w + ε)

    As in the paper, the bias of m and v is not corrected. The paper has no ε; this one is Ruder's.
    """

    slots: ClassVar[tuple[str, ...]] = ("m", "v", "w")

    def update_block(self, state: State, theta: Vector, g: Vector, /, *slots: Vector, lr: float) -> None:
        m, v, w = slots
        average_square(v, self.beta2, g)
        np.maximum(w, v, out=w)
        average(m, self.beta1, g)
        descend(theta, g, m, w, self.eps, lr)


@dataclass(frozen=True)
class AdaMax(Optimizer):
    """Divide by the largest recent gradient in place of Adam's root mean square.

    Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", Algorithm 2.

        m ← β₁·m + (1−β₁)·g
        u ← max(β₂·u, |g|)
        θ ← θ − lr/(1−β₁ᵗ) · m/u

    There is no ε, as in the paper. A weight without a gradient so far has u = m = 0 and does not move.
    """

    slots: ClassVar[tuple[str, ...]] = ("m", "u")
    lr: Positive = 2e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999

    def update_block(self, state: State, theta: Vector, g: Vector, m: Vector, u: Vector, *, lr: float) -> None:
        s = scratch("block", g.size, g.dtype)
        np.abs(g, out=s)
        u *= self.beta2
        np.maximum(u, s, out=u)
        average(m, self.beta1, g)
        u.clip(float(np.finfo(u.dtype).tiny), np.inf, out=s)  # 0/0 is 0 here; np.maximum takes three times as long
        np.divide(m, s, out=g)
        g *= lr / (1 - self.beta1 ** steps(state))
        theta -= g


@dataclass(frozen=True)
class Nadam(Adam):
    """Apply the next step's momentum in this one, as Nesterov does, to Adam.

    Source: Dozat 2016, "Incorporating Nesterov Momentum into Adam", Algorithm 2, with Kingma & Ba's v̂.

        μₜ = β₁·(1 − ½·0.96^(t·ψ)),   Πₜ = μ₁·…·μₜ
        m ← μₜ·m + (1−μₜ)·g
        v ← β₂·v + (1−β₂)·g²
        m̂ = μₜ₊₁·m/(1−Πₜ₊₁) + (1−μₜ)·g/(1−Πₜ),   v̂ = v/(1−β₂ᵗ)
        θ ← θ − lr · m̂/(√v̂ + ε)

    PyTorch's NAdam averages m with β₁ in place of μₜ.
    """

    lr: Positive = 2e-3
    psi: NonNegative = 0.004
    """How fast μ grows from β₁/2 to β₁."""

    def init(self, n: int, dtype: DTypeLike) -> State:
        """Make the state that precedes the first step; besides the usual, ``"product"``: Πₜ, shape (1,)."""
        return super().init(n, dtype) | {"product": np.ones(1)}

    def advance(self, state: State) -> None:
        super().advance(state)
        state["product"] *= self._momentum(steps(state))

    def _momentum(self, t: int) -> float:
        return self.beta1 * (1 - 0.5 * math.pow(0.96, t * self.psi))

    def update_block(self, state: State, theta: Vector, g: Vector, m: Vector, v: Vector, *, lr: float) -> None:
        t, product = steps(state), float(state["product"][0])
        now, following = self._momentum(t), self._momentum(t + 1)
        r = math.sqrt(1 - self.beta2**t)
        s = average_square(v, self.beta2, g)
        average(m, now, g)  # leaves (1−μₜ)·g in g
        g *= 1 / (1 - product)
        np.multiply(m, following / (1 - product * following), out=s)
        g += s
        descend(theta, g, g, v, self.eps * r, lr * r)
