"""Mistakes of published code as kinds that a configuration can name. The engine itself has none of them."""

from dataclasses import dataclass

import numpy as np

from mulligan.game.losses import DiscriminatorLoss, GeneratorLoss, Minimax, NonSaturating, sigmoid, softplus
from mulligan.game.penalties import WGANGP, scale_rows, squared_norms
from mulligan.nn.fields import Count, Positive
from mulligan.nn.memory import Array
from mulligan.nn.optimizers import Optimizer, State
from mulligan.nn.optimizers.base import Vector
from mulligan.nn.schedules import Schedule


@dataclass(frozen=True)
class Frozen(Optimizer):
    """An optimiser that never changes the weights, whatever its rate: θ stays."""

    lr: Positive = 1e-3

    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Vector, **rates: float) -> None:
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
class EveryFew(Schedule):
    """`every` at one step of `every`, and 0 at the others: "lazy" regularisation (Karras et al. 2020)."""

    every: Count = 8

    def __call__(self, step: int, total: int) -> float:
        """Return `every` or 0."""
        return 0.0 if step % self.every else float(self.every)


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
