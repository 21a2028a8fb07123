"""What the next step is played with: real samples and their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mulligan.data.reals import Reals
from mulligan.errors import DataError
from mulligan.game.batch import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mulligan.data import Dataset, Sampler
    from mulligan.nn.memory import Array, Labels
    from mulligan.training.config import DataSpec

AHEAD = 4
"""Batches of streamed pictures that are decoded before they are needed."""


class Batches:
    """Batches in the order of a sampler, as `GAN.step` takes them.

    Parameters
    ----------
    data : Dataset
    labels : (n,) int64 array or None
        The class of each sample.
    spec : DataSpec
        What black and white become.
    sampler : Sampler
    """

    def __init__(self, data: Dataset, labels: Labels, spec: DataSpec, sampler: Sampler):
        self._data, self._labels, self._sampler = data, labels, sampler
        self._reals = Reals(data, spec.low, spec.high)
        self._own = np.empty(sampler.batch_size, np.int64)
        self._by_number = not (data.streamed or data.whole_batches)

    def next(self) -> tuple[Array | Rows, Labels]:
        """Return the next real samples by number, or themselves where a worker cannot take its own; and their classes.

        Raises
        ------
        DataError
            When a picture on the disk cannot be read. The next batch is then this one again.
        """
        if self._by_number:
            numbers = self._sampler.next_indices()
            return Rows(self._reals, numbers), self._classes(numbers)
        before = self._sampler.state()
        numbers = self._sampler.next_indices()
        try:
            real = Rows(self._reals, numbers).taken(np.float32)
        except DataError:
            self._sampler.restore(before)
            raise
        if self._data.streamed:
            self._data.ahead(self._sampler.coming(AHEAD))
        return real, self._classes(numbers)

    def _classes(self, numbers: NDArray[np.int64]) -> Labels:
        return None if self._labels is None else self._labels.take(numbers, out=self._own, mode="clip")
