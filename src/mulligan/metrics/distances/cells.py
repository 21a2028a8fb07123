"""k-means: cells for the copying test, and the centres that beat every generator at Parzen's game."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.errors import ConfigError
from mulligan.metrics.distances.neighbours import nearest
from mulligan.metrics.validation import features

if TYPE_CHECKING:
    from numpy.typing import NDArray


def kmeans(x: NDArray[Any], k: int, *, iterations: int = 10, seed: int = 0) -> NDArray[np.float64]:
    """Lloyd's algorithm (1982): each centre moves to the mean of the points that are nearest to it.

    Parameters
    ----------
    x : array of shape (n, d)
        Points.
    k : int
        Number of centres, 1 to n.
    iterations : int
        Rounds; it stops earlier when nothing moves.
    seed : int
        The start is k rows of `x`, drawn without replacement.

    Returns
    -------
    array of shape (k, d), float64
        The centres. One that no point is nearest to (repeated rows) stays where it was.

    Raises
    ------
    ShapeError, DataError
        Not a table of finite numbers.
    ConfigError
        k out of range.
    """
    points = features(x, "points", least=1)
    if not 1 <= k <= len(points):
        raise ConfigError(f"k must be from 1 to {len(points)}, the number of points, got {k}.")
    rng = np.random.default_rng(seed)
    centres = points[rng.choice(len(points), k, replace=False)]
    for _ in range(iterations):
        _, cell = nearest(points, centres)
        order = np.argsort(cell[:, 0], kind="stable")
        taken, first, size = np.unique(cell[order, 0], return_index=True, return_counts=True)
        moved = centres.copy()
        moved[taken] = np.add.reduceat(points[order], first, axis=0) / size[:, None]
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres
