import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mulligan.metrics import divergences, modes, stacked_modes

RING = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


@pytest.mark.parametrize(("n", "bins"), [(2000, 40), (60, 30)])  # bins in the tails hold next to nothing
def test_samples_of_the_density_itself_are_at_the_floor(rng, n, bins):
    found = [divergences(rng.standard_normal(n), norm.pdf, -5, 5, bins=bins) for _ in range(200)]
    for name in ("kl", "js"):
        seen = np.array([getattr(f, name) for f in found])
        assert abs(seen.mean() - getattr(found[0], f"{name}_floor")) < 3.5 * seen.std() / np.sqrt(200)


def test_floors_are_the_simple_ones_where_bins_are_full(rng):
    even = lambda x: ((x >= 0) & (x <= 1)).astype(float)  # noqa: E731
    found = divergences(rng.random(50_000), even, 0, 1, bins=20)
    assert found.kl_floor == pytest.approx(19 / (2 * 50_000), rel=1e-2)
    assert found.js_floor == pytest.approx(19 / (8 * 50_000), rel=1e-2)


def test_shifted_gaussians_have_an_analytic_kl(rng):
    x = rng.standard_normal(200_000) + 0.8
    found = divergences(x[:, None], norm.pdf, -5, 6, bins=200)
    assert found.kl == pytest.approx(0.8**2 / 2, abs=4 * 0.8 / np.sqrt(200_000) + found.kl_floor + 1e-3)

    def halves(t):
        p, q = norm.pdf(t), norm.pdf(t, 0.8)
        return 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)))

    assert found.js == pytest.approx(quad(halves, -9, 9)[0], abs=2e-3)


def test_masses_of_the_bins_are_exact():
    # Bins of a whole standard deviation, their masses from the normal distribution itself.
    found = divergences(np.array([-0.5, 0.1, 0.5]), norm.pdf, -1, 2, bins=3)
    p = np.diff(norm.cdf([-1, 0, 1, 2]))
    assert found.kl == pytest.approx((1 / 3) * np.log(1 / 3 / p[0]) + (2 / 3) * np.log(2 / 3 / p[1]), rel=1e-9)
    for bins in (1, 2):
        outside = divergences(np.array([9.0]), norm.pdf, -1, 2, bins=bins)
        assert outside.kl == pytest.approx(-np.log(norm.cdf(-1) + norm.sf(2)), rel=1e-9)


def test_samples_where_the_density_is_zero():
    box = lambda x: ((x >= 0) & (x <= 1)).astype(float)  # noqa: E731
    found = divergences(np.full(50, 5.5), box, 0, 6, bins=6)
    assert found.kl == np.inf
    assert found.js == pytest.approx(np.log(2), rel=1e-6)


def test_modes_of_the_ring(rng):
    std = 0.02
    samples = np.repeat(RING, [100, 100, 100, 0, 50, 1, 0, 0], axis=0)
    astray = np.full((39, 2), 0.5)
    found = modes(np.concatenate([samples + np.array([2.99 * std, 0.0]), astray]), RING, std)
    assert (found.captured, found.high_quality) == (5, 0.9)
    share = np.array([100, 100, 100, 50, 1]) / 351
    assert found.kl == pytest.approx(np.sum(share * np.log(share * 8)), rel=1e-12)
    assert found.kl_floor == 7 / 702
    off = modes(samples + np.array([3.01 * std, 0.0]), RING, std)
    assert (off.captured, off.high_quality, off.kl) == (0, 0.0, np.log(8))


def test_ideal_share_of_high_quality(rng):
    samples = RING[rng.integers(8, size=20_000)] + 0.02 * rng.standard_normal((20_000, 2))
    found = modes(samples, RING, 0.02)
    assert found.high_quality_ideal == pytest.approx(1 - np.exp(-4.5), rel=1e-12)
    assert found.high_quality == pytest.approx(found.high_quality_ideal, abs=4 * np.sqrt(0.011 / 20_000))
    assert found.captured == 8
    assert found.kl < 4 * found.kl_floor
    one = modes(np.array([[0.0]]), np.array([[0.0], [9.0]]), 1.0)
    assert one.high_quality_ideal == pytest.approx(norm.cdf(3) - norm.cdf(-3), rel=1e-12)


def test_stacked_digits():
    every = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    found = stacked_modes(every)
    assert (found.captured, found.kl) == (1000, pytest.approx(0.0, abs=1e-12))
    assert stacked_modes(np.tile([3, 1, 4], (26, 1))).kl == pytest.approx(np.log(1000))
    assert stacked_modes(np.tile([[3, 1, 4], [4, 1, 3]], (5, 1))).captured == 2
    assert stacked_modes(np.tile(every, (26, 1))).kl_floor == pytest.approx(0.0192, abs=1e-4)


def test_combinations_of_other_sizes_are_counted_alike():
    every = np.argwhere(np.ones((8, 11, 12)))
    found = stacked_modes(every, (8, 11, 12))
    assert (found.captured, found.kl) == (1056, pytest.approx(0.0, abs=1e-12))
    assert stacked_modes(every[:12], (8, 11, 12)).kl == pytest.approx(np.log(88))
