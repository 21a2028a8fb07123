"""The initial parameters and the data of every side: drawn once, written to a file, read by each process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.bench.workloads import Workload
from mulligan.game.gan import GAN
from mulligan.game.spec import Latent
from mulligan.nn.layers.base import Layer
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream

SEED = 0
BATCHES = 16
"""Drawn ahead; step i takes batch i mod 16. Many more would fill the memory that is reported."""

Players = tuple[tuple[Layer, ...], tuple[Layer, ...]]


@dataclass(frozen=True)
class Predrawn(Latent):
    """A latent that returns precomputed draws: row after row of `rows`, in a cycle."""

    rows: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_next", [0])

    def rewind(self) -> None:
        """Start again at the first row."""
        self._position[0] = 0

    def draw(self, rng: np.random.Generator, out: Array) -> Array:
        out[...] = self.rows[self._position[0] % len(self.rows)]
        self._position[0] += 1
        return out

    @property
    def _position(self) -> list[int]:
        found: list[int] = self._next  # type: ignore[attr-defined]
        return found


@dataclass(frozen=True)
class Material:
    """The arrays of one workload.

    Attributes
    ----------
    start : dict
        Initial parameters by path, ``g.0.W``, in Mulligan's layout.
    real : (batches, n, *sample_shape) array
    labels : (batches, n) int64 array, or None without classes
    z : (batches, moves, n, dim) array
    """

    start: dict[str, Array]
    real: Array
    labels: NDArray[np.int64] | None
    z: Array

    def save(self, path: Path) -> None:
        """Write everything to one .npz file."""
        own = {"real": self.real, "z": self.z} | ({} if self.labels is None else {"labels": self.labels})
        arrays: dict[str, Any] = own | self.start
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path, dtype: DTypeLike = np.float32) -> Self:
        """Read what `save` wrote, rounded to `dtype`."""
        with np.load(path) as file:
            start = {name: file[name].astype(dtype) for name in file.files if name[:2] in ("g.", "d.")}
            labels = file["labels"] if "labels" in file.files else None
            return cls(start, file["real"].astype(dtype), labels, file["z"].astype(dtype))


def players(workload: Workload) -> Players:
    """Return G's and D's layers."""
    game = workload.game
    shape, classes = workload.sample_shape, game.classes
    return game.generator.build(shape, classes), game.discriminator.build(shape, classes)


def draw(workload: Workload) -> Material:
    """Draw initial parameters, real batches, labels and z. Reals are MNIST if the shape fits, else noise."""
    gan = GAN(workload.game, workload.sample_shape, seed=SEED, workers=1)
    start = {
        f"{side}.{path}": array.copy()
        for side, network in (("g", gan.g.network), ("d", gan.d.network))
        for path, array in network.tensors().items()
    }
    n, shape = BATCHES * workload.batch, workload.sample_shape
    rng = stream(SEED, "batches")
    if np.prod(shape) == 784:
        from mulligan.data.sources.mnist import load_mnist

        digits = load_mnist()
        rows = rng.permutation(len(digits.images))[:n]
        real = digits.images[rows].astype(np.float32) / 255
        assert digits.labels is not None
        labels = digits.labels[rows]
    else:
        real = rng.random((n, *shape), dtype=np.float32)
        labels = rng.integers(0, workload.game.classes or 1, n)
    real = workload.low + (1 - workload.low) * real.reshape(BATCHES, workload.batch, *shape)
    z = np.empty((BATCHES, len(set(workload.game.latents)), workload.batch, workload.game.latent.dim), np.float32)
    noise = stream(SEED, "noise")  # the same numbers as a step of Mulligan draws
    for out in z.reshape(-1, *z.shape[2:]):
        workload.game.latent.draw(noise, out)
    classes = labels.reshape(BATCHES, -1) if workload.game.classes else None
    return Material(start, real.astype(np.float32), classes, z)
