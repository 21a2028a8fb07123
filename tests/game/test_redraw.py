"""`latent.redraw = False`: G moves with the fakes that D has just seen."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mulligan.game import GAN, WGANGP, Latent, Relativistic, Translation
from mulligan.game.checking import game_of
from mulligan.nn.layers import BatchNorm, Dense, LeakyReLU
from mulligan.nn.optimizers import Adam, Extragradient

SPECTRAL = (Dense(5, spectral_norm=True), LeakyReLU(), Dense(4))
NORMED = (Dense(5), BatchNorm(), LeakyReLU(), Dense(4))


@dataclass(frozen=True)
class Repeating(Latent):
    """Gives each z again before it draws the next one, after `fresh` new ones."""

    fresh: int = 1

    def draw(self, rng, out):
        drawn = self.__dict__.setdefault("drawn", [])
        if len(drawn) < self.fresh:
            drawn.append(super().draw(rng, out).copy())
        else:
            out[...] = drawn[-1]
            drawn.clear()
        return out


def played(game, shape, workers):
    rng = np.random.default_rng(0)
    gan = GAN(game, shape, seed=3, workers=workers)
    with gan:
        for _ in range(4):
            real = rng.standard_normal((6 * game.d_steps, *shape)).astype(np.float32)
            measures = gan.step(real, np.arange(len(real)) % 3 if game.classes else None)
    return {k: v for k, v in gan.arrays().items() if not k.endswith(("stats", "average"))}, measures


def extragradient():
    game, optimizer = game_of(), Extragradient(Adam())
    players = {who: replace(getattr(game, who), optimizer=optimizer) for who in ("generator", "discriminator")}
    return replace(game, **players)


@pytest.mark.parametrize(
    ("game", "shape"),
    [
        (game_of("curved", loss=Relativistic(), d_steps=2), (4,)),
        (game_of("classes", instance_noise=0.3), (4,)),
        (game_of("conv", augment=(Translation(0.5),), penalties=(WGANGP(),)), (4, 4, 1)),
        (game_of(g=SPECTRAL, d_steps=2), (4,)),
        (game_of(g=NORMED), (4,)),
        (extragradient(), (4,)),
    ],
)
def test_g_moves_with_the_fakes_that_d_saw(game, shape):
    one, measures = played(replace(game, latent=Latent(3, redraw=False)), shape, 2)
    two, same = played(replace(game, latent=Repeating(3, fresh=game.d_steps)), shape, 2)
    other, _ = played(replace(game, latent=Latent(3)), shape, 2)
    assert measures == same
    assert all(np.array_equal(one[name], two[name]) for name in two)
    assert not np.array_equal(one["g.theta"], other["g.theta"])


def test_both_moves_of_a_simultaneous_game_have_one_z_anyway():
    game = game_of(update="simultaneous")
    one, _ = played(replace(game, latent=Latent(3, redraw=False)), (4,), 1)
    two, _ = played(replace(game, latent=Latent(3)), (4,), 1)
    assert all(np.array_equal(one[name], two[name]) for name in two)
