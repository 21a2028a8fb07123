"""Every optimiser of the package on two small landscapes: Beale's function, and a saddle between two steep walls.

After the two pictures of Ruder 2016, "An overview of gradient descent optimization algorithms" (section "Visualization
of algorithms"), with one difference: there one learning rate serves all, here every optimiser has the best one of a
stated series, by a stated rule (`choose`), so that what is seen is the optimiser and not its rate.

The animation is made by ``python -m experiments.landscape_pictures``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.errors import ShapeError
from mulligan.nn.optimizers import OPTIMIZERS, Optimizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES: tuple[float, ...] = tuple(float(f"{digit}e{power}") for power in range(-4, 2) for digit in (1, 2, 5))
"""The learning rates that are tried: 1, 2, 5 times the powers of ten from 1e-4 to 50."""


@dataclass(frozen=True)
class Landscape:
    """A function of two variables with its gradient, and where a race over it starts.

    Attributes
    ----------
    start : tuple of float
        The common starting point.
    steps : int
        Training steps of a race.
    near : float
        An optimiser has arrived when f stays below ``lowest + near``.
    lowest : float
        The least value of f.
    minima : tuple of points
        Where it is taken.
    x, y : tuple of float
        The part that pictures show.
    """

    start: tuple[float, float]
    steps: int
    near: float
    lowest: float
    minima: tuple[tuple[float, float], ...]
    x: tuple[float, float]
    y: tuple[float, float]

    def value(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return f(x, y), float64, for arrays of one shape."""
        raise NotImplementedError

    def gradient(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (∂f/∂x, ∂f/∂y), float64 (2,), at a point (2,)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Beale(Landscape):
    """A bent, flat valley between walls that rise by the sixth power.

    Source: Beale 1958, "On an iterative method for finding a local minimum of a function of more than one variable".

        f = (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²,   f(3, 0.5) = 0
    """

    start: tuple[float, float] = (1.0, 1.5)
    steps: int = 300
    near: float = 1e-2
    lowest: float = 0.0
    minima: tuple[tuple[float, float], ...] = ((3.0, 0.5),)
    x: tuple[float, float] = (-0.5, 4.0)
    y: tuple[float, float] = (-1.6, 1.9)

    def value(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
        return a * a + b * b + c * c

    def gradient(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = _pair(point)
        a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
        # ∂f/∂x = 2 Σ r ∂r/∂x,   ∂f/∂y = 2 Σ r ∂r/∂y
        dx = 2 * (a * (y - 1) + b * (y**2 - 1) + c * (y**3 - 1))
        dy = 2 * x * (a + 2 * b * y + 3 * c * y**2)
        return np.array([dx, dy])


@dataclass(frozen=True)
class Saddle(Landscape):
    """A pass between two valleys: steep across, level along; the start lies almost on the line that leads into it.

        f = ½ κ x² − ½ y² + ¼ y⁴,   ∇f(0, 0) = 0,   f(0, ±1) = −¼

    Unlike x² − y² it has a lowest value, so "how soon is it down?" has an answer. The walls' curvature κ bounds the
    rates of plain gradient descent (lr < 2/κ) as a network's steepest direction does.

    Attributes
    ----------
    kappa : float
        κ, above 0.
    """

    start: tuple[float, float] = (1.0, 1e-4)
    steps: int = 300
    near: float = 1e-2
    lowest: float = -0.25
    minima: tuple[tuple[float, float], ...] = ((0.0, -1.0), (0.0, 1.0))
    x: tuple[float, float] = (-1.3, 1.3)
    y: tuple[float, float] = (-0.5, 1.5)
    kappa: float = 20.0

    def value(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = 0.5 * self.kappa * x**2 - 0.5 * y**2 + 0.25 * y**4
        return result

    def gradient(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = _pair(point)
        return np.array([self.kappa * x, y**3 - y])


LANDSCAPES: dict[str, Landscape] = {"beale": Beale(), "saddle": Saddle()}
"""The landscapes by name."""


@dataclass(frozen=True)
class Walk:
    """One optimiser's way.

    Attributes
    ----------
    lr : float
    path : float64 (steps + 1, 2)
        The start and the point after each training step; ends in NaN where the optimiser has left all bounds.
    values : float64 (steps + 1,)
        f along the path.
    arrived : int or None
        The first step from which on f stays below ``lowest + near``; None where it never does.
    """

    lr: float
    path: NDArray[np.float64]
    values: NDArray[np.float64]
    arrived: int | None


def with_rate(optimizer: Optimizer, lr: float) -> Optimizer:
    """Return the same optimiser with another learning rate."""
    changes: dict[str, Any] = {"lr": lr}
    return replace(optimizer, **changes)


def walk(optimizer: Optimizer, landscape: Landscape, lr: float) -> Walk:
    """Let one optimiser go over a landscape, exactly as a network would be trained: by `Optimizer.step`.

    Parameters
    ----------
    optimizer : Optimizer
    landscape : Landscape
    lr : float
    """
    moving, theta = with_rate(optimizer, lr), np.array(landscape.start)
    state = moving.init(2, np.float64)
    path = np.full((landscape.steps + 1, 2), np.nan)
    path[0] = theta
    with np.errstate(all="ignore"):  # too high a rate overflows, and that is an answer too
        for step in range(1, landscape.steps + 1):
            moving.step(theta, landscape.gradient(theta), state)
            if not np.abs(theta).max() < 1e6:
                break
            path[step] = theta
    values = landscape.value(path[:, 0], path[:, 1])
    outside = np.flatnonzero(~(values < landscape.lowest + landscape.near))
    arrived = int(outside[-1]) + 1 if len(outside) else 0
    return Walk(lr, path, values, arrived if arrived <= landscape.steps else None)


def choose(optimizer: Optimizer, landscape: Landscape) -> Walk:
    """Go with every rate of `RATES`, and return the best walk.

    The rule: the rate with which the optimiser arrives in the fewest steps, the lower one of two equals; where it
    arrives with none, the one that ends lowest.
    """

    def rank(one: Walk) -> tuple[float, float, float]:
        last = float(one.values[-1])
        arrived = float("inf") if one.arrived is None else one.arrived
        return arrived, last if one.arrived is None and np.isfinite(last) else float("inf"), one.lr

    return min((walk(optimizer, landscape, lr) for lr in RATES), key=rank)


@cache
def race(name: str) -> dict[str, Walk]:
    """Return every optimiser's best walk over the landscape `name` of `LANDSCAPES`, by the optimiser's name."""
    return {each: choose(kind(), LANDSCAPES[name]) for each, kind in OPTIMIZERS.items()}


def _pair(point: NDArray[np.float64]) -> tuple[float, float]:
    if point.shape != (2,):
        raise ShapeError(f"a point of shape {point.shape}; a landscape has two variables. Give an array of shape (2,).")
    return float(point[0]), float(point[1])
