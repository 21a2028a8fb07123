"""Extragradient is a rule for all players at once: all look ahead, and then all move."""

from dataclasses import dataclass
from threading import current_thread, main_thread
from time import sleep

import numpy as np
import pytest

from mulligan.errors import ConfigError
from mulligan.game import GAN, Game, Latent, Player, Wasserstein
from mulligan.game.checking import NETS
from mulligan.nn import Average
from mulligan.nn import layers as nn
from mulligan.nn.optimizers import SGD, Adam, Extragradient, Lookahead

ETA = 0.3


@dataclass(frozen=True)
class ByTurns(Latent):
    """z = 1 and z = ½ by turns, so that a pass with another's z is seen."""

    def draw(self, rng, out):
        out.fill(0.5 + 0.5 * (rng.random() < 0.5))
        return out


def made(optimizer, update, workers=1, average=None, loss=None):
    """Make a GAN that plays z·x·y: G(z) = x·z and D(h) = y·h."""
    layers = (nn.Dense(1, bias=False),)
    players = Player(layers, optimizer), Player(layers, optimizer)
    game = Game(*players, ByTurns(1), loss or Wasserstein(), update=update, average=average)
    gan = GAN(game, (1,), seed=2, workers=workers, dtype=np.float64)
    gan.g.network.theta[:], gan.d.network.theta[:] = 1.0, -0.5
    return gan


def play(optimizer, update, steps, **parts):
    """Play with reals at 0. Yield x, y and the average of x after each step."""
    with made(optimizer, update, **parts) as gan:
        for _ in range(steps):
            gan.step(np.zeros((4, 1)))
            yield gan.g.network.theta[0], gan.d.network.theta[0], gan.average[0]


def drawn(moves):
    """Give the z that so many moves draw."""
    rng, out = GAN(Game(*[Player((nn.Dense(1),))] * 2), (1,), seed=2).streams["noise"], np.empty(1)
    return [float(ByTurns(1).draw(rng, out)[0]) for _ in range(moves)]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_all_look_ahead_and_then_all_move(update, workers):
    steps = 60
    each = 1 if update == "simultaneous" else 2  # moves in a turn, each with a z of its own
    z = iter(drawn(2 * each * steps))
    x, y = 1.0, -0.5
    for found in play(Extragradient(SGD(ETA)), update, steps, workers=workers):
        for_d = next(z)
        for_g = for_d if each == 1 else next(z)
        x_ahead, y_ahead = x + ETA * for_g * y, y - ETA * for_d * x  # min over y, max over x of z·x·y
        for_d = next(z)
        for_g = for_d if each == 1 else next(z)
        x, y = x + ETA * for_g * y_ahead, y - ETA * for_d * x_ahead
        np.testing.assert_allclose(found[:2], (x, y), rtol=1e-12)


class Mean(Average):
    def weight(self, step):
        return 1 / (step + 1)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_the_average_takes_in_where_they_moved_and_not_where_they_looked(update):
    x, _, averages = np.transpose(list(play(Extragradient(SGD(ETA)), update, 5, average=Mean())))
    np.testing.assert_allclose(averages, np.cumsum(x) / np.arange(1, 6), rtol=1e-12)


class Late(Wasserstein):
    """A loss that the first worker computes after the other."""

    def discriminator(self, *, real, fake):
        if current_thread() is main_thread():
            sleep(0.005)
        return super().discriminator(real=real, fake=fake)


def test_no_worker_shows_logits_of_its_next_move_before_all_have_read_those_of_the_last():
    one, two = (made(Extragradient(SGD(ETA)), "alternating", workers, loss=Late()) for workers in (1, 2))
    with two:
        for _ in range(10):
            assert two.step(np.zeros((4, 1))) == pytest.approx(one.step(np.zeros((4, 1))))


EXTRA = Extragradient(Adam())


def game_with(g, d, **rules):
    return Game(Player(NETS["mlp"][0], g), Player(NETS["mlp"][1], d), **rules)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize(("g", "d"), [(Adam(), EXTRA), (EXTRA, Adam()), (Lookahead(EXTRA), Lookahead(Adam()))])
def test_it_is_for_both_players_or_for_none(g, d, update):
    with pytest.raises(ConfigError, match=r"gradients a step, got \d for .* and \d for the disc"):
        game_with(g, d, update=update)


def test_it_is_for_one_move_of_d():
    with pytest.raises(ConfigError, match=r"d_steps must .*got 2"):
        game_with(EXTRA, EXTRA, d_steps=2)


@pytest.mark.parametrize(
    ("optimizer", "rules", "turns"),
    [
        (Adam(), {}, (("d",), ("g",))),
        (Adam(), {"d_steps": 3}, (("d",), ("d",), ("d",), ("g",))),
        (Adam(), {"update": "simultaneous"}, (("dg",),)),
        (EXTRA, {}, (("d", "g"), ("d", "g"))),
        (EXTRA, {"update": "simultaneous"}, (("dg",), ("dg",))),
        (Lookahead(EXTRA), {}, (("d", "g"), ("d", "g"))),
    ],
)
def test_turns_and_moves(optimizer, rules, turns):
    game = game_with(optimizer, optimizer, **rules)
    assert game.turns == turns
    assert game.moves == sum(turns, ())
