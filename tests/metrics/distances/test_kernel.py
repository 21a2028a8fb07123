import numpy as np
import pytest

from mulligan.metrics import kid, squared_mmd


def by_loops(x, y):
    k = lambda u, v: (float(u @ v) / len(u) + 1) ** 3  # noqa: E731
    m, n = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    yy = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    xy = sum(k(u, v) for u in x for v in y) / (m * n)
    return xx + yy - 2 * xy


def test_against_the_definition_by_loops(rng):
    x, y = rng.standard_normal((9, 5)), rng.standard_normal((13, 5)) + 0.5
    assert squared_mmd(x, y) == pytest.approx(by_loops(x, y), rel=1e-12)
    assert squared_mmd(y, x) == pytest.approx(by_loops(x, y), rel=1e-12)


def test_unbiased_for_equal_distributions(rng):
    seen = [squared_mmd(rng.standard_normal((25, 6)), rng.standard_normal((20, 6))) for _ in range(1500)]
    assert abs(np.mean(seen)) < 3 * np.std(seen) / np.sqrt(len(seen))
    assert min(seen) < 0


def test_point_masses_have_an_analytic_answer():
    x, y = np.zeros((5, 4)), np.full((6, 4), 2.0)  # k(0,·) = 1, k(y,y) = (16/4 + 1)³
    assert squared_mmd(x, y) == pytest.approx(1 + 125 - 2, rel=1e-12)


def test_a_subset_as_large_as_the_set_is_the_set_in_any_order(rng):
    x, y = rng.standard_normal((40, 5)), rng.standard_normal((40, 5)) + 1
    found = kid(x, rng.permutation(y), subsets=1, size=500)
    assert found.mean == pytest.approx(squared_mmd(x, y), rel=1e-12)
    assert found.sd == 0.0
    fewer = kid(x, y[:30], subsets=1, size=500)  # of the larger set as many are drawn as the smaller one has
    assert fewer.mean == pytest.approx(squared_mmd(x[np.random.default_rng(0).choice(40, 30, replace=False)], y[:30]))
    draw = np.random.default_rng(0)
    each = [squared_mmd(*(part[draw.choice(40, 20, replace=False)] for part in (x, y))) for _ in range(3)]
    several = kid(x, y, subsets=3, size=500)  # several of all rows would be three times the same
    assert (several.mean, several.sd) == pytest.approx((np.mean(each), np.std(each)), rel=1e-12)
    assert several == kid(x, y, subsets=3, size=20) != kid(x, y, subsets=3, size=19)
    assert several.sd > 0
    assert several != kid(x, y, subsets=3, size=500, seed=1)
    assert kid(x[:4], y[:4], subsets=3) == kid(x[:4], y[:4], subsets=3, size=2)


def test_one_subset_meets_the_same_reals_whatever_the_fakes(rng):
    real = rng.standard_normal((300, 4))
    chosen = np.random.default_rng(0).choice(300, 50, replace=False)
    constant = np.full((300, 4), 0.7)
    found = kid(real, constant, subsets=1, size=50)
    assert found.mean == pytest.approx(squared_mmd(real[chosen], constant[:50]), rel=1e-12)
    assert found.sd == 0.0
