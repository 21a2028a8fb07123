"""The order of samples: batches whose position in the data can be saved and restored exactly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import as_whole
from mulligan.nn.memory import allocate


class Sampler:
    """Draws batches of sample numbers, each number exactly once an epoch.

    The stream of numbers is one random permutation of 0 … n−1 after another, cut into batches of constant size: the
    last batch of an epoch is filled up from the next one. A batch may be larger than the data. Only this sampler may
    use `rng`, a PCG64 (`numpy.random.default_rng`), for one shuffle per epoch.
    """

    def __init__(self, n: int, batch_size: int, rng: np.random.Generator) -> None:
        self.n, self.batch_size = as_whole("n", n, 1), as_whole("batch_size", batch_size, 1)
        self.epoch = 0
        self.position = 0
        self._rng = rng
        self._numbers = np.arange(self.n)
        self._batch = allocate((self.batch_size,), np.intp)
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        """Shuffle. Checkpoints hold the generator's state before the shuffle, which fixes the permutation."""
        self._start = self._rng.bit_generator.state
        self._numbers[:] = np.arange(self.n)
        self._rng.shuffle(self._numbers)

    def next_indices(self) -> NDArray[np.intp]:
        """Return the next batch, intp (batch_size,): the same buffer every time, valid until the next call."""
        filled = 0
        while filled < self.batch_size:
            if self.position == self.n:
                self.epoch += 1
                self.position = 0
                self._begin_epoch()
            count = min(self.batch_size - filled, self.n - self.position)
            self._batch[filled : filled + count] = self._numbers[self.position : self.position + count]
            self.position += count
            filled += count
        return self._batch

    def state(self) -> dict[str, Any]:
        """Return the state that `restore` needs, small and ready for JSON, with that of `rng` before the shuffle."""
        return {"n": self.n, "epoch": self.epoch, "position": self.position, "rng": self._start}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned, so that the same batches follow as would have followed there.

        The batch size may differ, and the data must be the same.
        """
        self._rng.bit_generator.state = state["rng"]
        self.epoch, self.position = state["epoch"], state["position"]
        self._begin_epoch()
