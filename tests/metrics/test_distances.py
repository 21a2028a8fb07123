import numpy as np
import pytest
import scipy.linalg

from mulligan.metrics import Moments, frechet_distance, moments, noise_floor
from mulligan.metrics.distances import floor_of, split_floor


def correlated(rng, n, d):
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


def test_against_the_square_root_of_a_product_by_scipy(rng):
    x, y = correlated(rng, 60, 12), correlated(rng, 80, 12)
    a, b = moments(x), moments(y)
    c1, c2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(c1 @ c2)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * root.real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-10)


def test_gaussians_with_an_analytic_answer(rng):
    # Commuting covariances: FD = ‖Δμ‖² + Σ (√a − √b)²; the same after a rotation of both.
    a, b, shift = rng.uniform(0.1, 4, 9), rng.uniform(0.1, 4, 9), rng.standard_normal(9)
    turn = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    expected = (shift**2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    first = Moments(np.zeros(9), (turn * a) @ turn.T, 100)
    second = Moments(turn @ shift, (turn * b) @ turn.T, 100)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-12)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-12)


def test_singular_covariances():
    # Dead features, and supports at right angles: nothing in common but the mean.
    first = Moments(np.zeros(3), np.diag([4.0, 0.0, 0.0]), 10)
    second = Moments(np.zeros(3), np.diag([0.0, 9.0, 0.0]), 10)
    assert frechet_distance(first, second) == pytest.approx(13.0, rel=1e-12)
    assert frechet_distance(first, first) == pytest.approx(0.0, abs=1e-12)


def test_moments_are_numpys_and_summed_in_float64(rng):
    x = (1e4 + rng.standard_normal((500, 6))).astype(np.float32)
    found = moments(x)
    assert found.cov.dtype == np.float64
    assert found.n == 500
    np.testing.assert_allclose(found.mean, x.astype(np.float64).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.cov, np.cov(x.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-12)
    assert found.total_variance == pytest.approx(x.astype(np.float64).var(axis=0, ddof=1).sum(), rel=1e-9)


def test_floor_of_64_unit_gaussians():
    assert noise_floor(np.eye(64), 500, 500) == pytest.approx(2 / 500 * (64 + 64 * 65 / 4), rel=1e-12)  # λ = 1


def test_floor_against_monte_carlo(rng):
    sd = np.geomspace(1, 0.1, 6)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    m, n = 300, 900
    seen = [
        frechet_distance(
            moments(rng.standard_normal((m, 6)) * sd @ turn), moments(rng.standard_normal((n, 6)) * sd @ turn)
        )
        for _ in range(600)
    ]
    error = np.std(seen) / np.sqrt(len(seen))
    assert error < 0.025 * np.mean(seen)  # sharp enough to see any term of the formula go
    assert abs(noise_floor((turn.T * sd**2) @ turn, m, n) - np.mean(seen)) < 3.5 * error


@pytest.mark.parametrize("n", [20, 100])
def test_the_floor_by_splitting_is_what_two_sets_of_reals_show(rng, n):
    def distance(a, b):
        return frechet_distance(moments(a), moments(b))

    def real(rows=n):
        return 0.95 ** np.arange(48) * rng.standard_normal((rows, 48))

    seen = np.mean([distance(real(), real()) for _ in range(20)])
    assert np.mean([split_floor(distance, real(), n) for _ in range(12)]) == pytest.approx(seen, rel=0.15)
    if n == 20:
        assert np.mean([noise_floor(moments(real()).cov, n, n) for _ in range(6)]) < 0.7 * seen  # of so few too low
    assert split_floor(distance, real(n // 2), 2 * n) == pytest.approx(seen / 2, rel=0.6)
    assert split_floor(distance, np.ones((8, 2)), 8) == 0.0


def test_the_floor_of_few_is_split_and_goes_with_both_numbers(rng):
    x = rng.standard_normal((300, 5))
    split = split_floor(lambda a, b: frechet_distance(moments(a), moments(b)), x, 100)
    unit = moments(x).total_variance / 100
    assert split == pytest.approx(0.159519, rel=1e-4)  # of the same halves and quarters every time
    assert floor_of(x, moments(x), 100) == pytest.approx(split * (1 + 100 / 300) / 2 / unit, rel=1e-12)
    many = Moments(np.zeros(5), np.eye(5), 2000)
    assert floor_of(x, many, 2000) == pytest.approx(100 * noise_floor(np.eye(5), 2000, 2000) / 5, rel=1e-12)
