"""Statistics of a few hundred samples: the variety in one set, and the distance between two.

`mulligan.training.diagnosis` computes them at every measurement, and once for the fixed reals.
"""

import math
import operator
from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.memory import Array, Labels

COMPARED = 256  # maximum number of training samples whose nearest neighbour is computed
NEIGHBOUR = 5  # a fake covers a real if it is nearer than the real's neighbour of this rank


def ratio(a: float, b: float) -> float:
    """Return a ÷ b; NaN, which is left out, if the reals' figure b is 0."""
    return a / b if b > 1e-6 else math.nan


def add_in_order(numbers: Iterable[float]) -> float:
    """Add numbers in order. Python's `sum` rounds differently from 3.12 on, and logs must have the same bytes."""
    return reduce(operator.add, numbers, 0.0)


def bulk(points: NDArray[Any]) -> tuple[float, float]:
    """Return the range of points without outliers: farther from the middle 98 per cent than half of their width."""
    low, high = (float(end) for end in np.percentile(points, (1, 99)))
    half = 0.5 * (high - low) or math.inf
    return max(float(points.min()), low - half), min(float(points.max()), high + half)


def spread(x: Array, labels: Labels) -> float:
    """Root mean square deviation over the samples; inside the classes if there are classes."""
    flat = x.reshape(len(x), -1)
    inverse = np.zeros(len(flat), np.intp)
    if labels is not None:
        classes, classed = np.unique(labels, return_inverse=True)
        if len(classes) < len(flat):
            inverse = classed
    count = 1 + int(inverse.max(initial=0))
    member = (inverse[:, None] == np.arange(count)).astype(flat.dtype)
    means = (member.T @ flat) / member.sum(axis=0)[:, None]
    rest = (flat - means[inverse]).ravel()
    return math.sqrt(float(rest @ rest) / max(len(flat) - count, 1) / flat.shape[1])


def squared_distances(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """‖aᵢ − bⱼ‖² for all pairs, by one product."""
    middle = b.mean(axis=0)
    a, b = a - middle, b - middle
    d2: NDArray[Any] = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * (a @ b.T)
    d2[d2 < 0.0] = 0.0
    return d2


def mean_distance(x: Array) -> float:
    """Mean distance of two different samples."""
    flat = x.reshape(len(x), -1)
    n = len(flat)
    return float(np.sqrt(squared_distances(flat, flat)).sum(dtype=np.float64)) / max(n * (n - 1), 1)


def neighbourhood(features: Array, x: Array) -> NDArray[Any]:
    """Return each sample's squared distance to its `NEIGHBOUR`-th nearest sample that is no copy, or 0."""
    d2 = squared_distances(features, features)
    kinds = np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True)[1].ravel()
    d2[kinds[:, None] == kinds] = np.inf
    last = min(NEIGHBOUR, len(d2) - 1) - 1
    radius: NDArray[Any] = np.partition(d2, last, axis=1)[:, last]
    d2[np.isinf(d2)] = 0.0
    return np.where(np.isinf(radius), d2.max(axis=1), radius)  # the farthest, if there are fewer


def nearness(x: Array, seen: Array) -> float:
    """Median distance of samples to the nearest seen one ÷ that of seen ones to the nearest different seen one.

    1 for new samples of the same kind, 1/√2 for their mean, which is nearer to all of them than they are to each other,
    and 0 for copies. Infinite if all seen samples are the same.
    """
    among = squared_distances(seen[:COMPARED], seen)
    among[among <= 1e-3 * among.mean()] = np.inf  # itself and its copies
    usual = np.sqrt(np.median(among.min(axis=1)))
    near = np.sqrt(np.median(squared_distances(x, seen).min(axis=1)))
    return float(near / usual) if np.isfinite(usual) else math.inf


def edges(p: Array) -> float:
    """Mean absolute step between neighbouring pixels ÷ mean deviation, which blur reduces."""
    steps = np.abs(np.diff(p, axis=1)).mean() + np.abs(np.diff(p, axis=2)).mean()
    return float(steps) / max(float(p.std()), 1e-12)


def extreme(p: Array) -> float:
    """Share of the pixels, in [0, 1], that are at the ends of their range."""
    return float(np.mean(np.abs(p - 0.5) > 0.495))


def energy_distance(d2: NDArray[Any], among_reals: float, among_fakes: float) -> float:
    """Energy distance 2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖ ÷ E‖x−x′‖; d2 holds ‖xᵢ−yⱼ‖².

    Like KID, it is unbiased and a kernel distance, with the kernel −‖x−y‖ (Székely & Rizzo 2013; Sejdinovic et al.
    2013, Theorem 22). Unlike KID's cube, it is not dominated by a few outliers.
    """
    return ratio(2.0 * float(np.sqrt(d2).mean(dtype=np.float64)) - among_reals - among_fakes, among_reals)


def entropy(p: Iterable[float]) -> float:
    """−Σ p log p, in nats."""
    return -add_in_order(float(v) * math.log(v) for v in p if v > 0)
