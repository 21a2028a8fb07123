"""The base class of optimisers: options in a frozen dataclass, state in flat vectors, a step in place."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.nn.fields import Checked, Positive
from mulligan.nn.memory import blocks, scratch

Vector: TypeAlias = NDArray[Any]
"""A flat array, float32 or float64, one element per parameter (a block of one, inside `update_block`)."""

State: TypeAlias = dict[str, NDArray[Any]]
"""What an optimiser remembers: flat vectors by name, and the step count ``"t"``, int64 of shape (1,)."""


@dataclass(frozen=True)
class Optimizer(Checked):
    """Subclass this for your own rule that turns a gradient into a change of the parameters.

    Name the flat vectors of its state in `slots`, and implement `update_block`. A step is one
    `advance`, then an `update` of the whole vector: in one call (`step`), or in parts that several threads take at the
    same time.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """Names of the flat state vectors, in the order in which `update_block` receives them."""
    lr: Positive = 0.01

    def init(self, n: int, dtype: DTypeLike) -> State:
        """Make the state that precedes the first step, for n parameters of this dtype.

        It has one zero vector of shape (n,) per name in `slots`, and ``"t"``, int64 of shape (1,), zero.
        """
        return {name: np.zeros(n, dtype) for name in self.slots} | {"t": np.zeros(1, np.int64)}

    def step(self, theta: Vector, grad: Vector, state: State, lr: float | None = None) -> None:
        """Take one step, in place.

        `theta` and `grad`, (n,), are of one dtype; `grad` is overwritten with arbitrary values. `state` is from `init`.
        `lr` takes the place of the option for this step.
        """
        self.advance(state)
        self.update(theta, grad, state, slice(0, theta.size), lr)

    def advance(self, state: State) -> None:
        """Count the step: t ← t + 1. Call it once a step, before any `update`."""
        state["t"] += 1

    def update(self, theta: Vector, grad: Vector, state: State, part: slice, lr: float | None = None) -> None:
        """Take the step that `advance` has counted, for one contiguous part of the parameters.

        `theta` and `grad` are the whole vectors, as in `step`; only ``theta[part]`` and ``grad[part]`` are touched.
        Disjoint parts may run in several threads at once, in any order: the result is the same to the byte.
        """
        lr, vectors = self.lr if lr is None else lr, [state[name] for name in self.slots]
        for block in blocks(part):
            self.update_block(state, theta[block], grad[block], *[vector[block] for vector in vectors], lr=lr)

    @abstractmethod
    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Any, **rate: Any) -> None:
        """Move one block of the parameters, in place.

        `state` holds the step count, which `steps` reads. The gradient `g` may be overwritten. `slots` are the blocks
        of the state vectors. `rate` has this step's ``lr``; use it, because schedules change it.
        """


def steps(state: State) -> int:
    """Return t, the number of the current step from 1 on, as a Python number."""
    return int(state["t"][0])


def average(m: Vector, beta1: float, g: Vector) -> None:
    """Set m ← β₁·m + (1−β₁)·g; overwrites `g`."""
    g *= 1 - beta1
    m *= beta1
    m += g


def average_square(v: Vector, beta2: float, g: Vector) -> Vector:
    """Set v ← β₂·v + (1−β₂)·g²; keeps `g`. Return the scratch block, for the caller to use."""
    s = scratch("block", g.size, g.dtype)
    np.multiply(g, g, out=s)
    s *= 1 - beta2
    v *= beta2
    v += s
    return s


def descend(theta: Vector, g: Vector, m: Vector, v: Vector, eps: float, rate: float) -> None:
    """Move θ ← θ − rate · m/(√v + ε); overwrites `g`, which may be `m`."""
    s = scratch("block", g.size, g.dtype)
    np.sqrt(v, out=s)
    s += eps
    np.divide(m, s, out=g)
    g *= rate
    theta -= g
