"""Real samples as the networks take them, by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.data.dataset import Dataset, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reals:
    """A data set in the networks' range; several threads, and forked processes, may take from it at the same time.

    Parameters
    ----------
    data : Dataset
    low, high : float
        What black and white become; points stay as they are.

    Attributes
    ----------
    shape : tuple of int
        Of one sample.
    """

    def __init__(self, data: Dataset, low: float, high: float):
        self._data, self._low, self._high = data, low, high
        self.shape = data.shape

    def take(self, numbers: NDArray[np.int64], out: NDArray[np.floating[Any]], /) -> None:
        """Write the samples `numbers`, (n,), into `out`, float32 (n, ...); numbers are not checked."""
        if self._data.is_points:
            self._data.take(numbers, out)
        else:
            stored = self._data.take(numbers, np.empty(out.shape, np.uint8))
            scale(stored, out, self._low, self._high)
