import numpy as np
import pytest
from scipy import stats

from mulligan.data import TOYS, load
from mulligan.data.sources.toys import SwissRoll


@pytest.mark.parametrize("name", TOYS)
def test_a_named_toy_is_the_same_every_time(name):
    first, second = load(name), load(name)
    d = 1 if name in ("jang", "aylien") else 2
    assert first.images.shape == (50_000, d)
    assert first.test.images.shape == (10_000, d)
    assert first.images.dtype == np.float32
    assert first.labels is None
    assert (first.images == second.images).all()
    assert not (first.images[:10_000] == first.test.images).any(axis=1).all()


@pytest.mark.parametrize(("name", "mean", "std"), [("jang", -1.0, 1.0), ("aylien", 4.0, 0.5)])
def test_one_dimension_is_the_published_gaussian(name, mean, std):
    points = load(name).images[:, 0]
    assert stats.kstest(points[:5000], stats.norm(mean, std).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("name", "count", "std"), [("ring", 8, 0.02), ("grid", 25, 0.05)])
def test_mixtures_are_the_published_ones(name, count, std):
    toy = TOYS[name]
    assert toy.modes.shape == (count, 2)
    assert toy.std == std
    if name == "ring":
        np.testing.assert_allclose(np.linalg.norm(toy.modes, axis=1), 2.0)
        np.testing.assert_allclose(toy.modes[0], [2, 0])
        angles = np.unwrap(np.arctan2(*toy.modes.T[::-1]))
        np.testing.assert_allclose(np.diff(angles), np.pi / 4)
    else:
        assert sorted(map(tuple, toy.modes)) == [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_samples_fall_on_all_modes_with_the_right_spread(name):
    toy = TOYS[name]
    points = load(name).images.astype(float)
    nearest = np.linalg.norm(points[:, None] - toy.modes, axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(toy.modes))
    assert stats.chisquare(counts).pvalue > 1e-3
    offsets = (points - toy.modes[nearest]) / toy.std
    assert stats.kstest(offsets.ravel()[:10_000], "norm").pvalue > 1e-3


def test_the_swiss_roll_is_the_one_of_wgan_gp():
    # make_swiss_roll(noise=0.25)[:, [0, 2]] / 7.5, by scikit-learn's own formula.
    roll = TOYS["swiss-roll"]
    assert (roll.scale, roll.std) == (1 / 7.5, 0.25 / 7.5)
    u = np.array([0.0, 0.5, 1.0])
    t = 1.5 * np.pi * (1 + 2 * u)
    np.testing.assert_allclose(roll.curve(u) * 7.5, np.stack([t * np.cos(t), t * np.sin(t)], axis=1))
    assert roll.modes.shape == (0, 2)


def test_swiss_roll_samples_have_noise_of_their_own_in_both_directions():
    roll = SwissRoll()
    noise = roll.sample(2000, np.random.default_rng(5)) - roll.curve(np.random.default_rng(5).random(2000))
    np.testing.assert_allclose(np.cov(noise, rowvar=False) / roll.std**2, np.eye(2), atol=4 * np.sqrt(2 / 2000))
