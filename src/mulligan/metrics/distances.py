"""Distances between two sets: Fréchet's, with its floor.

The Fréchet distance is that of Heusel et al. 2017 (eq. 6) in the features of *this* project's judge, never Inception's.
It is biased upward at small n, so it is printed beside its floor and compared at one n only.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError
from mulligan.metrics.validation import features

FEW = 2000
"""With fewer samples, FD's floor is measured by splitting the reals. The formula is for Gaussian features, and those of
`gist` have heavier tails. Two sets of 1,000 reals are 1.13 to 1.42 times its value apart, and 0.93 to 1.03 times the
measured one."""
LEAST = 8
"""Fewest reals that can be split into quarters of two."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of a set of features: all that the Fréchet distance uses."""

    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    """(d, d), divided by n − 1."""
    n: int

    @property
    def total_variance(self) -> float:
        """Total variance tr C. Mulligan prints distances in per cent of it."""
        return float(np.trace(self.cov))


def moments(x: NDArray[Any]) -> Moments:
    """Compute what the Fréchet distance needs of a set: mean and covariance of the rows of `x`, (n, d)."""
    table = features(x)
    mean = table.mean(axis=0)
    centred = table - mean
    return Moments(mean, centred.T @ centred / (len(table) - 1), len(table))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Say how far two sets of features are apart, by their means and covariances: the FID of other judges' features.

    ‖μ₁−μ₂‖² + tr C₁ + tr C₂ − 2 tr (C₁^½ C₂ C₁^½)^½ (Dowson and Landau 1982; Heusel et al. 2017, eq. 6).

    It is symmetric and ≥ 0, up to rounding (about 1e-7 of the total variance for a singular C): C₁^½ by `eigh`, then
    `eigvalsh` of C₁^½ C₂ C₁^½, whose eigenvalues are those of C₁C₂. Rounding makes the zero ones slightly negative;
    they are clipped. No `sqrtm`, hence no complex result.
    """
    values, vectors = np.linalg.eigh(a.cov)
    root = (vectors * np.sqrt(values.clip(0.0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ b.cov @ root).clip(0.0)).sum()
    difference = a.mean - b.mean
    return max(0.0, float(difference @ difference + a.total_variance + b.total_variance - 2.0 * cross))


def percent(distance: float, real: Moments) -> float:
    """Express a Fréchet distance or floor in per cent of the real features' total variance: 100 FD / tr C_real."""
    if not real.total_variance > 0.0:
        raise DataError(
            f"reals must differ, or their variance cannot be the unit, got {real.n} with the same features. "
            f"Evaluate against samples that differ."
        )
    return 100.0 * distance / real.total_variance


def floor_of(real: NDArray[Any], of_real: Moments, n: int) -> float:
    """Return the Fréchet distance of n perfect samples from these reals, per cent of their variance."""
    if of_real.n >= LEAST and min(n, of_real.n) < FEW:
        fewer, more = sorted((of_real.n, n))
        equal = split_floor(lambda a, b: frechet_distance(moments(a), moments(b)), real, fewer)
        return percent(equal * (1 + fewer / more) / 2, of_real)  # its bias goes with 1/m + 1/n
    return percent(noise_floor(of_real.cov, of_real.n, n), of_real)


def noise_floor(cov: NDArray[Any], m: int, n: int) -> float:
    """Return the Fréchet distance to expect between two finite samples of the same distribution.

    E[FD] ≈ (1/m + 1/n) [Σᵢ λᵢ + ½ Σᵢⱼ λᵢλⱼ(1+δᵢⱼ)/(λᵢ+λⱼ)], with λ the eigenvalues of C. The first sum is the error of
    the means, the second the error of the covariances (Wishart, second-order expansion of the Bures distance). Exact
    for Gaussian features as m, n → ∞; within 4 % for the digits' PCA-64 at n from 500 to 10,000. With the covariance of
    few reals it is too low: for the digits by 7 to 15 % at 500 reals, by a quarter at 100, by half at 20. Below
    2,000, `evaluate` therefore uses `split_floor`.

    `cov`, (d, d), is that of the real features; m and n, ≥ 2, are the two sample sizes.
    """
    values = np.linalg.eigvalsh(np.asarray(cov, dtype=np.float64)).clip(0.0)
    values = values[values > 0.0]
    ratio = np.outer(values, values) / np.add.outer(values, values)
    return float((1.0 / m + 1.0 / n) * (values.sum() + 0.5 * (ratio.sum() + np.trace(ratio))))


def split_floor(distance: Callable[[NDArray[Any], NDArray[Any]], float], real: NDArray[Any], n: int) -> float:
    """Extrapolate the distance of two samples of n rows from halves and quarters of the reals: D(n/2)² / D(n/4).

    Over digits' three feature maps, n from 20 to 500, the mean is 0.99 to 1.19 of the FD of two real sets;
    `noise_floor` gives 0.52 to 0.93. With n above the number of reals m, it is the floor of m rows times m/n.
    """
    real = features(real, "real features", least=LEAST)
    rows, rng = min(n, len(real)), np.random.default_rng(0)

    def mean(k: int) -> float:
        orders = (rng.permutation(len(real)) for _ in range(8))
        return float(np.mean([distance(real[order[:k]], real[order[k : 2 * k]]) for order in orders]))

    half, quarter = mean(rows // 2), mean(rows // 4)
    return rows / n * half * half / quarter if quarter else 0.0
