"""A loss of one's own, with whatever types NumPy makes of it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mulligan.game.checking import NETS, game_of
from mulligan.game.gan import GAN
from mulligan.game.losses import DiscriminatorLoss, GeneratorLoss, Wasserstein
from mulligan.game.penalties import R1, R2, WGANGP
from mulligan.nn import layers as nn


def played(game, shape):
    gan, rng = GAN(game, shape, lanes=2), np.random.default_rng(5)
    with gan.lanes:
        for n in (5, 4):
            labels = rng.integers(game.classes, size=n) if game.classes else None
            gan.step(rng.standard_normal((n, *shape)), labels)
    return gan


@dataclass(frozen=True)
class Wide(Wasserstein):
    """A loss of one's own, with the types that NumPy gives: float64 gradients, values that are no Python numbers."""

    def discriminator(self, *, real, fake):
        n = len(real)
        return DiscriminatorLoss(fake.mean() - real.mean(), np.full(n, -1 / n), np.full(n, 1 / n))

    def generator(self, *, real, fake):
        return GeneratorLoss(-fake.mean(), np.full(len(fake), -1 / len(fake)))


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"net": "curved"},
        {"net": "conv", "penalties": (WGANGP(),)},
        {"d": (nn.Dense(6), nn.BatchNorm(), nn.ReLU(), nn.Dense(1))},
        {"update": "simultaneous"},
        {"net": "curved", "update": "simultaneous", "penalties": (R1(), R2())},
    ],
    ids=("plain", "curved", "apart", "mixing", "at once", "penalised"),
)
def test_a_loss_may_give_the_types_that_numpy_gives(rules):
    net, game = rules.get("net", "mlp"), game_of(**rules)
    wide, own = (played(replace(game, loss=loss), NETS[net][2]) for loss in (Wide(), Wasserstein()))
    assert {type(value) for value in wide._measures.values()} == {float}
    for name, array in wide.arrays().items():
        np.testing.assert_allclose(array, own.arrays()[name], rtol=1e-4, atol=1e-6)
