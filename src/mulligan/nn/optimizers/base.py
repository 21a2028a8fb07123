"""The base class of optimisers: options in a frozen dataclass, state in flat vectors, a step in place."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.errors import ConfigError
from mulligan.nn.fields import Checked
from mulligan.nn.memory import blocks, scratch

Vector: TypeAlias = NDArray[Any]
"""A flat array, float32 or float64, one element per parameter (a block of one, inside `update_block`)."""

State: TypeAlias = dict[str, NDArray[Any]]
"""What an optimiser remembers: flat vectors by name, and the step count ``"t"``, int64 of shape (1,)."""


@dataclass(frozen=True)
class Optimizer(Checked):
    """Subclass this for your own rule that turns a gradient into a change of the parameters.

    Name the flat vectors of its state in `slots`, call its rate ``lr``, and implement `update_block`. A step is one
    `advance`, then an `update` of the whole vector: in one call (`step`), or in parts that several threads take at the
    same time.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """Names of the flat state vectors, in the order in which `update_block` receives them."""

    def init(self, n: int, dtype: DTypeLike) -> State:
        """Make the state that precedes the first step, for n parameters of this dtype.

        It has one zero vector of shape (n,) per name in `slots`, and ``"t"``, int64 of shape (1,), zero.
        """
        return {name: np.zeros(n, dtype) for name in self.slots} | {"t": np.zeros(1, np.int64)}

    def rates(self, factor: float = 1.0, beta2: float | None = None) -> dict[str, float]:
        """Return ``"lr"`` and ``"beta2"``, as far as the optimiser has them, as one step takes them.

        `factor` multiplies ``lr``; 0 is allowed. `beta2`, in [0, 1), replaces ``beta2``.
        """
        own = {name: value for name, value in vars(self).items() if name in ("lr", "beta2")}
        for name, scheduled in (("lr", factor != 1), ("beta2", beta2 is not None)):
            if scheduled and name not in own:
                raise ConfigError(
                    f"{type(self).__name__} must have an option {name} under a schedule of {name}, got none. "
                    "Remove the schedule, or use an optimiser that has one."
                )
        if beta2 is not None and not 0 <= beta2 < 1:
            raise ConfigError(
                f"{type(self).__name__}: beta2 must be a finite number, at least 0 and below 1, at every step, got "
                f"{beta2:.6g} from a schedule. Try a schedule from 0.9 to 0.999."
            )
        if "lr" in own:
            own["lr"] = float(own["lr"] * factor)
        return own if beta2 is None else own | {"beta2": float(beta2)}

    def step(self, theta: Vector, grad: Vector, state: State, **rates: float) -> None:
        """Take one step, in place.

        `theta` and `grad`, (n,), are of one dtype; `grad` is overwritten with arbitrary values. `state` is from `init`.
        `rates` take the place of the options of the same name for this step.
        """
        self.advance(state)
        self.update(theta, grad, state, slice(0, theta.size), **rates)

    def advance(self, state: State) -> None:
        """Count the step: t ← t + 1. Call it once a step, before any `update`."""
        state["t"] += 1

    def update(self, theta: Vector, grad: Vector, state: State, part: slice, **rates: float) -> None:
        """Take the step that `advance` has counted, for one contiguous part of the parameters.

        `theta` and `grad` are the whole vectors, as in `step`; only ``theta[part]`` and ``grad[part]`` are touched.
        Disjoint parts may run in several threads at once, in any order: the result is the same to the byte.
        """
        rates = self.rates() | rates
        vectors = [state[name] for name in self.slots]
        for block in blocks(part):
            self.update_block(state, theta[block], grad[block], *[vector[block] for vector in vectors], **rates)

    @abstractmethod
    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Any, **rates: Any) -> None:
        """Move one block of the parameters, in place.

        `state` holds the step count, which `steps` reads. The gradient `g` may be overwritten. `slots` are the blocks
        of the state vectors. `rates` are this step's ``lr`` and ``beta2``; use these, because schedules change them.
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
