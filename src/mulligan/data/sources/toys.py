"""Toys: distributions in one and two dimensions with known densities, on which a GAN can be measured exactly.

=============  ==================================================================================================
`jang`         N(−1, 1): Eric Jang, "Generative adversarial nets in TensorFlow (part I)", 2016
`aylien`       N(4, 0.5): AYLIEN, "An introduction to generative adversarial networks", 2016; 0.5 is the deviation
`ring`         8 Gaussians on a circle of radius 2, deviation 0.02: Metz et al. 2017, "Unrolled GANs", appendix A.
               VEEGAN and PacGAN draw the same ring smaller: radius 1
`grid`         25 Gaussians at −4, −2, 0, 2, 4 squared, deviation 0.05: Srivastava et al. 2017 (VEEGAN) and Lin et
               al. 2018 (PacGAN, section 4.1, variance 0.0025)
`swiss-roll`   (t cos t, t sin t) / 7.5, t uniform on [1.5 π, 4.5 π], deviation 0.25 / 7.5: the toy of Gulrajani et
               al. 2017 (WGAN-GP)
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


@dataclass(frozen=True)
class SwissRoll:
    """A spiral with Gaussian noise: x = s (t cos t, t sin t) + σ n,  t uniform on [1.5 π, 4.5 π],  n ~ N(0, I)."""

    scale: float = 1.0 / 7.5
    std: float = 0.25 / 7.5

    @property
    def modes(self) -> NDArray[np.float64]:
        """No modes, float64 (0, 2), because the mass lies along a curve."""
        return np.empty((0, 2))

    def curve(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points of the spiral at `u` in [0, 1], evenly in t, as float64 (n, 2)."""
        t = 1.5 * np.pi * (1.0 + 2.0 * u)
        return self.scale * np.stack([t * np.cos(t), t * np.sin(t)], axis=1)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw `n` points, float32 (n, 2)."""
        points = self.curve(rng.random(n))
        points += self.std * rng.standard_normal((n, 2))
        return points.astype(np.float32)


TOYS: dict[str, Gaussians | SwissRoll] = {
    "jang": Gaussians(((-1.0,),), 1.0),
    "aylien": Gaussians(((4.0,),), 0.5),
    "ring": Gaussians(
        tuple((2.0 * math.cos(math.tau * k / 8), 2.0 * math.sin(math.tau * k / 8)) for k in range(8)), 0.02
    ),
    "grid": Gaussians(tuple((x, y) for x in (-4.0, -2.0, 0.0, 2.0, 4.0) for y in (-4.0, -2.0, 0.0, 2.0, 4.0)), 0.05),
    "swiss-roll": SwissRoll(),
}
"""The toys by name: their modes and fresh samples."""


def load_toy(name: str) -> Dataset:
    """Return a fixed sample of a toy: 50,000 points without labels, the same ones every time; 10,000 in `test`."""
    points = TOYS[name].sample(_TRAIN + _TEST, np.random.default_rng(_SEED))
    return Dataset(name, points[:_TRAIN], test=Dataset(f"{name} (test)", points[_TRAIN:]))
