"""Sliced Wasserstein distance, by projections and sorting; and floors measured by splitting the reals."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import feature_sets, features

_BLOCK = 100  # directions at a time, for a few megabytes of projections


def sliced_wasserstein(real: NDArray[Any], fake: NDArray[Any], *, directions: int = 1000, seed: int = 0) -> float:
    """Squared sliced Wasserstein distance, times the number of features d.

    d/L · Σₗ W₂²(uₗᵀx, uₗᵀy), uₗ uniform on the sphere. In one dimension W₂² is the mean squared difference of sorted
    values (Bonneel et al. 2015). Berthet et al. 2026 ("MIND", arXiv 2605.06797) propose this distance, in Inception's
    features, in place of FID. The factor d gives it FD's unit: both are ‖a‖² for two sets that differ by a shift a.

    Parameters
    ----------
    real, fake : arrays of shape (n, d) and (m, d)
        For n ≠ m, min(n, m) quantiles are compared.
    directions : int
        L. With 1,000 in 64 dimensions, another choice of directions changes the figure by 2 to 4 %.
    seed : int
        Of the directions.

    Returns
    -------
    float
        ≥ 0, and never 0 for two finite samples: compare at one n, beside `split_floor`.
    """
    sets = feature_sets(real, fake, names=("real features", "fake features"))
    x, y = (table.astype(np.float32) for table in sets)
    d, k = x.shape[1], min(len(x), len(y))
    u = np.random.default_rng(seed).standard_normal((directions, d), np.float32)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    total = 0.0
    for start in range(0, len(u), _BLOCK):
        a, b = (_quantiles(u[start : start + _BLOCK] @ table.T, k) for table in (x, y))
        total += float(np.square(a - b, dtype=np.float64).mean(axis=1).sum())
    return float(d * total / len(u))


def split_floor(
    distance: Callable[[NDArray[Any], NDArray[Any]], float], real: NDArray[Any], n: int, *, splits: int = 8
) -> float:
    """Return the distance to expect between two samples of n rows of one distribution, measured on the reals.

    Halves and quarters of the reals are compared with each other, and extrapolated: D(n) ≈ D(n/2)² / D(n/4). This
    assumes no shape of the distribution. Over digits' three feature maps, n from 20 to 500, the mean is 0.99 to 1.19 of
    the FD of two real sets. `noise_floor` with the covariance of n reals gives 0.52 to 0.93.

    Parameters
    ----------
    distance : callable
        Takes two arrays of shape (k, d).
    real : array of shape (m, d)
        Eight rows or more.
    n : int
        For n > m, the floor of m rows times m/n.
    splits : int
        Number of random splits, always the same, over which D(n/2) and D(n/4) are averaged.
    """
    real = features(real, "real features", least=8)
    rows, rng = min(n, len(real)), np.random.default_rng(0)

    def mean(k: int) -> float:
        orders = (rng.permutation(len(real)) for _ in range(splits))
        return float(np.mean([distance(real[order[:k]], real[order[k : 2 * k]]) for order in orders]))

    half, quarter = mean(rows // 2), mean(rows // 4)
    return rows / n * half * half / quarter if quarter else 0.0


def _quantiles(values: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Sort each row, and return its values at the middles of k equal parts."""
    ordered = np.sort(values, axis=1)
    if ordered.shape[1] == k:
        return ordered
    return np.quantile(ordered, (np.arange(k) + 0.5) / k, axis=1, method="hazen").T
