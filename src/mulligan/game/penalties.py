"""Gradient penalties: functions of the rows g = ∇ₓD(x) that give their value P and v = ∂P/∂g.

With v held fixed, ∂P/∂θ = ∂/∂θ ⟨v, ∇ₓD⟩ is the gradient of a directional derivative. The network's tangent and adjoint
passes compute it. D(x) is the logit.

Derived in docs/book/04-second-order.md.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.nn.fields import Checked, NonNegative
from mulligan.nn.memory import Array

Points = Literal["real", "fake", "between", "around"]
"""The points of a penalty: the real rows, the fake rows, ε·real + (1−ε)·fake, or real + noise."""


@dataclass(frozen=True)
class Penalty(Checked):
    """Subclass this for a penalty on D's input gradients: choose its `points`, and implement `value_and_grad`."""

    points: ClassVar[Points] = "real"

    @cached_property
    def name(self) -> str:
        """The name of its value among a step's measures: its name in a configuration, or else the class's name."""
        return next((kind for kind, cls in PENALTIES.items() if cls is type(self)), type(self).__name__.lower())

    @property
    def apart(self) -> bool:
        """Whether its points are not rows of the batch, and D needs a separate pass for them."""
        return self.points in ("between", "around")

    def draw(self, rng: np.random.Generator, real: Array) -> Array:
        """Draw the random numbers that place the points around the reals, which are not augmented; only if `apart`.

        For "between", return ε of each row, (n, 1, …), by default from U(0, 1). For "around", return the shift of every
        element, of the shape of `real`: such a penalty must implement this method.
        """
        if self.points == "around":
            raise UnsupportedError(f"{type(self).__name__} must implement draw: its points are 'around' the reals.")
        return rng.random((len(real), *[1] * (real.ndim - 1)), dtype=real.dtype.type)

    @abstractmethod
    def value_and_grad(self, g: Array, n: int, out: Array, factor: float = 1.0) -> float:
        """Write v = ∂P/∂g into `out`, and return these rows' share of P.

        `g` is ∇ₓD of some rows of the batch; P is a mean over the n rows of the whole batch. `factor` is the
        schedule's, of the penalty's weight.
        """


def squared_norms(g: Array) -> Array:
    """Return ‖g‖² of each row, (rows,)."""
    flat = g.reshape(len(g), -1)
    norms: Array = np.einsum("ij,ij->i", flat, flat)
    return norms


def scale_rows(g: Array, by: Array, out: Array) -> None:
    """Write by[i]·g[i]."""
    np.multiply(g, by.reshape(-1, *[1] * (g.ndim - 1)), out=out)


@dataclass(frozen=True)
class R1(Penalty):
    """(γ/2)·E‖∇D(x)‖² on reals (Mescheder et al. 2018, Eq. 9)."""

    gamma: NonNegative = 1.0
    """γ ≥ 0, for pixels in [−1, 1]. For pixels in [0, 1], a quarter of it is the same penalty."""

    def value_and_grad(self, g: Array, n: int, out: Array, factor: float = 1.0) -> float:
        gamma = self.gamma * factor
        np.multiply(g, gamma / n, out=out)  # v = (γ/N) g
        return 0.5 * gamma / n * float(squared_norms(g).sum())


@dataclass(frozen=True)
class R2(R1):
    """(γ/2)·E‖∇D(G(z))‖² on fakes (Mescheder et al. 2018, Eq. 10)."""

    points: ClassVar[Points] = "fake"


@dataclass(frozen=True)
class ZeroCentered(Penalty):
    """λ·E‖∇D(x̂)‖² at x̂ between real and fake (Thanh-Tung et al. 2019, Eq. 7), with λ ≥ 0 the `weight`."""

    weight: NonNegative = 10.0
    points: ClassVar[Points] = "between"

    def value_and_grad(self, g: Array, n: int, out: Array, factor: float = 1.0) -> float:
        return R1(2 * self.weight).value_and_grad(g, n, out, factor)  # v = (2λ/N) g


@dataclass(frozen=True)
class WGANGP(Penalty):
    """λ·E(‖∇D(x̂)‖ − 1)² at x̂ = εx + (1−ε)G(z), ε ~ U(0, 1) (Gulrajani et al. 2017, Eq. 3)."""

    weight: NonNegative = 10.0
    points: ClassVar[Points] = "between"

    def value_and_grad(self, g: Array, n: int, out: Array, factor: float = 1.0) -> float:
        weight = self.weight * factor
        norms = np.sqrt(squared_norms(g))
        excess = norms - 1.0
        # v = (2λ/N)(‖g‖ − 1) g/‖g‖.  At g = 0 the norm has no derivative; 0 is a subgradient, and no NaN.
        by = np.divide(2 * weight / n * excess, norms, out=np.zeros_like(norms), where=norms > 0)
        scale_rows(g, by, out)
        return weight / n * float(np.square(excess).sum())


@dataclass(frozen=True)
class DRAGAN(WGANGP):
    """WGAN-GP's penalty around the reals, at x + spread·std(x)·u with u ~ U(0, 1) for each element.

    Source: Kodali et al. 2017, "On Convergence and Stability of GANs". Their text has x + δ, δ ~ N(0, cI). Their code
    uses this shift, times another number from U(0, 1) for each row.
    """

    spread: NonNegative = 0.5
    """In standard deviations of the batch's pixels; the authors' code has 0.5."""
    points: ClassVar[Points] = "around"

    def draw(self, rng: np.random.Generator, real: Array) -> Array:
        shift = rng.random(real.shape, dtype=real.dtype.type)
        shift *= self.spread * float(real.std())
        return shift


PENALTIES: dict[str, type[Penalty]] = {
    "r1": R1,
    "r2": R2,
    "zero_centered": ZeroCentered,
    "wgan_gp": WGANGP,
    "dragan": DRAGAN,
}
"""Every penalty by the name that a configuration uses."""
