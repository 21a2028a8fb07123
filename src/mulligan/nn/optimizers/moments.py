"""Running means of the gradient and of its square: as the papers write them, and as Adam keeps them.

Adam keeps sums where its paper keeps means, which saves a pass over memory. Divide the line of m by 1−β₁, and that of v
by 1−b, where b is the β₂ that the optimiser was made with (a schedule may change β₂). This leaves two sums,
M = m/(1−β₁) and V = v/(1−b), which the state holds as "m" and "v":

    M ← β₁·M + g
    V ← β₂·V + (1−β₂)/(1−b)·g²

M needs no scaled copy of g, and V needs none if β₂ = b. The constants come back as numbers, not as passes over vectors.
With r = √((1−β₂ᵗ)/(1−b)), √v̂ = √V/r, hence

    m̂/(√v̂ + ε) = r (1−β₁)/(1−β₁ᵗ) · M/(√V + ε·r)

which is Algorithm 1 with its ε, exactly. With β₁ = 0, m is g itself, and M stays zero: eight passes replace ten.

Derived in docs/book/05-adam.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mulligan.nn.blocks import scratch_like
from mulligan.nn.optimizers.base import Vector

if TYPE_CHECKING:
    from mulligan.nn.optimizers.adam import Adam


def average(m: Vector, beta1: float, g: Vector) -> None:
    """Set m ← β₁·m + (1−β₁)·g; overwrites `g`."""
    g *= 1 - beta1
    m *= beta1
    m += g


def average_square(v: Vector, beta2: float, g: Vector) -> Vector:
    """Set v ← β₂·v + (1−β₂)·g²; keeps `g`. Return the scratch block, for the caller to use."""
    s = scratch_like(g)
    np.multiply(g, g, out=s)
    s *= 1 - beta2
    v *= beta2
    v += s
    return s


def add_gradient(rule: Adam, m: Vector, g: Vector) -> None:
    """Set M ← β₁·M + g; keeps `g`."""
    if beta1 := rule.beta1:
        m *= beta1
        m += g


def add_square(rule: Adam, v: Vector, g: Vector) -> Vector:
    """Set V ← β₂·V + (1−β₂)/(1−b)·g²; keeps `g`. Return the scratch block, for the caller to use."""
    beta2, b = rule.beta2, rule.unscheduled.beta2
    s = scratch_like(g)
    np.multiply(g, g, out=s)
    if beta2 != b:
        s *= (1 - beta2) / (1 - b)
    v *= beta2
    v += s
    return s


def direction(rule: Adam, m: Vector, v: Vector, g: Vector, s: Vector, t: int) -> float:
    """Turn the gradient `g` into m̂/(√v̂ + ε), up to the factor that is returned."""
    r = math.sqrt((1 - rule.beta2**t) / (1 - rule.unscheduled.beta2))
    np.sqrt(v, out=s)
    s += rule.eps * r
    if rule.beta1 == 0:
        g /= s
        return r
    np.divide(m, s, out=g)
    return r * (1 - rule.beta1) / (1 - rule.beta1**t)
