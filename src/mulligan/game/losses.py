"""Losses of the two players: functions of D's logits that return a value together with its gradients.

D's output is a logit. No loss computes a probability, so none needs a clamp. Values are means over the N rows of the
batch, and the gradients carry the 1/N. σ is the logistic function, sp(x) = log(1 + eˣ) = −log σ(−x).

Derived in docs/book/01-the-game.md. The article's cost and the paper's are compared in
docs/book/08-is-the-cost-right.md.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from mulligan.nn.fields import Checked, Fraction
from mulligan.nn.layers.activations import sigmoid
from mulligan.nn.memory import Array, constant


class DiscriminatorLoss(NamedTuple):
    """Value, and its gradients with respect to D's logits of the real and the fake rows, each (n,)."""

    value: float
    real: Array
    fake: Array


class GeneratorLoss(NamedTuple):
    """Value, and its gradient with respect to D's logits of the fake rows, (n,)."""

    value: float
    fake: Array


def softplus(x: Array) -> Array:
    """Return log(1 + eˣ) without overflow."""
    return np.logaddexp(x, constant(0, x.dtype))


def mean(x: Array) -> float:
    """Return the mean of x, (n,); for a batch of logits, four times as fast as ``x.mean()``."""
    return float(np.add.reduce(x)) / len(x)


def accuracy(real: Array, fake: Array, level: float) -> float:
    """Return the share of logits, (n,) of each side, on the right side of `level`: reals above it, fakes not."""
    level_ = constant(level, real.dtype)
    hits = np.count_nonzero(real > level_) + len(fake) - np.count_nonzero(fake > level_)
    return float(hits / (2 * len(real)))


@dataclass(frozen=True)
class Loss(Checked):
    """Subclass this for your own loss; implement `discriminator` and `generator`."""

    relativistic: ClassVar[bool] = False
    """True if both losses depend only on differences of logits, real minus fake. G's loss then gets the reals', too."""
    threshold: ClassVar[float | None] = 0.0
    """The logit that D should exceed on reals and not on fakes; None if only differences of its output count."""

    @property
    def level(self) -> float | None:
        """The logit at which D cannot tell; None if only differences of its output count."""
        return None if self.relativistic else self.threshold

    @abstractmethod
    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        """Return D's loss and its gradients with respect to the whole batch's logits, (n,); do not change those."""

    @abstractmethod
    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        """Return G's loss and its gradient with respect to the logits of the fakes.

        In an alternating update `real` is empty unless the loss is `relativistic`.
        """


@dataclass(frozen=True)
class NonSaturating(Loss):
    """The usual loss: G minimises −log D(G(z)), which is steep where D is sure of fakes (Goodfellow et al. 2014, §3).

    D: E sp(−D(x)) + E sp(D(G(z))). One-sided label smoothing s adds s·E D(x): the target of reals is 1 − s
    (Salimans et al. 2016, §3.4).
    """

    smoothing: Fraction = 0.0
    """s; 0.1 is usual."""

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, s = len(real), self.smoothing
        wrong = np.concatenate([-real, fake])  # one call for both sides: with so few logits, overhead dominates
        p = sigmoid(wrong)
        p /= n
        value = 2 * mean(softplus(wrong)) + (s * mean(real) if s else 0.0)
        return DiscriminatorLoss(value, s / n - p[:n], p[n:])

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        wrong = -fake
        p = sigmoid(wrong)
        p /= -len(fake)
        return GeneratorLoss(mean(softplus(wrong)), p)


@dataclass(frozen=True)
class Minimax(NonSaturating):
    """The zero-sum game of Goodfellow et al. 2014, Eq. 1: G minimises log(1 − D(G(z))), and stalls if D is sure."""

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        return GeneratorLoss(-mean(softplus(fake)), -sigmoid(fake) / len(fake))


@dataclass(frozen=True)
class LiteralCost(NonSaturating):
    """The article's cost as printed (Seo 2018), to be studied: −log D(x) + log(1 − D(G(z))), with one minus sign.

    It rewards D for calling fakes real. Both players then want the same, and nothing is learned.
    """

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, s = len(real), self.smoothing
        value = softplus(-real).mean() + s * real.mean() - softplus(fake).mean()
        return DiscriminatorLoss(float(value), (s - sigmoid(-real)) / n, -sigmoid(fake) / n)


