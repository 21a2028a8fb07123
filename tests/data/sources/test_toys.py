import numpy as np
import pytest
from scipy import integrate, stats

from mulligan.data import TOYS, load
from mulligan.data.sources.toys import Gaussians, SwissRoll
from mulligan.errors import ShapeError

RNG = np.random.default_rng(0)


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
    x = np.linspace(mean - 6 * std, mean + 6 * std, 101)
    np.testing.assert_allclose(TOYS[name].log_density(x[:, None]), stats.norm.logpdf(x, mean, std), rtol=1e-12)
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
def test_mixture_densities_agree_with_scipy(name):
    toy = TOYS[name]
    x = np.concatenate([toy.sample(50, RNG), RNG.uniform(-5, 5, (20, 2))])
    parts = [stats.multivariate_normal(m, toy.std**2).logpdf(x) for m in toy.modes]
    expected = np.logaddexp.reduce(parts) - np.log(len(parts))
    np.testing.assert_allclose(toy.log_density(x), expected, rtol=1e-10)


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


def test_the_swiss_roll_density_is_the_integral():
    roll = SwissRoll()
    ends = roll.curve(np.array([0.0, 1.0, 0.0, 0.37]))
    ends += [[0, 0.01], [0.02, 0], [0, -0.1], [0.05, 0.05]]
    x = np.concatenate([roll.sample(6, np.random.default_rng(3)), ends])

    def density(point):
        def integrand(u):
            return stats.norm.pdf(point - roll.curve(np.array([u]))[0], scale=roll.std).prod()

        nearest = np.linspace(0, 1, 2001)[np.linalg.norm(roll.curve(np.linspace(0, 1, 2001)) - point, axis=1).argmin()]
        marks = sorted({float(np.clip(nearest + s, 0, 1)) for s in (-0.05, -0.01, 0, 0.01, 0.05)} | {0.0, 1.0})
        return sum(integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-11)[0] for a, b in zip(marks, marks[1:]))

    np.testing.assert_allclose(np.exp(roll.log_density(x)), [density(p) for p in x], rtol=1e-9)


@pytest.mark.parametrize("name", TOYS)
def test_the_density_integrates_to_one(name):
    toy = TOYS[name]
    points = np.asarray(load(name).images[:4000], float)
    low, high = points.min(axis=0) - 6 * toy.std, points.max(axis=0) + 6 * toy.std
    if points.shape[1] == 1:
        axis = np.linspace(low[0], high[0], 2001)
        mass = np.exp(toy.log_density(axis[:, None])).sum() * (axis[1] - axis[0])
    else:
        # A smaller mixture of the same kind, so that the grid stays small.
        toy = Gaussians(((0.0, 0.0), (0.4, -0.2)), 0.05) if isinstance(toy, Gaussians) else SwissRoll(0.05, 0.04)
        axis = np.linspace(-1.0, 1.0, 161)
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        mass = np.exp(toy.log_density(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert mass == pytest.approx(1.0, abs=1e-6)


def test_swiss_roll_samples_have_noise_of_their_own_in_both_directions():
    roll = SwissRoll()
    noise = roll.sample(2000, np.random.default_rng(5)) - roll.curve(np.random.default_rng(5).random(2000))
    np.testing.assert_allclose(np.cov(noise, rowvar=False) / roll.std**2, np.eye(2), atol=4 * np.sqrt(2 / 2000))


def test_swiss_roll_samples_follow_the_density():
    # E log p(x) under samples equals minus the entropy; two estimates of the same number, from samples and from a grid.
    roll = SwissRoll(0.05, 0.04)
    values = roll.log_density(roll.sample(8000, np.random.default_rng(5)))
    axis = np.linspace(-1.0, 1.0, 161)
    logp = roll.log_density(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
    expected = (np.exp(logp) * logp).sum() * (axis[1] - axis[0]) ** 2
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(len(values))


def test_far_away_is_unlikely_but_not_minus_infinity():
    assert np.isfinite(TOYS["ring"].log_density(np.array([[1e3, 1e3]]))).all()


def test_many_points_go_through_in_blocks():
    toy = TOYS["grid"]
    x = toy.sample(2500, np.random.default_rng(1))
    one_by_one = np.concatenate([toy.log_density(x[i : i + 1]) for i in (0, 1023, 1024, 2499)])
    assert (toy.log_density(x)[[0, 1023, 1024, 2499]] == one_by_one).all()
    assert toy.log_density(x[:0]).shape == (0,)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 3), (1, 5, 2)])
def test_points_of_another_dimension_are_refused(shape):
    with pytest.raises(ShapeError, match="Reshape"):
        TOYS["ring"].log_density(np.zeros(shape))
