"""Kinds that only the museum's recipes use, under names that begin with `museum.`.

They need only the engine's public parts, and the engine does not know them. Each mistake has a repair.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mulligan.game.architectures import Architecture
from mulligan.game.losses import DiscriminatorLoss, GeneratorLoss, Minimax, NonSaturating, softplus
from mulligan.game.penalties import WGANGP, scale_rows, squared_norms
from mulligan.nn.fields import Finite, Positive
from mulligan.nn.layers import Arctan, Dense, Flatten, Layer, Pointwise, ReLU, Reshape, Sigmoid, Tanh
from mulligan.nn.layers.activations import sigmoid
from mulligan.nn.layers.base import Shape
from mulligan.nn.layers.initializers import He, Scaled
from mulligan.nn.memory import Array, Memory
from mulligan.nn.optimizers import Adam, Optimizer, State
from mulligan.nn.optimizers.base import Vector, average, average_square, descend
from mulligan.output.export.plan import LOWERINGS, Place, Plan

# ── Seo 2018, “Only Numpy: Implementing GAN …”, where its code differs from its text ──────────────────────────────────


@dataclass(frozen=True)
class ArticleAdam(Adam):
    """Adam with the bias correction of its first step at every step (Seo 2018).

        m ← β₁·m + (1−β₁)·g
        v ← β₂·v + (1−β₂)·g²
        θ ← θ − lr · m̂/(√v̂ + ε),   m̂ = m/(1−β₁),   v̂ = v/(1−β₂)

    Algorithm 1 of Kingma & Ba 2015 divides by 1−β₁ᵗ and 1−β₂ᵗ, which tend to 1. Here the divisors keep their values
    at t = 1: a settled step is √(1−β₂)/(1−β₁) = 0.316 of Adam's. The repair is ``kind = "adam"``.
    """

    lr: Positive = 9e-5

    def update_block(self, state: State, theta: Vector, g: Vector, m: Vector, v: Vector, *, lr: float) -> None:
        average_square(v, self.beta2, g)
        average(m, self.beta1, g)
        # m̂/(√v̂ + ε) = r/(1−β₁) · m/(√v + ε·r)  with  r = √(1−β₂)
        r = math.sqrt(1 - self.beta2)
        descend(theta, g, m, v, self.eps * r, lr * r / (1 - self.beta1))


@dataclass(frozen=True)
class ArticleOutput(Dense):
    """σ(x W + b) whose gradient for W has the upstream gradient twice (Seo 2018).

        δ = dy ⊙ σ′(a),  dx = δ Wᵀ,  db = Σ δ     correct
        dW = xᵀ (dy ⊙ dy)                          should be xᵀ δ

    The repair is `Dense` and `Sigmoid`.
    """

    piecewise_linear: ClassVar[bool] = False
    reach: ClassVar[tuple[float, float]] = Sigmoid.reach

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

    tangent, adjoint = Layer.tangent, Layer.adjoint  # no second order


ACTIVATIONS: dict[str, Layer] = {"relu": ReLU(), "arctan": Arctan(), "tanh": Tanh(), "sigmoid": Sigmoid()}


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

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        init = Scaled(He(slope=0.0), by=self.init_scale)
        layers: list[Layer] = []
        for units, word in zip(self.hidden, self.activations, strict=True):
            layers += [Dense(units, init), ACTIVATIONS[word]]
        pixels = math.prod(sample_shape)
        layers += [ArticleOutput(pixels, init)] if self.squared_gradient else [Dense(pixels, init), Sigmoid()]
        return (*layers, Reshape(tuple(sample_shape))) if len(sample_shape) > 1 else tuple(layers)


@dataclass(frozen=True)
class ArticleDiscriminator(Architecture):
    """Pixels – [Dense, ReLU] … – logit, as in the article's scripts (Seo 2018)."""

    hidden: tuple[int, ...] = (128,)
    init_scale: Finite = 0.002

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        init = Scaled(He(slope=0.0), by=self.init_scale)
        layers: list[Layer] = [Flatten()] if len(sample_shape) > 1 else []
        for units in self.hidden:
            layers += [Dense(units, init), ReLU()]
        return (*layers, Dense(1, init))


