"""Losses against their definitions, at the equilibrium, and at logits that no exponential survives."""

import math
import warnings

import numpy as np
import pytest

from mulligan.game import (
    GAN,
    LOSSES,
    Game,
    Latent,
    LiteralCost,
    Minimax,
    NonSaturating,
    Player,
    Relativistic,
    RelativisticAverage,
)
from mulligan.game.losses import softplus
from mulligan.nn.layers import Dense
from mulligan.nn.layers.activations import sigmoid

EVERY = [*(loss() for loss in LOSSES.values()), NonSaturating(0.1)]


def sp(x):
    return math.log1p(math.exp(x))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def relativistic_average(near, far, sign):
    """Eqs. 15 and 16 of the article, number by number."""
    return mean(sp(-sign * (a - mean(far))) for a in near) + mean(sp(sign * (b - mean(near))) for b in far)


DEFINITIONS = {
    "non_saturating": (
        lambda r, f: (
            mean(-math.log(1 / (1 + math.exp(-x))) for x in r) + mean(-math.log(1 - 1 / (1 + math.exp(-x))) for x in f)
        ),
        lambda r, f: mean(-math.log(1 / (1 + math.exp(-x))) for x in f),
    ),
    "minimax": (
        lambda r, f: mean(sp(-x) for x in r) + mean(sp(x) for x in f),
        lambda r, f: mean(math.log(1 - 1 / (1 + math.exp(-x))) for x in f),
    ),
    "literal_cost": (
        lambda r, f: mean(sp(-x) for x in r) + mean(math.log(1 - 1 / (1 + math.exp(-x))) for x in f),
        lambda r, f: mean(sp(-x) for x in f),
    ),
    "least_squares": (
        lambda r, f: mean((x - 1) ** 2 for x in r) / 2 + mean(x**2 for x in f) / 2,
        lambda r, f: mean((x - 1) ** 2 for x in f) / 2,
    ),
    "wasserstein": (lambda r, f: mean(f) - mean(r), lambda r, f: -mean(f)),
    "hinge": (
        lambda r, f: mean(max(0, 1 - x) for x in r) + mean(max(0, 1 + x) for x in f),
        lambda r, f: -mean(f),
    ),
    "relativistic": (
        lambda r, f: mean(sp(-(a - b)) for a, b in zip(r, f)),
        lambda r, f: mean(sp(a - b) for a, b in zip(r, f)),
    ),
    "relativistic_average": (
        lambda r, f: relativistic_average(r, f, 1),
        lambda r, f: relativistic_average(r, f, -1),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_values_are_the_definitions(name):
    real, fake = np.random.default_rng(0).standard_normal((2, 7)) * 2
    for_d, for_g = DEFINITIONS[name]
    loss = LOSSES[name]()
    assert loss.discriminator(real=real, fake=fake).value == pytest.approx(for_d(real, fake), rel=1e-12)
    assert loss.generator(real=real, fake=fake).value == pytest.approx(for_g(real, fake), rel=1e-12)


@pytest.mark.parametrize("shift", [3.0, -11.0])
@pytest.mark.parametrize("loss", [Relativistic(), RelativisticAverage()], ids=repr)
def test_relativistic_losses_see_differences_only(loss, shift):
    real, fake = np.random.default_rng(0).standard_normal((2, 7))
    here, there = (loss.discriminator(real=real + s, fake=fake + s) for s in (0, shift))
    np.testing.assert_allclose(here.value, there.value, rtol=1e-13)
    np.testing.assert_allclose(here.real, there.real, rtol=1e-12)
    assert abs(here.real.sum() + here.fake.sum()) < 1e-15


@pytest.mark.parametrize(("kind", "sign"), [(NonSaturating, 1), (Minimax, 1), (LiteralCost, -1)], ids=str)
def test_smoothing_moves_the_target_of_reals_only(kind, sign):
    real, fake = np.random.default_rng(0).standard_normal((2, 7))
    s, plain = 0.1, kind().discriminator(real=real, fake=fake)
    value, d_real, d_fake = kind(smoothing=s).discriminator(real=real, fake=fake)
    # cross-entropy against the targets 1 − s and 0; the literal cost rewards what the others punish in fakes
    expected = mean((1 - s) * sp(-x) + s * sp(x) for x in real) + sign * mean(sp(x) for x in fake)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(d_real, (1 / (1 + np.exp(-real)) - (1 - s)) / 7, rtol=1e-12)
    at = math.log((1 - s) / s)  # σ(at) = 1 − s: nothing to learn
    assert abs(kind(smoothing=s).discriminator(real=np.full(3, at), fake=fake[:3]).real).max() < 1e-15
    np.testing.assert_array_equal(d_fake, plain.fake)
    assert (d_real > plain.real).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", EVERY, ids=repr)
def test_extreme_logits_stay_finite(loss, dtype):
    ends = np.array([-1e4, -90, -1, 0, 1, 90, 1e4], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for real in (ends, ends[::-1].copy(), np.full_like(ends, 1e4), np.full_like(ends, -1e4)):
            d = loss.discriminator(real=real, fake=ends)
            g = loss.generator(real=real, fake=ends)
            assert np.isfinite([d.value, g.value]).all()
            for gradient in (d.real, d.fake, g.fake):
                assert gradient.dtype == dtype
                assert np.isfinite(gradient).all()


def test_softplus_and_sigmoid_are_exact_far_from_zero():
    x = np.array([-80.0, -30.0, -17.0, -1.0, 0.0, 1.0, 30.0], np.float32)
    exact = [math.exp(float(v)) / (1 + math.exp(float(v))) for v in x]
    np.testing.assert_allclose(sigmoid(x), exact, rtol=5e-7)  # a saturated G learns from these small numbers
    np.testing.assert_allclose(softplus(x), [math.log1p(math.exp(float(v))) for v in x], rtol=5e-7)


THRESHOLDS = {"least_squares": 0.5, "wasserstein": None, "relativistic": None, "relativistic_average": None}


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
@pytest.mark.parametrize("name", LOSSES)
def test_d_is_right_on_the_right_side_of_the_loss_s_threshold(name, update):
    player = Player((Dense(1),))
    gan = GAN(Game(player, player, Latent(1), LOSSES[name](), update=update), (1,), workers=1)
    gan.d.network.theta[:] = 1, 0  # D(x) = x
    gan.g.network.theta[:] = 0, 0.2  # G(z) = 0.2
    measures = gan.step(np.array([[0.8], [0.9], [0.6], [-0.3]]))
    assert (measures["d_real"], measures["d_fake"]) == pytest.approx((0.5, 0.2), rel=1e-6)
    threshold = THRESHOLDS.get(name, 0.0)
    assert LOSSES[name].threshold == threshold
    if threshold is None:
        assert "d_accuracy" not in measures
    else:
        assert measures["d_accuracy"] == {0.0: 3 / 8, 0.5: 7 / 8}[threshold]
        assert {type(value) for value in measures.values()} == {float}


def test_a_logit_on_the_level_counts_as_fake():
    from mulligan.game.losses import accuracy

    real, fake = np.array([0.5, 0.5, 0.6, 0.4], np.float32), np.array([0.5, 0.4, 0.6, 0.5], np.float32)
    assert accuracy(real, fake, 0.5) == (1 + 3) / 8
    assert accuracy(real[:1], fake[:1], 0.5) == 0.5
