import numpy as np
import pytest
import scipy.linalg

from mulligan.metrics import Moments, frechet_distance, frechet_infinity, moments, noise_floor, percent


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


def test_equal_sets_are_at_distance_zero_in_any_order(rng):
    x = correlated(rng, 200, 10)
    a, b = moments(x), moments(rng.permutation(x))
    assert frechet_distance(a, a) <= 1e-12 * a.total_variance
    assert frechet_distance(a, b) <= 1e-12 * a.total_variance


def test_moments_are_numpys_and_summed_in_float64(rng):
    x = (1e4 + rng.standard_normal((500, 6))).astype(np.float32)
    found = moments(x)
    assert found.cov.dtype == np.float64
    assert found.n == 500
    np.testing.assert_allclose(found.mean, x.astype(np.float64).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.cov, np.cov(x.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-12)
    assert found.total_variance == pytest.approx(x.astype(np.float64).var(axis=0, ddof=1).sum(), rel=1e-9)


@pytest.mark.parametrize(("n", "floor"), [(500, 4.42), (2000, 1.104), (5000, 0.442)])
def test_floor_of_64_unit_gaussians(n, floor):
    # λ = 1: (2/n)(d + d(d+1)/4).
    assert noise_floor(np.eye(64), n, n) == pytest.approx(floor, rel=1e-3)
    assert noise_floor(np.eye(64), n, n) == pytest.approx(2 / n * (64 + 64 * 65 / 4), rel=1e-12)


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


def test_floor_knows_dead_features():
    assert noise_floor(np.diag([1.0, 2.0, 0.0]), 50, 70) == noise_floor(np.diag([1.0, 2.0]), 50, 70)


def test_endless_samples_by_a_line_through_exact_points(rng):
    # With every subset the whole set but the smallest, the fit is the two-point formula.
    x, y = rng.standard_normal((40, 3)), rng.standard_normal((40, 3)) + 1
    found = frechet_infinity(x, y, points=2, smallest=20, seed=3)
    draw = np.random.default_rng(3)
    half = frechet_distance(
        moments(x[draw.choice(40, 20, replace=False)]), moments(y[draw.choice(40, 20, replace=False)])
    )
    whole = frechet_distance(moments(x), moments(y))
    assert found == pytest.approx(2 * whole - half, rel=1e-9)
    assert found == frechet_infinity(x, y, points=2, smallest=20, seed=3)


@pytest.mark.parametrize(("d", "smallest"), [(3, 20), (12, 24)])  # a tenth of the rows, but at least 2d
def test_endless_samples_are_read_from_fifteen_sizes(rng, d, smallest):
    x, y = rng.standard_normal((200, d)), rng.standard_normal((230, d))
    assert frechet_infinity(x, y, seed=1) == frechet_infinity(x, y, points=15, smallest=smallest, seed=1)
    assert frechet_infinity(x, y, seed=1) != frechet_infinity(x, y, points=14, smallest=smallest, seed=1)


def test_percent_of_the_total_variance():
    assert percent(3.0, Moments(np.zeros(2), np.diag([5.0, 1.0]), 9)) == 50.0


def test_two_samples_are_enough_for_a_floor():
    assert noise_floor(np.eye(2), 2, 2) == pytest.approx(2 + 2 * 3 / 4)  # d + d(d+1)/4
