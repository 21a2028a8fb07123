"""Which number a step has for what changes over the run: rates, γ and average see the steps before it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mulligan.game import GAN, R1, WGANGP, Game, Latent, Player, Schedules
from mulligan.game.checking import game_of
from mulligan.nn import EMA
from mulligan.nn import layers as nn
from mulligan.nn.layers import Fill, Zeros
from mulligan.nn.optimizers import SGD, Adam
from mulligan.nn.schedules import Linear, StepDecay

STEPS = 6
SEEN = []


@dataclass(frozen=True)
class Seen(Adam):
    """Adam that writes down with what it moves."""

    def update_block(self, state, theta, g, *slots, lr):
        SEEN.append((theta.size, int(state["t"][0]), lr))
        super().update_block(state, theta, g, *slots, lr=lr)


def blank(update, **rules):
    """A game whose fakes are 0, and whose D is the sum of what it sees; neither moves."""
    still = SGD(1e-30)
    g, d = (nn.Dense(4, init=Zeros()),), (nn.Dense(1, init=Fill(1.0)),)
    return Game(Player(g, still), Player(d, still), latent=Latent(3), update=update, **rules)


def play(game, between):
    gan = GAN(game, (4,), total=STEPS, workers=1, dtype=np.float64)
    rng = np.random.default_rng(0)
    with gan:
        for step in range(STEPS):
            gan.step(rng.standard_normal((5 * game.d_steps, 4)))
            between(step, gan)
    return gan


@pytest.mark.parametrize(("update", "d_steps"), [("simultaneous", 1), ("alternating", 1), ("alternating", 2)])
def test_rates_of_both_players_are_those_of_the_step(update, d_steps):
    schedules = Schedules(lr=StepDecay(0.8, 0.5, tuple(range(STEPS))))
    game = game_of(update=update, d_steps=d_steps, schedules=schedules)
    own = {"generator": Seen(1e-3), "discriminator": Seen(2e-3)}
    game = replace(game, **{name: replace(getattr(game, name), optimizer=seen) for name, seen in own.items()})
    SEEN.clear()
    gan = play(game, lambda step, gan: None)
    for mover, rate, moves in ((gan.g, 1e-3, 1), (gan.d, 2e-3, d_steps)):
        found = [row[1:] for row in SEEN if row[0] == mover.network.n_params]
        expected = [(moves * step + move + 1, rate * 0.8 * 0.5**step) for step in range(STEPS) for move in range(moves)]
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


@pytest.mark.parametrize(
    ("update", "penalty", "value"),
    [("simultaneous", R1(3.0), 6.0), ("alternating", R1(3.0), 6.0), ("alternating", WGANGP(5.0), 5.0)],
    ids=str,
)
def test_penalties_have_the_weight_of_the_step(update, penalty, value):
    """‖∇D‖² = 4 · 0.5² = 1 everywhere: R1 costs γ/2, and nothing is missing from the norm that WGAN-GP wants."""
    gan = GAN(
        blank(update, penalties=(penalty,), schedules=Schedules(penalty=Linear(1.0, 0.2))), (4,), total=4, workers=1
    )
    with gan:
        for step in range(4):
            found = gan.step(np.ones((6, 4), np.float32))[penalty.name]
            assert found == pytest.approx(value * (1 - 0.8 * step / 4), rel=1e-6)


@pytest.mark.parametrize("mover", ["g", "d"])
def test_rates_that_change_between_two_steps_are_those_of_their_player(mover):
    still, moving = SGD(1e-30), SGD(0.1)
    rates = {
        "g": {"generator": moving, "discriminator": still},
        "d": {"generator": still, "discriminator": moving},
    }
    game, thetas = game_of(), []
    ruled = {
        m: replace(game, **{who: replace(getattr(game, who), optimizer=o) for who, o in rates[m].items()}) for m in "gd"
    }
    other = "d" if mover == "g" else "g"

    def follow(step, gan):
        thetas.append({"g": gan.g.network.theta.copy(), "d": gan.d.network.theta.copy()})
        if step == 2:
            gan.game = ruled[mover]

    play(ruled[other], follow)
    moved = [{m: bool(np.abs(a[m] - b[m]).max() > 1e-12) for m in "gd"} for a, b in zip(thetas, thetas[1:])]
    assert moved == [{mover: False, other: True}] * 2 + [{mover: True, other: False}] * 3


AWAKE = []


@dataclass(frozen=True)
class Dozing(nn.Dense):
    """A dense layer that adds nothing to its gradient while it sleeps, as one with stochastic depth does."""

    def product_w(self, m, x, dy):
        if AWAKE:
            super().product_w(m, x, dy)


MIXING = (nn.Dense(4), nn.BatchNorm(), nn.Dense(1))
PLAIN = (nn.Dense(4), nn.LeakyReLU(), nn.Dense(1))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("sleeper", ["generator", "discriminator"])
@pytest.mark.parametrize(
    ("d", "update", "penalties"),
    [
        (PLAIN, "alternating", ()),
        (PLAIN, "alternating", (R1(),)),
        (PLAIN, "alternating", (WGANGP(),)),
        (PLAIN, "simultaneous", (R1(),)),
        (MIXING, "alternating", ()),  # the reals and the fakes in workspaces of their own
    ],
)
def test_what_received_nothing_in_a_step_has_a_gradient_of_zero(d, update, penalties, sleeper, workers):
    game = game_of(d=d, update=update, penalties=penalties)
    player = getattr(game, sleeper)
    dozing = replace(player, layers=(Dozing(4), *player.layers))
    gan = GAN(replace(game, **{sleeper: dozing}), (4,), workers=workers, dtype=np.float64)
    mover = gan.g if sleeper == "generator" else gan.d
    part = next(entry.part for entry in mover.network.entries if entry.path == "0.W")
    real = np.random.default_rng(0).standard_normal((6, 4))
    AWAKE[:] = [True]
    with gan:
        gan.step(real)
        heard = mover.state["heard"][part].copy()
        AWAKE.clear()
        gan.step(real)
    assert heard.all()
    assert not mover.state["heard"][part].any()  # nothing is left of the step before, or of the other player
