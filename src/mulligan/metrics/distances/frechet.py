"""Fréchet distance between two sets of features, its noise floor, and its limit for infinitely many samples.

The distance is that of Heusel et al. 2017 (eq. 6) in the features of *this* project's judge or controls, never
Inception's. It is biased upward at small n, so it is printed beside `noise_floor` and compared at one n only.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.metrics.validation import feature_sets, features


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of a set of features: all that the Fréchet distance uses."""

    mean: NDArray[np.float64]
    """(d,)"""
    cov: NDArray[np.float64]
    """(d, d), divided by n − 1."""
    n: int
    """Number of rows that they were computed from."""

    @property
    def total_variance(self) -> float:
        """Total variance tr C. Mulligan prints distances in per cent of it."""
        return float(np.trace(self.cov))


def moments(x: NDArray[Any]) -> Moments:
    """Compute what the Fréchet distance needs of a set: the mean and covariance of the rows of `x`.

    Parameters
    ----------
    x : array of shape (n, d)
        Features; summed in float64 whatever their dtype.
    """
    table = features(x)
    mean = table.mean(axis=0)
    centred = table - mean
    return Moments(mean, centred.T @ centred / (len(table) - 1), len(table))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Say how far two sets of features are apart, by their means and covariances: the FID of other judges' features.

    ‖μ₁−μ₂‖² + tr C₁ + tr C₂ − 2 tr (C₁^½ C₂ C₁^½)^½ (Dowson and Landau 1982; Heusel et al. 2017, eq. 6).

    Parameters
    ----------
    a, b : Moments
        Of two sets under the same feature map. The distance is symmetric up to rounding.

    Returns
    -------
    float
        ≥ 0; 0 for equal moments, up to rounding (about 1e-7 of the total variance for a singular C).

    Notes
    -----
    Everything is symmetric: C₁^½ by `eigh`, then `eigvalsh` of C₁^½ C₂ C₁^½, whose eigenvalues are those of C₁C₂.
    Rounding makes the zero ones slightly negative; they are clipped. No `sqrtm`, hence no complex result.
    """
    if a.mean.shape != b.mean.shape:
        raise ShapeError(
            f"moments must have the same number of features, got {len(a.mean)} and {len(b.mean)}. "
            "Send both sets through the same feature map."
        )
    values, vectors = np.linalg.eigh(a.cov)
    root = (vectors * np.sqrt(values.clip(0.0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ b.cov @ root).clip(0.0)).sum()
    difference = a.mean - b.mean
    return max(0.0, float(difference @ difference + a.total_variance + b.total_variance - 2.0 * cross))


def noise_floor(cov: NDArray[Any], m: int, n: int) -> float:
    """Return the Fréchet distance to expect between two finite samples of the same distribution.

    E[FD] ≈ (1/m + 1/n) [Σᵢ λᵢ + ½ Σᵢⱼ λᵢλⱼ(1+δᵢⱼ)/(λᵢ+λⱼ)], with λ the eigenvalues of C. The first sum is the error of
    the means, the second the error of the covariances (Wishart, second-order expansion of the Bures distance). Exact
    for Gaussian features as m, n → ∞; within 4 % for the digits' PCA-64 at n from 500 to 10,000. With the covariance of
    few reals it is too low: for the digits by 7 to 15 % at 500 reals, by a quarter at 100, by half at 20. Below
    2,000, `evaluate` therefore uses `split_floor`.

    Parameters
    ----------
    cov : array of shape (d, d)
        Covariance of the common distribution. Use that of the real features.
    m, n : int
        The two sample sizes, ≥ 2.

    Returns
    -------
    float
        In the unit of the distance itself.
    """
    values = np.linalg.eigvalsh(np.asarray(cov, dtype=np.float64)).clip(0.0)
    values = values[values > 0.0]
    ratio = np.outer(values, values) / np.add.outer(values, values)
    return float((1.0 / m + 1.0 / n) * (values.sum() + 0.5 * (ratio.sum() + np.trace(ratio))))


def percent(distance: float, real: Moments) -> float:
    """Express `distance` in per cent of the real features' total variance: 100 FD / tr C_real.

    Parameters
    ----------
    distance : float
        A Fréchet distance or a floor.
    real : Moments
        Of the real pictures, under the same feature map.
    """
    if not real.total_variance > 0.0:
        raise DataError(
            f"reals must differ, or their variance cannot be the unit, got {real.n} with the same features. "
            f"Evaluate against samples that differ."
        )
    return 100.0 * distance / real.total_variance


def frechet_infinity(
    real: NDArray[Any], fake: NDArray[Any], *, points: int = 15, smallest: int | None = None, seed: int = 0
) -> float:
    """FD∞: the distance extrapolated to infinitely many samples (Chong and Forsyth 2020).

    The bias is linear in 1/n (see `noise_floor`), so FD is measured at `points` sizes, fitted by a line in 1/n, and
    read off at 1/n = 0. Both sets are reduced to n rows, drawn without replacement, because both add bias here (the
    paper keeps its 50,000 reals fixed).

    Parameters
    ----------
    real, fake : arrays of shape (n, d) and (m, d)
    points : int
        Number of sizes, evenly spaced from `smallest` to min(n, m).
    smallest : int, optional
        Default: a tenth of the rows, but at least 2d, below which the covariance is too singular for a line.
    seed : int
        Of the subsets.

    Returns
    -------
    float
        May be slightly negative for equal distributions, because it is extrapolated.
    """
    real, fake = feature_sets(real, fake, names=("real features", "fake features"))
    n = min(len(real), len(fake))
    smallest = max(n // 10, 2 * real.shape[1]) if smallest is None else smallest
    if points < 2 or not 2 <= smallest < n:
        raise ConfigError(
            f"points must be at least 2, and smallest from 2 to {n - 1}, got {points} and {smallest}. "
            f"Draw more samples, or pass a smaller `smallest`."
        )
    rng = np.random.default_rng(seed)
    sizes = np.linspace(smallest, n, points).astype(int)
    distances = [
        frechet_distance(
            moments(real[rng.choice(len(real), size, replace=False)]),
            moments(fake[rng.choice(len(fake), size, replace=False)]),
        )
        for size in sizes
    ]
    _, intercept = np.polyfit(1.0 / sizes, distances, 1)
    return float(intercept)
