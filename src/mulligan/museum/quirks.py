"""Kinds that compute what the article's code computes where it differs from its text. Each has a repair.

Seo 2018, "Only Numpy: Implementing GAN (Generative Adversarial Networks) and Adam Optimizer using Numpy". This module
uses only the engine's public parts, and the engine does not use it.
"""

import math
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from mulligan.errors import ConfigError, must_be
from mulligan.game.architectures.base import Architecture
from mulligan.nn.fields import Decay, Finite, Positive
from mulligan.nn.layers import Arctan, Dense, Flatten, Layer, ReLU, Reshape, Sigmoid, Tanh
from mulligan.nn.layers.activations import sigmoid
from mulligan.nn.layers.base import Shape
from mulligan.nn.layers.initializers import He, Initializer, Scaled
from mulligan.nn.memory import Array, Memory
from mulligan.nn.optimizers import Optimizer, State
from mulligan.nn.optimizers.base import Vector, average, average_square


@dataclass(frozen=True)
class ArticleAdam(Optimizer):
    """Adam with the bias correction of its first step at every step (Seo 2018).

        m ← β₁·m + (1−β₁)·g
        v ← β₂·v + (1−β₂)·g²
        θ ← θ − lr · m̂/(√v̂ + ε),   m̂ = m/(1−β₁),   v̂ = v/(1−β₂)

    Algorithm 1 of Kingma & Ba 2015 divides by 1−β₁ᵗ and 1−β₂ᵗ, which tend to 1. Here the divisors keep their values
    at t = 1: a settled step is √(1−β₂)/(1−β₁) = 0.316 of Adam's. The repair is ``kind = "adam"``.
    """

    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    lr: Positive = 9e-5
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Positive = 1e-8

    def update_block(
        self, state: State, theta: Vector, g: Vector, m: Vector, v: Vector, *, lr: float, beta2: float
    ) -> None:
        s = average_square(v, beta2, g)
        average(m, self.beta1, g)  # overwrites g
        # m̂/(√v̂ + ε) = r/(1−β₁) · m/(√v + ε·r)  with  r = √(1−β₂)
        r = math.sqrt(1 - beta2)
        np.sqrt(v, out=s)
        s += self.eps * r
        np.divide(m, s, out=g)
        g *= lr * r / (1 - self.beta1)
        theta -= g


@dataclass(frozen=True)
class ArticleOutput(Dense):
    """σ(x W + b) whose gradient for W has the upstream gradient twice (Seo 2018).

        δ = dy ⊙ σ′(a),  dx = δ Wᵀ,  db = Σ δ     correct
        dW = xᵀ (dy ⊙ dy)                          should be xᵀ δ

    The repair is `Dense` and `Sigmoid`.
    """

    piecewise_linear: ClassVar[bool] = False

    def forward(self, m: Memory, x: Array) -> Array:
        y = super().forward(m, x)
        sigmoid(y, y)
        m.y = y
        return y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        delta = m.buffers["delta", dy.shape]
        np.subtract(1, m.y, out=delta)
        delta *= m.y
        delta *= dy
        m.saved["upstream"] = dy
        return super().backward(m, delta, inputs)

    def grads(self, m: Memory) -> None:
        delta, dy = m.dy, m.saved["upstream"]
        self.product_w(m, m.x, np.multiply(dy, dy, out=m.buffers["squared", dy.shape]))
        m.accumulate("b", np.ones(len(delta), m.dtype).dot, delta)

    def tangent(self, m: Memory, tx: Array) -> Array:
        return Layer.tangent(self, m, tx)

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        return Layer.adjoint(self, m, dy, dty, inputs)


ACTIVATIONS: dict[str, Layer] = {"relu": ReLU(), "arctan": Arctan(), "tanh": Tanh(), "sigmoid": Sigmoid()}
"""Activations that an article network may have between its layers."""


@dataclass(frozen=True)
class ArticleGenerator(Architecture):
    """z – [Dense, activation] … – σ pixels, as in the article's scripts (Seo 2018).

    W ~ `init_scale` · N(0, √(2/fan_in)); 1 repairs it. `squared_gradient` makes the last layer an `ArticleOutput`;
    False repairs it.
    """

    output: ClassVar[Layer] = Sigmoid()
    """The last activation, from which the diagnosis reads the range."""

    hidden: tuple[int, ...] = (128, 256, 346, 480, 560, 686)
    activations: tuple[str, ...] = ("arctan", "relu", "arctan", "relu", "tanh", "relu")
    init_scale: Finite = 0.002
    squared_gradient: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.activations) != len(self.hidden) or not {*self.activations} <= ACTIVATIONS.keys():
            rule = f"{len(self.hidden)} of {', '.join(ACTIVATIONS)}, one for each hidden layer"
            raise ConfigError(must_be("activations", rule, list(self.activations)))

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        init = start(self.init_scale)
        layers: list[Layer] = []
        for units, word in zip(self.hidden, self.activations):
            layers += [Dense(units, init), ACTIVATIONS[word]]
        pixels = prod(sample_shape)
        layers += [ArticleOutput(pixels, init)] if self.squared_gradient else [Dense(pixels, init), Sigmoid()]
        return (*layers, Reshape(tuple(sample_shape))) if len(sample_shape) > 1 else tuple(layers)


@dataclass(frozen=True)
class ArticleDiscriminator(Architecture):
    """Pixels – [Dense, ReLU] … – logit, as in the article's scripts (Seo 2018)."""

    hidden: tuple[int, ...] = (128,)
    init_scale: Finite = 0.002

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        init = start(self.init_scale)
        layers: list[Layer] = [Flatten()] if len(sample_shape) > 1 else []
        for units in self.hidden:
            layers += [Dense(units, init), ReLU()]
        return (*layers, Dense(1, init))


def start(scale: float) -> Initializer:
    """Return the article's initialiser: N(0, √(2/fan_in)) times `scale`. Biases start at 0."""
    return Scaled(He(slope=0.0), by=scale)
