"""What is timed: `Ours`, the step as training takes it, is one of the sides; the floors are the others."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from mulligan.bench.workloads import Workload
from mulligan.data.sources.mnist import load_mnist
from mulligan.game.gan import GAN
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream

SEED = 0
BATCHES = 16
"""Drawn ahead; step i takes batch i mod 16."""


class Side(ABC):
    """Something that takes a workload's step again and again, from the same start."""

    def __init__(self, workload: Workload, threads: int):
        self.workload, self.threads = workload, threads

    @abstractmethod
    def step(self) -> None:
        """Take one step: both players and the average."""

    def rewind(self) -> None:  # noqa: B027 — products alone change nothing
        """Go back to the first step."""

    def wait(self) -> None:  # noqa: B027 — only an asynchronous library has work left
        """Wait until all work of `step` is done."""

    def close(self) -> None:  # noqa: B027 — not every side has workers
        """End the workers."""


class Ours(Side):
    """`GAN.step`, on batches that were drawn before."""

    def __init__(self, workload: Workload, threads: int):
        super().__init__(workload, threads)
        self.real, self.labels = batches(workload)
        game, shape, total = workload.game, workload.sample_shape, workload.steps
        self.gan = GAN(game, shape, seed=SEED, total=total, workers=threads, processes=True)
        self.gan.__enter__()
        self._start = {name: array.copy() for name, array in self.gan.arrays().items()}

    def rewind(self) -> None:
        for name, array in self.gan.arrays().items():
            array[...] = self._start[name]
        self.gan.steps = 0

    def step(self) -> None:
        k = self.gan.steps % BATCHES
        self.gan.step(self.real[k], None if self.labels is None else self.labels[k])

    def close(self) -> None:
        self.gan.__exit__(None, None, None)


def batches(workload: Workload) -> tuple[Array, NDArray[np.int64] | None]:
    """Draw real batches (batches, n, …) and labels (batches, n). Reals are MNIST if the shape fits, else noise."""
    n, shape = BATCHES * workload.batch, workload.sample_shape
    rng = stream(SEED, "batches")
    if np.prod(shape) == 784:
        digits = load_mnist()
        rows = rng.permutation(len(digits.images))[:n]
        real = digits.images[rows].astype(np.float32) / 255
        assert digits.labels is not None
        labels = digits.labels[rows]
    else:
        real = rng.random((n, *shape), dtype=np.float32)
        labels = rng.integers(0, workload.game.classes or 1, n)
    real = workload.low + (1 - workload.low) * real.reshape(BATCHES, workload.batch, *shape)
    return real.astype(np.float32), labels.reshape(BATCHES, -1) if workload.game.classes else None
