"""Nearest neighbours by exact distances; precision, recall, coverage.

All distances of this file are exact integers. The features are rounded to one grid. It is about as fine as float32 (22
bits across the span for 128 features), and so coarse that every sum in ‖x‖² + ‖y‖² − 2x·y stays below 2⁵³, where
float64 is exact. So nothing cancels, and the figures are the same to the last digit on every machine, with every BLAS,
number of threads, block size and order of samples.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil, frexp, ldexp, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.parallel import in_parallel
from mulligan.metrics.validation import feature_sets

BLOCK = 1_000_000
"""Distances held at a time: 8 MB of float64."""
SLAB = 8192
"""Fewest points of a slab. In larger slabs, blocks have so few rows that BLAS spends most time packing."""


@dataclass(frozen=True)
class Manifolds:
    """Precision, recall and coverage of two sets, 0 to 1."""

    precision: float
    recall: float
    coverage: float
    coverage_ideal: float
    """Coverage of equal distributions."""


def manifolds(real: NDArray[Any], fake: NDArray[Any], *, k: int = 3, k_coverage: int = 5) -> Manifolds:
    """Precision, recall (Kynkäänniemi et al. 2019, eqs. 1 and 2), coverage (Naeem et al. 2020, section 3).

    With NND_k(r) the distance of r from the k-th nearest *other* point of its own set:

    precision = mean_j 1[∃i: d(fⱼ, rᵢ) ≤ NND_k(rᵢ)], recall with the roles swapped,
    coverage = (1/N) Σᵢ 1[minⱼ d(rᵢ, fⱼ) < NND_k(rᵢ)].

    The sets, (n, d) and (m, d), are under one feature map. All figures depend on n and m: compare at one n only.
    """
    real, fake = feature_sets(real, fake, names=("real features", "fake features"), least=max(k, k_coverage) + 1)
    real, fake = on_grid(real, fake)
    real_k, real_wide = _radii(real, (k, k_coverage))
    (fake_k,) = _radii(fake, (k,))

    precise = np.zeros(len(fake), dtype=bool)
    recalled = covered = 0
    for rows, d2 in _blocks(real, fake):
        precise |= (d2 <= real_k[rows, None]).any(axis=0)
        recalled += int(np.count_nonzero((d2 <= fake_k).any(axis=1)))
        covered += int(np.count_nonzero(d2.min(axis=1) < real_wide[rows]))
    return Manifolds(
        precision=float(precise.mean()),
        recall=recalled / len(real),
        coverage=covered / len(real),
        coverage_ideal=coverage_ideal(len(real), len(fake), k_coverage),
    )


def coverage_ideal(n: int, m: int, k: int = 5) -> float:
    """Return the coverage to expect of n reals by m fakes of the same distribution, for n > k.

    A real stays uncovered when its k nearest among the other n − 1 reals and the m fakes are all real:
    1 − Πᵢ₌₀^{k−1} (n−1−i)/(n+m−1−i), which is 1 − 2^−k for large n = m (Naeem et al. 2020, section 3).
    """
    i = np.arange(k)
    return float(1.0 - np.prod((n - 1.0 - i) / (n + m - 1.0 - i)))


def nearest(
    x: NDArray[Any], y: NDArray[Any], *, k: int = 1, skip: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Find the k nearest rows of `y`, (m, d), for each row of `x`, (n, d): distances, (n, k), ascending, and indices.

    Distances are Euclidean, float64; 0 for a copy, exactly. `skip` is, for each row of `x`, one row of `y` that does
    not count as its neighbour. For neighbours inside a set: ``nearest(x, x, skip=np.arange(len(x)))``.
    """
    x, y = feature_sets(x, y, names=("queries", "points"), least=1)
    low, shift = _grid(x, y)
    x, unit = _snap(x, low, shift), ldexp(1.0, -shift)
    slabs = max(1, len(y) // max(SLAB, k))
    squares = np.empty((slabs, len(x), k))
    indices = np.empty((slabs, len(x), k), dtype=np.intp)

    def search(slab: int) -> None:
        """Find the k nearest rows of one slab."""
        start, stop = (len(y) * edge // slabs for edge in (slab, slab + 1))
        for rows, d2 in _blocks(x, _snap(y[start:stop], low, shift), None if skip is None else skip - start):
            near = d2.argmin(axis=1)[:, None] if k == 1 else np.argpartition(d2, k - 1, axis=1)[:, :k]
            squares[slab, rows] = np.take_along_axis(d2, near, axis=1)
            indices[slab, rows] = start + near

    if slabs == 1:
        search(0)
    else:
        in_parallel({slab: partial(search, slab) for slab in range(slabs)})
    squares, indices = np.concatenate(squares, axis=1), np.concatenate(indices, axis=1)
    order = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return unit * np.sqrt(np.take_along_axis(squares, order, axis=1)), np.take_along_axis(indices, order, axis=1)


def on_grid(*sets: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Round to whole multiples of the finest spacing at which squared distances are exact (2d·4ᵇ ≤ 2⁵³)."""
    low, shift = _grid(*sets)
    return tuple(_snap(x, low, shift) for x in sets)


def _grid(*sets: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Return the grid's origin, and s for its spacing of 2⁻ˢ."""
    low = np.min([x.min(axis=0) for x in sets], axis=0)
    span = float((np.max([x.max(axis=0) for x in sets], axis=0) - low).max())
    bits = (52 - ceil(log2(sets[0].shape[1]))) // 2
    _, exponent = frexp(span)  # span ≤ 2^exponent
    return low, min(bits - exponent, 1074)  # every float64 is a multiple of 2⁻¹⁰⁷⁴, and 2^1075 overflows


def _snap(x: NDArray[np.float64], low: NDArray[np.float64], shift: int) -> NDArray[np.float64]:
    """Return x − low in whole multiples of 2⁻ˢʰⁱᶠᵗ."""
    grid = x - low
    return np.rint(np.ldexp(grid, shift, out=grid), out=grid)


def _radii(x: NDArray[np.float64], ks: tuple[int, ...]) -> tuple[NDArray[np.float64], ...]:
    """Squared distance of each row from its k-th nearest other row, for each k."""
    radii = np.empty((len(ks), len(x)))
    at = [k - 1 for k in ks]
    for rows, d2 in _blocks(x, x, np.arange(len(x))):
        d2.partition(at, axis=1)
        radii[:, rows] = d2[:, at].T
    return tuple(radii)


def _blocks(
    x: NDArray[np.float64], y: NDArray[np.float64], skip: NDArray[np.intp] | None = None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Squared distances of a few rows of `x` at a time from all of `y`, by d² = [−2x, ‖x‖², 1] · [y, 1, ‖y‖²]ᵀ."""
    right = np.hstack([y, np.ones((len(y), 1)), (y * y).sum(axis=1, keepdims=True)]).T
    height = max(1, BLOCK // len(y))
    buffer = np.empty((min(height, len(x)), len(y)))
    for start in range(0, len(x), height):
        rows = slice(start, min(start + height, len(x)))
        some = x[rows]
        left = np.hstack([-2.0 * some, (some * some).sum(axis=1, keepdims=True), np.ones((len(some), 1))])
        d2 = np.matmul(left, right, out=buffer[: len(some)])
        if skip is not None:
            own = np.flatnonzero((skip[rows] >= 0) & (skip[rows] < len(y)))
            d2[own, skip[rows][own]] = np.inf
        yield rows, d2
