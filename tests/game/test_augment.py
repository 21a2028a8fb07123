"""Augmentations: what they do and their transposes."""

import numpy as np
import pytest

from mulligan.errors import ShapeError
from mulligan.game import GAN, R1, R2, WGANGP, Cutout, Flip, Game, Latent, Player, Relativistic, Translation
from mulligan.game.augment import Warp
from mulligan.game.checking import Listening
from mulligan.game.validation import check_playable
from mulligan.nn import layers as nn

SHAPE = (8, 6, 2)
ALL = (Flip(), Translation(0.3), Cutout(0.5))
LEAKY = nn.LeakyReLU()
G = (nn.Dense(12), LEAKY, nn.Reshape((2, 2, 3)), nn.ConvTranspose2d(2), LEAKY, nn.ConvTranspose2d(1), nn.Tanh())
D = (nn.Conv2d(3), LEAKY, nn.Conv2d(4), LEAKY, nn.Flatten(), nn.Dense(5), LEAKY, nn.Dense(1))


def drawn(parts, n, seed=0, shape=SHAPE):
    warp = Warp(parts, shape)
    out = np.empty((n, warp.numbers))
    warp.draw(np.random.default_rng(seed), out)
    return warp, out


def test_draws_have_the_ranges_of_the_source():
    """28×28: shifts of −3 to 3, holes of 14 whose centres are anywhere, as in the published code."""
    warp, found = drawn((Flip(), Translation(), Cutout()), 20_000, shape=(28, 28, 1))
    flip, down, right, top, bottom, left, end = found.T
    assert abs(flip.mean() - 0.5) < 0.02
    for shift in (down, right):
        values, counts = np.unique(shift, return_counts=True)
        assert values.tolist() == list(range(-3, 4))
        assert counts.min() > 0.9 * 20_000 / 7
    for low, high in ((top, bottom), (left, end)):
        values, counts = np.unique(high - 14, return_counts=True)  # where the hole begins: a centre of 0 to 28
        assert values.tolist() == list(range(-7, 22))
        assert counts.min() > 0.8 * 20_000 / 29
        assert (low == np.maximum(high - 14, 0)).all()
    correlations = np.corrcoef(found.T) - np.eye(7)
    assert np.abs(correlations[np.ix_([0, 1, 2, 4, 6], [0, 1, 2, 4, 6])]).max() < 0.04
    assert warp.numbers == 7


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_each_is_applied_with_its_probability(probability):
    warp = Warp((Flip(1.0), Translation(0.5), Cutout(0.5)), (8, 8, 1))
    drawn = warp.draw(np.random.default_rng(0), out := np.empty((4000, warp.numbers)), probability) or out
    for columns in (slice(0, 1), slice(3, 7)):  # a shift may be 0 by chance
        share = np.mean(np.any(drawn[:, columns] != 0, axis=1))
        assert share == pytest.approx(probability, abs=0.03)
    both = np.mean((drawn[:, 0] != 0) & (drawn[:, 4] != 0))
    assert both == pytest.approx(probability**2, abs=0.03)  # each on its own
    x = np.random.default_rng(1).normal(size=(4000, 8, 8, 1))
    still = np.all(drawn == 0, axis=1)
    np.testing.assert_array_equal(warp.apply(x.copy(), drawn)[still], x[still])


def test_reals_and_fakes_are_drawn_apart():
    out = np.empty((2, 50, 1))
    Warp((Flip(),), SHAPE).draw(np.random.default_rng(0), out)
    assert (out[0] != out[1]).any()


@pytest.mark.parametrize("shape", [SHAPE, (8, 6, 4)], ids=["colours", "alpha"])
@pytest.mark.parametrize("parts", [*((part,) for part in ALL), ALL, ALL[::-1]], ids=str)
def test_the_transpose(parts, shape):
    """⟨T(x) − T(0), y⟩ = ⟨x, Aᵀ y⟩."""
    rng = np.random.default_rng(1)
    warp, numbers = drawn(parts, 50, shape=shape)
    x, y = rng.standard_normal((2, 50, *shape))
    linear = warp.apply(x.copy(), numbers) - warp.apply(np.zeros_like(x), numbers)
    back = warp.transpose(y.copy(), numbers)
    left, right = (linear * y).sum(axis=(1, 2, 3)), (x * back).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)
    assert np.abs(back - y).max() > 0


def test_points_are_not_augmented():
    player = Player((nn.Dense(2),)), Player((nn.Dense(1),))
    for refused in (GAN, check_playable):
        with pytest.raises(ShapeError, match=r"augment = \[\]"):
            refused(Game(*player, augment=(Flip(),)), (2,))


R1_R2 = (R1(0.7), R2(1.3))


def game(update="simultaneous", augment=ALL, penalties=R1_R2):
    players = Player(G, Listening(0.01)), Player(D, Listening(0.01))
    return Game(*players, Latent(4), Relativistic(), penalties, update=update, average=None, augment=augment)


def play(rules, steps=3):
    gan = GAN(rules, (8, 8, 1), seed=3, workers=1, dtype=np.float64)
    rng = np.random.default_rng(1)
    with gan:
        for _ in range(steps):
            gan.step(rng.standard_normal((7, 8, 8, 1)))
    return gan


def test_the_stream_is_their_own():
    """What is drawn for noise stays the same; what is learned does not."""
    plain, augmented = play(game(augment=())), play(game())
    assert "augment" not in plain.streams  # checkpoints from before there were augmentations go on
    assert plain.streams["noise"].random() == augmented.streams["noise"].random()
    assert not np.allclose(plain.g.network.theta, augmented.g.network.theta)


def test_the_real_batch_stays_as_it_was():
    gan = GAN(game(penalties=(WGANGP(),), update="alternating"), (8, 8, 1), workers=1)
    real = np.random.default_rng(0).standard_normal((7, 8, 8, 1)).astype(np.float32)
    before = real.copy()
    with gan:
        gan.step(real)
    assert (real == before).all()