@dataclass(frozen=True)
class LeastSquares(Loss):
    """½E(D(x) − 1)² + ½E D(G(z))²;  G: ½E(D(G(z)) − 1)² (Mao et al. 2017, Eq. 9)."""

    threshold: ClassVar[float | None] = 0.5  # between the targets 0 and 1

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n = len(real)
        value = 0.5 * np.square(real - 1.0).mean() + 0.5 * np.square(fake).mean()
        return DiscriminatorLoss(float(value), (real - 1.0) / n, fake / n)

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        return GeneratorLoss(float(0.5 * np.square(fake - 1.0).mean()), (fake - 1.0) / len(fake))


@dataclass(frozen=True)
class Wasserstein(Loss):
    """E D(G(z)) − E D(x);  G: −E D(G(z)) (Arjovsky et al. 2017, Eq. 3). D is a critic; keep it Lipschitz."""

    threshold: ClassVar[float | None] = None

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n = len(real)
        return DiscriminatorLoss(mean(fake) - mean(real), np.full_like(real, -1 / n), np.full_like(fake, 1 / n))

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        return GeneratorLoss(-mean(fake), np.full_like(fake, -1 / len(fake)))


@dataclass(frozen=True)
class Hinge(Loss):
    """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z)));  G: −E D(G(z)) (Lim & Ye 2017; Miyato et al. 2018, Eqs. 16–17)."""

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, dtype = len(real), real.dtype
        value = np.maximum(1.0 - real, 0.0).mean() + np.maximum(1.0 + fake, 0.0).mean()
        return DiscriminatorLoss(float(value), -(real < 1.0).astype(dtype) / n, (fake > -1.0).astype(dtype) / n)

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        return GeneratorLoss(-mean(fake), np.full_like(fake, -1 / len(fake)))


@dataclass(frozen=True)
class Relativistic(Loss):
    """RpGAN compares each real with one fake: E sp(−(D(xᵢ) − D(G(zᵢ)))); for G the roles are swapped.

    Jolicoeur-Martineau 2018, Eqs. 13–14, with f = sp; the loss of R3GAN (Huang et al. 2024, Eq. 2).
    """

    relativistic: ClassVar[bool] = True
    threshold: ClassVar[float | None] = None

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        difference = real - fake
        s = sigmoid(-difference) / len(real)
        return DiscriminatorLoss(mean(softplus(-difference)), -s, s)

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        difference = real - fake
        return GeneratorLoss(mean(softplus(difference)), -sigmoid(difference) / len(fake))


@dataclass(frozen=True)
class RelativisticAverage(Loss):
    """RaGAN compares each row with the mean of the other side (Jolicoeur-Martineau 2018, Eqs. 15–16).

    D: E sp(−(D(x) − f̄)) + E sp(D(G(z)) − r̄). The batch means r̄ and f̄ carry gradients. For G the roles are swapped.
    """

    relativistic: ClassVar[bool] = True
    threshold: ClassVar[float | None] = None

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n = len(real)
        to_fake, to_real = real - fake.mean(), fake - real.mean()
        value = softplus(-to_fake).mean() + softplus(to_real).mean()
        p, q = sigmoid(-to_fake), sigmoid(to_real)
        return DiscriminatorLoss(float(value), -(p + q.mean()) / n, (q + p.mean()) / n)

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        to_fake, to_real = real - fake.mean(), fake - real.mean()
        value = softplus(to_fake).mean() + softplus(-to_real).mean()
        p, q = sigmoid(to_fake), sigmoid(-to_real)
        return GeneratorLoss(float(value), -(q + p.mean()) / len(fake))


LOSSES: dict[str, type[Loss]] = {
    "non_saturating": NonSaturating,
    "minimax": Minimax,
    "literal_cost": LiteralCost,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "relativistic": Relativistic,
    "relativistic_average": RelativisticAverage,
}
"""Every loss by the name that a configuration uses. A user's own loss is one more entry."""
