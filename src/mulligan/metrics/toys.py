"""Measure toys by their known densities: divergences in one dimension, modes in two, the 1000 of stacked MNIST."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError, ShapeError
from mulligan.metrics.classes import kl
from mulligan.metrics.distances.neighbours import nearest
from mulligan.metrics.validation import feature_sets

WITHIN = 3.0
"""A sample is of high quality within this many standard deviations of a mode."""


@dataclass(frozen=True)
class Divergences:
    """How far samples are from a known density in one dimension, in nats."""

    kl: float
    """KL(samples‖density). Infinite if a sample lies where the density is 0."""
    js: float
    """Jensen-Shannon divergence, 0 to log 2."""
    kl_floor: float
    js_floor: float
    """The exact expectations of KL and JS for n samples of the density itself; about (B−1)/(2n) and (B−1)/(8n) for B
    bins that all hold many samples."""


@dataclass(frozen=True)
class Modes:
    """Which modes of a mixture the samples cover."""

    captured: int
    """Modes with at least one high-quality sample."""
    high_quality: float
    """Share of samples within three standard deviations of a mode."""
    high_quality_ideal: float
    """The same for the mixture itself: .9889 in two dimensions."""
    kl: float
    """KL(histogram over the modes‖uniform) in nats, of the high-quality samples; log K if there are none."""
    kl_floor: float
    """(K−1)/(2n), n the high-quality samples."""


def divergences(
    samples: NDArray[Any],
    density: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    low: float,
    high: float,
    *,
    bins: int = 100,
) -> Divergences:
    """KL and JS between samples and a density, both as exact masses of equal bins.

    The samples' masses come from a histogram, because a kernel would blur the result; the density's from 16
    Gauss-Legendre points a bin. One more bin holds everything outside low…high.

    Parameters
    ----------
    samples : array of shape (n,) or (n, 1)
    density : callable
        p(x) for an array of x; it integrates to 1.
    low, high : float
        Range of the bins; choose it so that nearly all of p lies inside.
    bins : int
        Number of bins. Fewer than √n keep the floor low.
    """
    x = np.asarray(samples, dtype=np.float64)
    if x.size == 0 or x.size != len(x):
        raise ShapeError(f"samples must have shape (n,) or (n, 1), n ≥ 1, got {x.shape}.")
    if not np.isfinite(x).all():
        raise DataError("samples must be finite, got NaN or infinity. Go back to an earlier checkpoint.")
    n = x.size
    count, edges = np.histogram(x, bins=bins, range=(low, high))
    q = np.append(count, n - count.sum()) / n

    # Gauss-Legendre: ∫ over a bin = (width/2) Σ wᵢ p(middle + (width/2) tᵢ). No point is at an edge, where p may jump.
    t, w = np.polynomial.legendre.leggauss(16)
    half = 0.5 * np.diff(edges)[:, None]
    height = np.asarray(density((edges[:-1, None] + half * (1.0 + t)).ravel()), dtype=np.float64)
    inside = (half * w * height.reshape(bins, 16)).sum(axis=1)
    if height.min() < 0.0 or inside.sum() > 1.0 + 1e-3:
        raise DataError(
            f"density must be ≥ 0 and integrate to at most 1, got {height.min():.3g} and {inside.sum():.6g} over "
            f"{low}…{high}. Normalise it, or use more bins for narrow peaks."
        )
    p = np.append(inside, max(0.0, 1.0 - inside.sum()))
    p /= p.sum()
    mixed = 0.5 * (p + q)
    kl_floor, js_floor = _floors(p, n)
    return Divergences(kl(q, p), 0.5 * kl(q, mixed) + 0.5 * kl(p, mixed), kl_floor, js_floor)


def _floors(p: NDArray[np.float64], n: int) -> tuple[float, float]:
    """E KL and E JS of the histogram of n samples of p: each bin's count is binomial, so both are finite sums."""
    from scipy.special import rel_entr
    from scipy.stats import binom

    kl_floor = js_floor = 0.0
    for mass in p[p > 0.0]:
        # Counts beyond 12 standard deviations (plus 40, for rare bins) from the mean practically never occur.
        reach = 12.0 * np.sqrt(n * mass) + 40.0
        c = np.arange(max(0, int(n * mass - reach)), min(n, int(n * mass + reach)) + 1)
        chance, q = binom.pmf(c, n, mass), c / n
        mixed = 0.5 * (q + mass)
        kl_floor += chance @ rel_entr(q, mass)
        js_floor += 0.5 * chance @ (rel_entr(q, mixed) + rel_entr(mass, mixed))
    return float(kl_floor), float(js_floor)


def modes(samples: NDArray[Any], centres: NDArray[Any], std: float) -> Modes:
    """Modes and high-quality share of a ring or grid of Gaussians (Srivastava et al. 2017; Lin et al. 2018).

    Parameters
    ----------
    samples : array of shape (n, d)
    centres : array of shape (K, d)
    std : float
        Of each mode, in each coordinate.
    """
    from scipy.special import gammainc

    x, centres = feature_sets(samples, centres, names=("samples", "centres"), least=1)
    distance, index = nearest(x, centres)
    good = distance[:, 0] <= WITHIN * std
    count = np.bincount(index[good, 0], minlength=len(centres))
    total, k = int(count.sum()), len(centres)
    return Modes(
        captured=int(np.count_nonzero(count)),
        high_quality=float(good.mean()),
        high_quality_ideal=float(gammainc(x.shape[1] / 2.0, WITHIN**2 / 2.0)),  # χ² with d degrees of freedom
        kl=kl(count, np.ones(k)) if total else float(np.log(k)),
        kl_floor=(k - 1) / (2.0 * max(total, 1)),
    )


def stacked_modes(label: NDArray[Any], sizes: Sequence[int] | None = None) -> Modes:
    """Modes and KL of stacked MNIST: three digits in the three colour channels, 1000 modes (Metz et al. 2017).

    Parameters
    ----------
    label : array of shape (n, c), integer
        The digit of each channel, by a classifier of single digits, 0 to 9; there are 10ᶜ modes.
    sizes : sequence of int, optional
        For other data that are combinations: how many values each column has. Every combination is a mode.

    Returns
    -------
    Modes
        One sample captures a mode; every sample counts as high-quality.
    """
    label = np.asarray(label)
    if label.ndim != 2 or 0 in label.shape:
        raise ShapeError(f"label must have shape (n, channels), one class for each channel, got {label.shape}.")
    sizes = (10,) * label.shape[1] if sizes is None else tuple(sizes)
    if label.dtype.kind not in "iu" or label.min() < 0 or (label >= sizes).any():
        most = ", ".join(str(size - 1) for size in sorted(set(sizes)))
        raise DataError(f"label must be integers from 0 to {most}, got {label.min()} to {label.max()}.")
    n, k = len(label), math.prod(sizes)
    mode = np.ravel_multi_index(tuple(label.T), sizes)
    count = np.bincount(mode, minlength=k)
    return Modes(int(np.count_nonzero(count)), 1.0, 1.0, kl(count, np.ones(k)), (k - 1) / (2.0 * n))
