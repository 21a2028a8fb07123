"""Adam: a mean of the gradient, divided by the root of a mean of its square.

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

from mulligan.nn.fields import Decay, Epsilon, Positive
from mulligan.nn.memory import scratch
from mulligan.nn.optimizers.base import Optimizer, State, Vector, steps


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
        np.sqrt(v, out=s)
        s += self.eps * r
        np.divide(m if beta1 else g, s, out=g)  # M/(√V + ε·r)
        g *= lr * (r * (1 - beta1) / (1 - beta1**t))
        theta -= g  # θ ← θ − lr·m̂/(√v̂ + ε)
