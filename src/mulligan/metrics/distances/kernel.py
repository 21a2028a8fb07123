"""Kernel distance (KID): unbiased at any sample size, hence the metric to watch during training.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import feature_sets


@dataclass(frozen=True)
class Kid:
    """A kernel distance over several subsets."""

    mean: float
    """The distance. Unbiased, so it may be below 0 for equal distributions."""
    sd: float
    """Standard deviation over the subsets: of one subset's figure, not of the mean."""


def squared_mmd(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Unbiased squared maximum mean discrepancy under k(u, v) = (u·v/d + 1)³.

    Σ_{i≠j} k(xᵢ,xⱼ)/(m(m−1)) + Σ_{i≠j} k(yᵢ,yⱼ)/(n(n−1)) − 2 Σᵢⱼ k(xᵢ,yⱼ)/(mn)
    (Gretton et al. 2012, eq. 3; the kernel is that of Bińkowski et al. 2018, section 4).

    Parameters
    ----------
    x, y : arrays of shape (m, d) and (n, d)

    Returns
    -------
    float
        Expectation 0 for equal distributions; may be negative.
    """
    x, y = feature_sets(x, y, names=("first set", "second set"))
    m, n = len(x), len(y)
    within_x, within_y = ((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in map(_kernel, (x, y), (x, y)))
    return float(within_x + within_y - 2.0 * _kernel(x, y).sum() / (m * n))


def kid(real: NDArray[Any], fake: NDArray[Any], *, subsets: int = 50, size: int = 1000, seed: int = 0) -> Kid:
    """Mean and spread of the squared MMD over random subsets (Bińkowski et al. 2018, section 4).

    Parameters
    ----------
    real, fake : arrays of shape (n, d) and (m, d)
    subsets : int
        20 to 100 is usual. One subset takes about 20 ms, for a figure every few hundred steps. With a fixed seed it
        uses the same reals every time, so that the curve over a run does not jump with the choice.
    size : int
        Rows in a subset, drawn without replacement. If there are fewer: all rows for one subset, half of them for
        several, so that the subsets differ.
    seed : int
        The same seed gives the same figure to the last digit.

    Returns
    -------
    Kid
        `sd` is 0 for one subset.
    """
    real, fake = feature_sets(real, fake, names=("real features", "fake features"))
    rng = np.random.default_rng(seed)
    rows = min(len(real), len(fake))
    size = min(size, rows if subsets == 1 else max(2, rows // 2))
    values = [
        squared_mmd(real[rng.choice(len(real), size, replace=False)], fake[rng.choice(len(fake), size, replace=False)])
        for _ in range(subsets)
    ]
    return Kid(float(np.mean(values)), float(np.std(values)))


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(u·v/d + 1)³ for every pair."""
    k = x @ y.T
    k /= x.shape[1]
    k += 1.0
    square = k * k
    return np.multiply(square, k, out=square)
