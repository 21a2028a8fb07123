"""Load the real samples of each step and their classes."""

import numpy as np
from numpy.typing import NDArray

from mulligan.config.model import DataSpec
from mulligan.data import Dataset, Sampler, scale
from mulligan.errors import DataError
from mulligan.nn.memory import Array, Labels

AHEAD = 4
"""Number of batches of streamed pictures to decode in advance."""


class Batches:
    """Batches in the order of a sampler, as `GAN.step` takes them.

    Parameters
    ----------
    data : Dataset
    labels : (n,) int64 array or None
        The class of each sample.
    spec : DataSpec
        The network values of black and white.
    sampler : Sampler
    """

    def __init__(self, data: Dataset, labels: Labels, spec: DataSpec, sampler: Sampler):
        self._data, self._labels, self._spec, self._sampler = data, labels, spec, sampler
        self._stored = np.empty((sampler.batch_size, *data.shape), np.uint8)
        self._classes = np.empty(sampler.batch_size, np.intp)

    def next(self, out: Array) -> tuple[Array, Labels]:
        """Write the next real samples, in the networks' range, into `out`. Returns them and their classes.

        Raises
        ------
        DataError
            When a picture on the disk cannot be read. The next call then returns the same batch.
        """
        before = self._sampler.state() if self._data.streamed else None
        numbers = self._sampler.next_indices()
        try:
            if self._data.is_points:
                self._data.take(numbers, out)
            else:
                scale(self._data.take(numbers, self._stored), out, self._spec.low, self._spec.high)
        except DataError:
            if before is not None:
                self._sampler.restore(before)
            raise
        if self._data.streamed:
            self._data.ahead(self._sampler.coming(AHEAD))
        return out, self._labels_of(numbers)

    def _labels_of(self, numbers: NDArray[np.intp]) -> Labels:
        return None if self._labels is None else self._labels.take(numbers, out=self._classes, mode="clip")
