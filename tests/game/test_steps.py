"""Which number a step has for what changes over the run: rates, β₂ and the average see the steps done before it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mulligan.game.checking import game_of
from mulligan.game.gan import GAN
from mulligan.game.spec import Schedules
from mulligan.nn.averaging import EMA
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import Exponential, Linear

STEPS = 6
SEEN = []


@dataclass(frozen=True)
class Seen(Adam):
    """Adam that writes down with what it moves."""

    def _block(self, state, theta, g, *slots):
        SEEN.append((theta.size, int(state["t"][0]), self.lr, self.beta2))
        super()._block(state, theta, g, *slots)


def play(game, between):
    gan = GAN(game, (4,), total=STEPS, lanes=1, dtype=np.float64)
    rng = np.random.default_rng(0)
    with gan.lanes:
        for step in range(STEPS):
            gan.step(rng.standard_normal((5 * game.d_steps, 4)))
            between(step, gan)
    return gan


@pytest.mark.parametrize(("update", "d_steps"), [("simultaneous", 1), ("alternating", 1), ("alternating", 2)])
def test_rates_and_beta2_of_both_players_are_those_of_the_step(update, d_steps):
    schedules = Schedules(lr=Exponential(0.8, factor=0.5, every=1), beta2=Linear(0.5, 0.9))
    game = game_of(update=update, d_steps=d_steps, schedules=schedules)
    own = {"generator": Seen(1e-3), "discriminator": Seen(2e-3)}
    game = replace(game, **{name: replace(getattr(game, name), optimizer=seen) for name, seen in own.items()})
    SEEN.clear()
    gan = play(game, lambda step, gan: None)
    for mover, rate, moves in ((gan.g, 1e-3, 1), (gan.d, 2e-3, d_steps)):
        found = [row[1:] for row in SEEN if row[0] == mover.network.n_params]
        expected = [
            (moves * step + move + 1, rate * 0.8 * 0.5**step, 0.5 + 0.4 * step / STEPS)
            for step in range(STEPS)
            for move in range(moves)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_the_average_takes_in_what_each_step_has_made(update):
    ema = EMA(half_life=2.0, ramp=0.5)
    expected = []

    def follow(step, gan):
        theta = gan.g.network.theta
        weight = ema.weight(step)  # 1 at step 0: the random start is forgotten at once
        expected.append(theta.copy() if step == 0 else expected[-1] + weight * (theta - expected[-1]))
        np.testing.assert_allclose(gan.average, expected[-1], rtol=1e-12)

    play(game_of(rate=0.1, update=update, average=ema), follow)
    assert np.abs(expected[-1] - expected[0]).max() > 1e-3
