"""Which training pictures are nearest to a few: what the report and the playground show beside samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mulligan.data import Dataset

BLOCK = 4096 * 784
"""Numbers in the training pictures that are compared at a time."""


def nearest_pictures(
    pictures: NDArray[np.uint8], data: Dataset, count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the training pictures nearest to each of some, by ‖a − b‖² = ‖a‖² + ‖b‖² − 2a·b.

    Parameters
    ----------
    pictures : array of shape (n, h, w, c), uint8
    data : Dataset
        Of the same shape of picture.
    count : int
        How many for each; all of them where there are fewer.

    Returns
    -------
    distances : array of shape (n, count), float64
        Euclidean, over pixels from 0 to 1, ascending; 0 for a copy, exactly.
    numbers : array of shape (n, count), int64
        Of the training pictures.
    """
    x, count = _rows(pictures), min(count, len(data))
    best = np.full((len(x), count), np.inf, np.float32)
    numbers = np.zeros((len(x), count), np.int64)
    squares = np.einsum("ij,ij->i", x, x)
    step = max(1, BLOCK // x.shape[1])
    for start in range(0, len(data), step):
        y = _rows(np.asarray(data.images[start : start + step]))
        d2 = np.maximum(squares[:, None] + np.einsum("ij,ij->i", y, y) - 2.0 * (x @ y.T), 0.0)
        few = min(count, len(y))
        near = np.argpartition(d2, few - 1, axis=1)[:, :few]
        both = np.concatenate([best, np.take_along_axis(d2, near, 1)], axis=1)
        where = np.concatenate([numbers, near + start], axis=1)
        chosen = np.argsort(both, axis=1, kind="stable")[:, :count]
        best, numbers = np.take_along_axis(both, chosen, 1), np.take_along_axis(where, chosen, 1)
    exact = np.empty(best.shape)
    for i, row in enumerate(numbers):  # the fast form cancels where pictures are nearly equal
        y = np.asarray(data.images[row]).reshape(count, -1).astype(np.float64)
        exact[i] = np.linalg.norm(y - pictures[i].reshape(-1), axis=1) / 255.0
    return exact, numbers


def _rows(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a row of float32 from 0 to 1 for each picture."""
    flat: NDArray[np.float32] = pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255.0)
    return flat
