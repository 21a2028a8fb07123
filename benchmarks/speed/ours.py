"""Mulligan's side: `GAN.step` with precomputed z, like the other sides."""

from dataclasses import replace

import numpy as np
from material import SEED, Material, Predrawn, tensors
from numpy.typing import DTypeLike
from sides import Rival
from workloads import Workload

from mulligan.game.gan import GAN
from mulligan.nn.memory import Array


class Ours(Rival):
    """A `GAN` with precomputed z."""

    def __init__(self, workload: Workload, material: Material, threads: int, dtype: DTypeLike = np.float32):
        super().__init__(workload, material, threads, dtype)
        z, game = material.z, workload.game
        self.latent = Predrawn(**vars(game.latent), rows=tuple(z.reshape(-1, *z.shape[2:])))
        self.gan = GAN(
            replace(game, latent=self.latent),
            workload.sample_shape,
            seed=SEED,
            total=workload.steps,
            workers=threads,
            dtype=dtype,
            processes=True,
        )
        self.gan.__enter__()  # limits BLAS to one thread until this process ends
        for name, array in tensors(self.gan).items():
            array[...] = material.start[name]
        self._start = {name: array.copy() for name, array in self.gan.arrays().items()}

    def rewind(self) -> None:
        for name, array in self.gan.arrays().items():
            array[...] = self._start[name]
        self.gan.steps = self.taken = 0
        self.latent.rewind()

    def step(self) -> None:
        k, labels = self.batch, self.material.labels
        self.gan.step(self.material.real[k], None if labels is None else labels[k])
        self.taken += 1

    def parameters(self) -> dict[str, Array]:
        found = tensors(self.gan)
        if self.workload.game.average is not None:
            network = self.gan.g.network
            found |= {f"average.{e.path}": e.view(self.gan.average) for e in network.entries}
        return found
