"""The recipe `ring` for a browser: NumPy, one worker, no files; results as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.data.sources.toys import TOYS
from mulligan.errors import ConfigError
from mulligan.game.architectures.networks import MLPDiscriminator, MLPGenerator
from mulligan.game.gan import GAN
from mulligan.game.losses import Relativistic
from mulligan.game.penalties import R1, R2
from mulligan.game.spec import Game, Latent, Player, Schedules
from mulligan.nn.averaging import EMA
from mulligan.nn.layers.activations import Tanh
from mulligan.nn.layers.initializers import He
from mulligan.nn.optimizers import Adam
from mulligan.nn.rng import stream
from mulligan.nn.schedules import ConstantThenCosine, Geometric

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS, BATCH = 10000, 128
"""Of the recipe `ring`."""
EDGE = 3.0
"""The map shows the square from −EDGE to EDGE."""


def game() -> Game:
    """Return the game of the recipe `ring`, without the TOML reader that a browser would have to load."""
    hidden = (64, 64, 64)
    adam = Adam(lr=5e-3, beta1=0.0, beta2=0.99)
    return Game(
        generator=Player(MLPGenerator(hidden, Tanh(), output=None, init=He(gain=3.0)), adam),
        discriminator=Player(MLPDiscriminator(hidden), adam),
        latent=Latent(dim=2),
        loss=Relativistic(),
        penalties=(R1(gamma=1.0), R2(gamma=1.0)),
        update="simultaneous",
        average=EMA(half_life=200, ramp=0.05),
        schedules=Schedules(
            lr=ConstantThenCosine(1.0, hold=0.5, end=0.0), penalty=Geometric(start=1.0, end=0.01, until=0.6)
        ),
    )


class Ring:
    """A run on the ring of eight Gaussians, as a page shows it.

    Parameters
    ----------
    seed : int
    total : int
        Steps that the schedules are stretched over.
    size : int
        Points of the map in each direction.
    points : int
        Generated points that are shown; their latents never change.
    """

    def __init__(self, seed: int = 0, total: int = STEPS, size: int = 48, points: int = 400):
        if total < 1 or size < 2 or points < 1:
            raise ConfigError(
                f"total, size and points must be at least 1, 2 and 1, got {total}, {size} and {points}. Try Ring()."
            )
        self._game = game()
        self.gan = GAN(self._game, (2,), seed=seed, total=total, workers=1)
        self.toy, self.total, self.size = TOYS["ring"], total, size
        self._batches = stream(seed, "batches")
        eyes = stream(seed, "eval")
        self.reals = self.toy.sample(points, eyes)
        self._z = eyes.standard_normal((points, 2), dtype=np.float32)
        axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 * EDGE / size) - EDGE
        x, y = np.meshgrid(axis, axis[::-1])
        self._grid = np.stack([x.ravel(), y.ravel()], axis=1)
        self._critic = self.gan.d.network.workspace()
        self._artist = self.gan.g.network.workspace(theta=self.gan.average)

    @property
    def steps(self) -> int:
        """Steps taken."""
        return self.gan.steps

    def train(self, steps: int) -> dict[str, float]:
        """Take some steps; fewer if the run ends before.

        Parameters
        ----------
        steps : int

        Returns
        -------
        dict of str to float
            Means of ``d_loss`` and ``g_loss`` over the steps; empty where there was none left to take.
        """
        losses: list[tuple[float, float]] = []
        for _ in range(min(steps, self.total - self.steps)):
            measures = self.gan.step(self.toy.sample(BATCH, self._batches))
            losses.append((measures["d_loss"], measures["g_loss"]))
        if not losses:
            return {}
        d_loss, g_loss = np.mean(losses, axis=0).tolist()
        return {"d_loss": d_loss, "g_loss": g_loss}

    def fakes(self) -> NDArray[np.float32]:
        """Return what the averaged generator makes of the fixed latents: float32 (points, 2)."""
        made: NDArray[np.float32] = self._artist.forward(self._z, training=False).copy()
        return made

    def heat(self) -> NDArray[np.float32]:
        """Return D's logit over the map, top row first, less that at which it cannot tell: float32 (size · size,)."""
        real, fake = (float(self._critic.forward(p, training=False).mean()) for p in (self.reals, self.fakes()))
        middle = np.float32(0.5 * (real + fake))  # the loss leaves the level of D's output free
        logits: NDArray[np.float32] = self._critic.forward(self._grid, training=False).ravel() - middle
        return logits

    def modes(self) -> tuple[int, float]:
        """Count the modes with a shown fake within three deviations, and give the share of fakes so near to one."""
        distances = np.linalg.norm(self.fakes()[:, None] - self.toy.modes, axis=2)
        near = distances.min(axis=1) < 3 * self.toy.std
        return len(set(distances.argmin(axis=1)[near].tolist())), float(near.mean())

    def frame(self) -> dict[str, Any]:
        """Return all that a page draws: ``step``, ``total``, ``size``, ``heat``, ``fakes``, ``modes``, ``near``.

        The arrays are flat float32, as a worker hands them over.
        """
        modes, near = self.modes()
        return {
            "step": self.steps,
            "total": self.total,
            "size": self.size,
            "heat": self.heat(),
            "fakes": self.fakes().ravel(),
            "modes": modes,
            "near": near,
        }
