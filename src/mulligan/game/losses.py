"""Losses of the two players, as functions of D's logits: value and gradients together, by name.

D's output is a logit; no loss ever sees a probability, so none needs a clamp. All values are means over the N rows of
the batch; the gradients carry the 1/N. σ is the logistic function, sp(x) = log(1 + eˣ) = −log σ(−x).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from mulligan.nn.layers.activations import sigmoid as logistic
from mulligan.nn.memory import Array, constant
from mulligan.nn.ranges import Fraction, Integer, check_ranges


class DiscriminatorLoss(NamedTuple):
    """Value, and its gradients with respect to D's logits of the real and the fake rows, each (n,)."""

    value: float
    real: Array
    fake: Array


class GeneratorLoss(NamedTuple):
    """Value, and its gradient with respect to D's logits of the fake rows, (n,)."""

    value: float
    fake: Array


def sigmoid(x: Array) -> Array:
    """Return σ(x), exact to a few roundings however small: a saturated G learns from 1e-12."""
    out = np.empty_like(x)
    logistic(x, out)
    return out


def softplus(x: Array) -> Array:
    """Return log(1 + eˣ) without overflow."""
    return np.logaddexp(x, constant(0, x.dtype))


def mean(x: Array) -> float:
    """Return the mean of x, (n,), in a quarter of the time that the method takes for a batch of logits."""
    return float(np.add.reduce(x)) / len(x)


def accuracy(real: Array, fake: Array, level: float) -> float:
    """Return the share of logits, (n,) of each side, on the right side of `level`: reals above it, fakes not."""
    level_ = constant(level, real.dtype)
    hits = np.count_nonzero(real > level_) + len(fake) - np.count_nonzero(fake > level_)
    return float(hits / (2 * len(real)))


@dataclass(frozen=True)
class Loss:
    """What both players minimise. One of one's own writes `discriminator` and `generator`."""

    relativistic: ClassVar[bool] = False
    """True when both losses are of differences between reals and fakes: G's sees the reals' logits, too, and the level
    of D's output is free."""
    threshold: ClassVar[float | None] = 0.0
    """What D is right to be above on reals and below on fakes; None where the level of its output is free."""

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def level(self) -> float | None:
        """The logit at which D cannot tell; None where only differences of its output mean something."""
        return None if self.relativistic else self.threshold

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        """Return D's loss and its gradients with respect to the logits.

        Parameters
        ----------
        real, fake : (n,) arrays
            D's logits of the whole batch; not to be written to.
        """
        raise NotImplementedError

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        """Return G's loss and its gradient with respect to the logits of the fakes.

        Parameters
        ----------
        real : (n,) array
            As for `discriminator`; empty in an alternating update, unless the loss is `relativistic`.
        fake : (n,) array
        """
        raise NotImplementedError


@dataclass(frozen=True)
class NonSaturating(Loss):
    """D as in the paper; G minimises −log D(G(z)), strong where D is sure (Goodfellow et al. 2014, §3).

    D: E sp(−D(x)) + E sp(D(G(z)));  with one-sided label smoothing s the target of reals is 1 − s
    (Salimans et al. 2016, §3.4): + s·E D(x).

    Parameters
    ----------
    smoothing : float
        s, from 0 to 1; 0.1 is usual.
    """

    smoothing: Fraction = 0.0

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, s = len(real), self.smoothing
        wrong = np.concatenate([-real, fake])  # one call for both sides: a batch of logits is all overhead
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
    """The zero-sum game of Goodfellow et al. 2014, Eq. 1: G minimises log(1 − D(G(z))), and stalls when D is sure."""

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        return GeneratorLoss(-mean(softplus(fake)), -sigmoid(fake) / len(fake))


@dataclass(frozen=True)
class LiteralCost(NonSaturating):
    """The article's cost as printed: −log D(x) + log(1 − D(G(z))), a minus sign only before the first term.

    D is rewarded for calling fakes real, so the players agree and nothing is learned (Seo 2018; kept to be studied).
    """

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, s = len(real), self.smoothing
        value = softplus(-real).mean() + s * real.mean() - softplus(fake).mean()
        return DiscriminatorLoss(float(value), (s - sigmoid(-real)) / n, -sigmoid(fake) / n)


@dataclass(frozen=True)
class LeastSquares(Loss):
    """½E(D(x) − 1)² + ½E D(G(z))²;  G: ½E(D(G(z)) − 1)² (Mao et al. 2017, Eq. 9)."""

    threshold: ClassVar[float | None] = 0.5  # amid the targets 0 and 1

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n = len(real)
        value = 0.5 * np.square(real - 1.0).mean() + 0.5 * np.square(fake).mean()
        return DiscriminatorLoss(float(value), (real - 1.0) / n, fake / n)

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        return GeneratorLoss(float(0.5 * np.square(fake - 1.0).mean()), (fake - 1.0) / len(fake))


@dataclass(frozen=True)
class Wasserstein(Loss):
    """E D(G(z)) − E D(x);  G: −E D(G(z)) (Arjovsky et al. 2017, Eq. 3). D is a critic and must be kept Lipschitz."""

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
    """RpGAN: each real against one fake, E sp(−(D(xᵢ) − D(G(zᵢ)))); G with the roles swapped.

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
    """RaGAN: each row against the mean of the other side (Jolicoeur-Martineau 2018, Eqs. 15–16).

    D: E sp(−(D(x) − f̄)) + E sp(D(G(z)) − r̄) with r̄, f̄ the batch means, which carry gradients too; G: roles swapped.
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


@dataclass(frozen=True)
class FeatureMatching(NonSaturating):
    """G matches the mean of D's features: ‖E h(x) − E h(G(z))‖² (Salimans et al. 2016, §3.1); D as non-saturating.

    Parameters
    ----------
    layer : int
        Which of D's layers gives h, counted from 0; negative counts from the end (−2: what the last layer sees).
    smoothing : float
        As in `NonSaturating`.
    """

    layer: Integer = -2

    @staticmethod
    def match(real_mean: Array, fake_mean: Array, n: int) -> tuple[float, Array]:
        """Return ‖r̄ − f̄‖² and its gradient with respect to the features of one of n fake rows."""
        difference = fake_mean - real_mean
        return float(np.square(difference).sum()), 2.0 * difference / n


LOSSES: dict[str, type[Loss]] = {
    "non_saturating": NonSaturating,
    "minimax": Minimax,
    "literal_cost": LiteralCost,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "relativistic": Relativistic,
    "relativistic_average": RelativisticAverage,
    "feature_matching": FeatureMatching,
}
"""Every loss by the name that a configuration uses; one of your own is one more entry."""
