"""The initial parameters and the data of every side: drawn once, written to a file, read by each process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from workloads import Workload

from mulligan.data.sources.mnist import load_mnist
from mulligan.errors import UnsupportedError
from mulligan.game.augment import Cutout, Translation
from mulligan.game.gan import GAN
from mulligan.game.spec import Latent
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream

SEED = 0
BATCHES = 16
"""Drawn ahead; step i takes batch i mod 16."""


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
    """The arrays of one workload: real (batches, n, …), labels (batches, n) or None, z (batches, moves, n, dim).

    `warp` (batches, 2, n, numbers) or None: how the reals and the fakes are augmented. Mulligan draws this itself.
    `start` holds the initial parameters by path, ``g.0.W``, in Mulligan's layout.
    """

    start: dict[str, Array]
    real: Array
    labels: NDArray[np.int64] | None
    z: Array
    warp: Array | None

    def save(self, path: Path) -> None:
        """Write everything to one .npz file."""
        own = {"real": self.real, "z": self.z, "labels": self.labels, "warp": self.warp}
        arrays: dict[str, Any] = {name: array for name, array in own.items() if array is not None} | self.start
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path, dtype: DTypeLike = np.float32) -> Self:
        """Read what `save` wrote, rounded to `dtype`."""
        with np.load(path) as file:
            start = {name: file[name].astype(dtype) for name in file.files if name[:2] in ("g.", "d.")}
            labels, warp = (file[name] if name in file.files else None for name in ("labels", "warp"))
            return cls(start, file["real"].astype(dtype), labels, file["z"].astype(dtype), warp)


def tensors(gan: GAN) -> dict[str, Array]:
    """Return both players' parameters by path, as views."""
    return {
        f"{side}.{path}": array
        for side, network in (("g", gan.g.network), ("d", gan.d.network))
        for path, array in network.tensors().items()
    }


def draw(workload: Workload) -> Material:
    """Draw initial parameters, real batches, labels and z."""
    gan = GAN(workload.game, workload.sample_shape, seed=SEED, workers=1)
    start = {name: array.copy() for name, array in tensors(gan).items()}
    real, labels = batches(workload)
    z = np.empty((BATCHES, len(set(workload.game.latents)), workload.batch, workload.game.latent.dim), np.float32)
    noise = stream(SEED, "noise")  # the same numbers as a step of Mulligan draws
    for out in z.reshape(-1, *z.shape[2:]):
        workload.game.latent.draw(noise, out)
    game, warp = workload.game, None
    if game.augment:
        if game.update != "simultaneous" or any(type(part) not in (Translation, Cutout) for part in game.augment):
            raise UnsupportedError(
                f"the sides augment by translation and cutout in simultaneous games, got {game.augment}. "
                "Add others to torch_nets.py and jax_side.py first."
            )
        rng, warp = stream(SEED, "augment"), np.empty((BATCHES, 2, workload.batch, gan.warp.numbers), np.float32)
        for out in warp:
            gan.warp.draw(rng, out)
        for name, array in start.items():  # D is 0 in a hole while its biases are: there ours takes slope 1, torch α
            if name.startswith("d.") and name.endswith(".b"):
                array[...] = 0.01
    return Material(start, real, labels, z, warp)


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
