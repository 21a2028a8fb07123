"""The initial parameters and the data of every side: drawn once, written to a file, read by each process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.bench.ours import BATCHES, SEED, batches
from mulligan.bench.workloads import Workload
from mulligan.game.gan import GAN
from mulligan.game.spec import Latent
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream


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

    `start` holds the initial parameters by path, ``g.0.W``, in Mulligan's layout.
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
    return Material(start, real, labels, z)
