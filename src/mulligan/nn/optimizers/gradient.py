"""Gradient descent: plain, with momentum, and with a rate for each weight from the squares of its gradients."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from mulligan.nn.fields import Decay, Epsilon, Interval, Positive
from mulligan.nn.memory import scratch
from mulligan.nn.optimizers.base import Optimizer, State, Vector, average_square, descend

Momenta = Annotated[float, Interval(-1.0, 1.0, "()", 0.9)]


@dataclass(frozen=True)
class SGD(Optimizer):
    """Move against the gradient.

    Source: Robbins & Monro 1951, "A Stochastic Approximation Method"; Ruder 2016, §2.2.

        θ ← θ − lr·g
    """

    def update_block(self, state: State, theta: Vector, g: Vector, /, *, lr: float) -> None:
        g *= lr
        theta -= g


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Keep a part of the last step in each step, like a heavy ball.

    Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods"; Ruder 2016, §4.1;
    for negative momentum Gidel et al. 2019, "Negative Momentum for Improved Game Dynamics".

        v ← μ·v − lr·g
        θ ← θ + v

    v is the last step itself. A change of ``lr`` acts on new gradients only, as in the paper.
    """

    slots: ClassVar[tuple[str, ...]] = ("v",)
    lr: Positive = 0.01
    momentum: Momenta = 0.9
    """μ, in (−1, 1); negative values damp the rotation of a game."""

    def update_block(self, state: State, theta: Vector, g: Vector, v: Vector, *, lr: float) -> None:
        g *= lr
        v *= self.momentum
        v -= g
        theta += v


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Take the gradient where momentum is about to lead.

    Source: Nesterov 1983, "A method of solving a convex programming problem with convergence rate O(1/k²)",
    as momentum in Sutskever et al. 2013, "On the importance of initialization and momentum", Eqs. 3 and 4.

        v ← μ·v − lr·∇f(φ + μ·v)
        φ ← φ + v

    The parameters that a caller sees are the point of the gradient, θ = φ + μ·v, which equals φ before the first step.
    In θ the two lines read

        v ← μ·v − lr·g
        θ ← θ + μ·v − lr·g
    """

    def update_block(self, state: State, theta: Vector, g: Vector, v: Vector, *, lr: float) -> None:
        g *= lr
        v *= self.momentum
        v -= g
        theta -= g
        np.multiply(v, self.momentum, out=g)
        theta += g


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Lower each weight's rate with all its squared gradients so far: large steps for rare features.

    Source: Duchi et al. 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    Fig. 1 (diagonal, no projection; δ is ``eps``); Ruder 2016, §4.3.

        s ← s + g²
        θ ← θ − lr · g/(√s + ε)
    """

    slots: ClassVar[tuple[str, ...]] = ("s",)
    lr: Positive = 0.01
    eps: Epsilon = 1e-10

    def update_block(self, state: State, theta: Vector, g: Vector, s: Vector, *, lr: float) -> None:
        root = scratch("block", g.size, g.dtype)
        np.multiply(g, g, out=root)
        s += root
        descend(theta, g, g, s, self.eps, lr)


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Take steps in the units of the weights: the root mean square of past steps over that of past gradients.

    Source: Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method", Algorithm 1.

        v ← ρ·v + (1−ρ)·g²
        Δ = −√(d + ε)/√(v + ε) · g
        d ← ρ·d + (1−ρ)·Δ²
        θ ← θ + lr·Δ

    The paper has no rate: lr = 1. With another, d still averages Δ, not lr·Δ.
    """

    slots: ClassVar[tuple[str, ...]] = ("v", "d")
    lr: Positive = 1.0
    rho: Decay = 0.95
    eps: Epsilon = 1e-6
    """Starts the motion and keeps the quotient finite."""

    def update_block(self, state: State, theta: Vector, g: Vector, v: Vector, d: Vector, *, lr: float) -> None:
        root = average_square(v, self.rho, g)
        np.add(v, self.eps, out=root)
        np.sqrt(root, out=root)
        g /= root
        np.add(d, self.eps, out=root)
        np.sqrt(root, out=root)
        g *= root  # g = −Δ
        average_square(d, self.rho, g)
        g *= lr
        theta -= g


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Divide the gradient by its root mean square: its sign, averaged for small batches.

    Source: Tieleman & Hinton 2012, "Lecture 6.5: rmsprop", Coursera; Ruder 2016, §4.5.

        v ← ρ·v + (1−ρ)·g²
        θ ← θ − lr · g/(√v + ε)

    The lecture has no ε. Here it is outside the root, as in Adam.
    """

    slots: ClassVar[tuple[str, ...]] = ("v",)
    lr: Positive = 1e-3
    rho: Decay = 0.9
    """Decay of the mean square; the lecture's 0.9."""
    eps: Epsilon = 1e-8

    def update_block(self, state: State, theta: Vector, g: Vector, v: Vector, *, lr: float) -> None:
        average_square(v, self.rho, g)
        descend(theta, g, g, v, self.eps, lr)
