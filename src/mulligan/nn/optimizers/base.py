"""The base class of optimisers: options in a frozen dataclass, state in flat vectors, a step in place."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.errors import ConfigError
from mulligan.nn.blocks import blocks
from mulligan.nn.fields import Checked

Vector: TypeAlias = NDArray[Any]
"""A flat array, float32 or float64, one element per parameter (a block of one, inside `update_block`)."""

State: TypeAlias = dict[str, NDArray[Any]]
"""What an optimiser remembers: flat vectors by name, and the step count ``"t"``, int64 of shape (1,)."""

Spec = TypeVar("Spec", bound="Optimizer")


@dataclass(frozen=True)
class Optimizer(Checked, ABC):
    """Subclass this for your own rule that turns a gradient into a change of the parameters.

    Name the flat vectors of its state in `slots`, call its rate ``lr``, and implement `update_block`. A step is one
    `advance`, then an `update` of the whole vector: in one call (`step`), or in parts that several threads take at the
    same time.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """Names of the flat state vectors that this class adds."""

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of all flat state vectors, in the order in which `update_block` receives them."""
        return self.slots

    @property
    def evaluations(self) -> int:
        """Gradient evaluations in one training step, each followed by `step`."""
        return 1

    def init(self, n: int, dtype: DTypeLike) -> State:
        """Make the state that precedes the first step.

        Parameters
        ----------
        n : int
            Number of parameters.
        dtype : dtype
            float32 or float64, as the parameters.

        Returns
        -------
        dict of str to ndarray
            One zero vector of shape (n,) per name in `vectors`, and ``"t"``, int64 of shape (1,), zero.
        """
        return {name: np.zeros(n, dtype) for name in self.vectors} | {"t": np.zeros(1, np.int64)}

    def step(self, theta: Vector, grad: Vector, state: State) -> None:
        """Take one step, in place.

        Parameters
        ----------
        theta : (n,) array
            The parameters; overwritten by the new ones.
        grad : (n,) array
            The gradient at `theta`, of the same dtype. The step overwrites it with arbitrary values.
        state : dict of str to ndarray
            From `init`; updated in place.
        """
        self.advance(state)
        self.update(theta, grad, state, slice(0, theta.size))

    def advance(self, state: State) -> None:
        """Count the step: t ← t + 1. Call it once a step, before any `update`."""
        state["t"] += 1

    def update(self, theta: Vector, grad: Vector, state: State, part: slice) -> None:
        """Take the step that `advance` has counted, for one contiguous part of the parameters.

        Disjoint parts may run in several threads at once, in any order: the result is the same to the byte.

        Parameters
        ----------
        theta, grad : (n,) array
            The whole vectors, as in `step`; only ``theta[part]`` and ``grad[part]`` are touched.
        state : dict of str to ndarray
            From `init`, after `advance`.
        part : slice
            ``slice(start, stop)``, both given.
        """
        for block in blocks(part):
            self.update_block(state, theta[block], grad[block], *[state[name][block] for name in self.vectors])

    def scaled(self, factor: float, beta2: float | None = None) -> Self:
        """Return this optimiser with its rate times `factor`, for a schedule at one step.

        Parameters
        ----------
        factor : float
            Multiplies ``lr``; 0 is allowed.
        beta2 : float, optional
            Replaces ``beta2``, in [0, 1).

        Returns
        -------
        Optimizer
            A copy, or the optimiser itself if nothing changes.

        Raises
        ------
        ConfigError
            If the optimiser has no ``lr``, if it has no ``beta2`` to replace, or if `beta2` is outside [0, 1).
        """
        if factor == 1 and beta2 is None:
            return self
        if "lr" not in vars(self):
            raise ConfigError(
                f"{type(self).__name__} must have an option lr under a schedule of rates (now at {factor:.6g}), got "
                "none. Call its rate lr, or use schedules.lr = constant."
            )
        changes = {"lr": float(vars(self)["lr"] * factor)}
        if beta2 is not None:
            if "beta2" not in vars(self):
                raise ConfigError(
                    f"{type(self).__name__} must have an option beta2 under a schedule of beta2 (now at {beta2!r}), "
                    "got none. Remove the schedule, or use an optimiser of the Adam family."
                )
            if not 0 <= beta2 < 1:
                raise ConfigError(
                    f"{type(self).__name__}: beta2 must be a finite number, at least 0 and below 1, at every step, got "
                    f"{beta2:.6g} from a schedule. Try a schedule from 0.9 to 0.999."
                )
            changes["beta2"] = float(beta2)
        return rebuilt(self, _unscheduled=self.unscheduled, **changes)

    @property
    def unscheduled(self) -> Self:
        """The optimiser that `scaled` copied, or this one itself."""
        origin: Self = vars(self).get("_unscheduled", self)
        return origin

    @abstractmethod
    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Vector) -> None:
        """Move one block of the parameters, in place; `g` is the gradient, and may be overwritten."""


def steps(state: State) -> int:
    """Return t, the number of the current step from 1 on, as a Python number."""
    return int(state["t"][0])


def rebuilt(spec: Spec, **changes: Any) -> Spec:
    """Copy a frozen dataclass with some fields changed, without its checks, which would cost time in every step."""
    copy = object.__new__(type(spec))
    vars(copy).update(vars(spec), **changes)
    return copy
