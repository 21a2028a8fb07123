"""Toys: distributions in one and two dimensions with known densities, on which a GAN can be measured exactly.

=============  ==================================================================================================
`jang`         N(−1, 1): Eric Jang, "Generative adversarial nets in TensorFlow (part I)", 2016
`ring`         8 Gaussians on a circle of radius 2, deviation 0.02: Metz et al. 2017, "Unrolled GANs", appendix A.
               VEEGAN and PacGAN draw the same ring smaller: radius 1
`grid`         25 Gaussians at −4, −2, 0, 2, 4 squared, deviation 0.05: Srivastava et al. 2017 (VEEGAN) and Lin et
               al. 2018 (PacGAN, section 4.1, variance 0.0025)
=============  ==================================================================================================
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset

_TRAIN, _TEST, _SEED = 50_000, 10_000, 20_180_101


@dataclass(frozen=True)
class Gaussians:
    """A mixture of round Gaussians, all equally likely and equally wide: p(x) = 1/K Σₖ N(x; cₖ, σ² I)."""

    centres: tuple[tuple[float, ...], ...]
    std: float

    @property
    def modes(self) -> NDArray[np.float64]:
        """Centres as float64 (K, d)."""
        return np.array(self.centres)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw `n` points, float32 (n, d)."""
        points = self.modes[rng.integers(len(self.centres), size=n)]
        points += self.std * rng.standard_normal(points.shape)
        return points.astype(np.float32)


TOYS: dict[str, Gaussians] = {
    "jang": Gaussians(((-1.0,),), 1.0),
    "ring": Gaussians(
        tuple((2.0 * math.cos(math.tau * k / 8), 2.0 * math.sin(math.tau * k / 8)) for k in range(8)), 0.02
    ),
    "grid": Gaussians(tuple((x, y) for x in (-4.0, -2.0, 0.0, 2.0, 4.0) for y in (-4.0, -2.0, 0.0, 2.0, 4.0)), 0.05),
}
"""The toys by name: their modes and fresh samples."""


def find_mixture(name: str) -> Gaussians | None:
    """Return the toy of this name if it has several modes, which can be counted."""
    toy = TOYS.get(name)
    return toy if toy is not None and len(toy.centres) > 1 else None


def load_toy(name: str) -> Dataset:
    """Return a fixed sample of a toy: 50,000 points without labels, the same ones every time; 10,000 in `test`."""
    points = TOYS[name].sample(_TRAIN + _TEST, np.random.default_rng(_SEED))
    return Dataset(name, points[:_TRAIN], test=Dataset(f"{name} (test)", points[_TRAIN:]))