# ── mistakes of others' published code ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Frozen(Optimizer):
    """An optimiser that never changes the weights, whatever its rate: θ stays."""

    lr: Positive = 1e-3

    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Vector, lr: float) -> None:
        pass


@dataclass(frozen=True)
class LogOfProbability(NonSaturating):
    """−log p(x) − log(1 − p(G(z))) with p = σ(D) computed first, and its gradient by the chain rule.

    dp = −1/p and 1/(1 − p), then σ′ = p(1 − p). In float32 p is 1 from D = 17 on: 1/0 times 0 is NaN. The repair is a
    loss of logits, which has neither quotient: `NonSaturating`.
    """

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, p, q = len(real), sigmoid(real), sigmoid(fake)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = -np.log(p).mean() - np.log(1 - q).mean()
            return DiscriminatorLoss(float(value), -1 / p * (p * (1 - p)) / n, 1 / (1 - q) * (q * (1 - q)) / n)

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        q = sigmoid(fake)
        with np.errstate(divide="ignore", invalid="ignore"):
            return GeneratorLoss(float(-np.log(q).mean()), -1 / q * (q * (1 - q)) / len(fake))


@dataclass(frozen=True)
class UnguardedWGANGP(WGANGP):
    """WGAN-GP that also differentiates ‖g‖ = √Σg² at 0, where g/‖g‖ is 0/0 (keras-io issue 910)."""

    def value_and_grad(self, g: Array, n: int, out: Array, factor: float = 1.0) -> float:
        weight = self.weight * factor
        norms = np.sqrt(squared_norms(g))
        with np.errstate(invalid="ignore", divide="ignore"):
            scale_rows(g, 2 * weight / n * (norms - 1.0) / norms, out)
        return weight / n * float(np.square(norms - 1.0).sum())


@dataclass(frozen=True)
class AutogradCost(Minimax):
    """The cost of autograd's example: D minimises E log σ(−D(x)) − E log σ(−D(G(z))), G the opposite.

    In the example D gives the probability of being *fake*. Written for ours, that is E sp(D(G(z))) − E sp(D(x)). There
    −E sp(D(x)) has no lower bound and a constant pull for ever. +E sp(−D(x)) belongs there.
    """

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n = len(real)
        value = softplus(fake).mean() - softplus(real).mean()
        return DiscriminatorLoss(float(value), -sigmoid(real) / n, sigmoid(fake) / n)


@dataclass(frozen=True)
class Times(Pointwise):
    """A number times x, plus another."""

    by: Finite = 5.0
    plus: Finite = 0.0
    piecewise_linear: ClassVar[bool] = True

    def f(self, x: Array, out: Array) -> None:
        np.multiply(x, self.by, out=out)
        out += self.plus

    def df(self, x: Array, y: Array, out: Array) -> None:
        out.fill(self.by)


KINDS: dict[str, type[Any]] = {
    "article_adam": ArticleAdam,
    "article_output": ArticleOutput,
    "article_generator": ArticleGenerator,
    "article_discriminator": ArticleDiscriminator,
    "frozen": Frozen,
    "log_of_probability": LogOfProbability,
    "unguarded_wgan_gp": UnguardedWGANGP,
    "autograd_cost": AutogradCost,
    "times": Times,
}
"""Optimisers, layers, losses … by name. `mulligan.config.serialization` reads them here."""


def _article_output(plan: Plan, at: Place) -> int:
    """Lower an `ArticleOutput` for export. Its output is that of a dense layer; only its gradient is wrong."""
    value = plan.add(at, "dense", at.value, shape=at.output, arrays=at.arrays("W", "b"))
    return plan.add(at, "sigmoid", value, shape=at.output)


LOWERINGS[ArticleOutput] = _article_output
